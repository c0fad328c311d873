"""What a transformer is asked to do: the task's model class, which output is read, and what the feature is called.

Data only, and the choice of a model class. Must not know how weights are loaded or inputs prepared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

TransformerTask: TypeAlias = Literal[
    "feature-extraction", "sequence-classification", "text-generation", "any-to-any", "fill-mask", "retrieval"
]


@dataclass(frozen=True, slots=True)
class Task:
    """One way to use a backbone.

    Attributes:
        auto_class: The `transformers` class that loads it, or None where the configuration names a concrete one.
        output_name: The field of the model's output that is read.
        feature_name: The key under which it is stored among the features.
    """

    auto_class: str | None
    output_name: str
    feature_name: str


TASKS: dict[str, Task] = {
    "feature-extraction": Task("AutoModel", "last_hidden_state", "token_embeddings"),
    "sequence-classification": Task("AutoModelForSequenceClassification", "logits", "scores"),
    "text-generation": Task("AutoModelForCausalLM", "logits", "causal_logits"),
    "any-to-any": Task("AutoModelForMultimodalLM", "logits", "causal_logits"),
    "fill-mask": Task("AutoModelForMaskedLM", "logits", "token_embeddings"),
    "retrieval": Task(None, "embeddings", "token_embeddings"),
}

#: Tasks whose last position is read, so that padding must be on the left.
CAUSAL_TASKS: frozenset[str] = frozenset({"text-generation", "any-to-any"})

#: Encoder-decoder model types of which an embedding needs the encoder alone, and the class that is it. The class
#: lives in
#: `transformers` or in `transformers.models.<model type>.modeling_<model type>`.
ENCODER_CLASSES: dict[str, str] = {
    "t5": "T5EncoderModel",
    "mt5": "MT5EncoderModel",
    "umt5": "UMT5EncoderModel",
    "udop": "UdopEncoderModel",
    "longt5": "LongT5EncoderModel",
    "prophetnet": "ProphetNetEncoder",
    "switch_transformers": "SwitchTransformersEncoderModel",
    "blenderbot": "BlenderbotEncoder",
    "blenderbot-small": "BlenderbotSmallEncoder",
    "m2m_100": "M2M100Encoder",
    "pegasus": "PegasusEncoder",
    "pegasus_x": "PegasusXEncoder",
    "moonshine": "MoonshineEncoder",
    "whisper": "WhisperEncoder",
    "marian": "MarianEncoder",
    "t5gemma": "T5GemmaEncoderModel",
    "t5gemma2": "T5Gemma2Encoder",
    "t5gemma2_text": "T5Gemma2Encoder",
}
