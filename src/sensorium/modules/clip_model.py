"""`CLIPModel`: the older type name of a dual encoder, read for the checkpoints that carry it.

Such a checkpoint states no modalities; it takes texts and images, each through its own method.
"""

from __future__ import annotations

from typing import Any

from sensorium.modules.modality_config import ModalityConfig, annotated_output_fields
from sensorium.modules.transformer import Transformer


class CLIPModel(Transformer):
    """A `Transformer` over a CLIP checkpoint in the older layout."""

    peer_type = "sentence_transformers.sentence_transformer.modules.clip_model.CLIPModel"

    def __init__(
        self,
        model_name_or_path: str = "openai/clip-vit-base-patch32",
        processor_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if processor_name is not None:
            kwargs["tokenizer_name_or_path"] = processor_name
        super().__init__(model_name_or_path, **kwargs)

    @staticmethod
    def default_modality_config() -> tuple[ModalityConfig, str]:
        """Return what a checkpoint of this type means: text and image, one method each."""
        from transformers import CLIPModel as Backbone

        def entry(method: str) -> dict[str, Any]:
            offered = annotated_output_fields(getattr(Backbone, method))
            name = "pooler_output" if offered and "pooler_output" in offered else None
            return {"method": method, "method_output_name": name}

        return {"text": entry("get_text_features"), "image": entry("get_image_features")}, "sentence_embedding"
