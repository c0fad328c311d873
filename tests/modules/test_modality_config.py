"""What a checkpoint takes, judged or read: as the peer judges, for every model type that needs a word of its own."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sentence_transformers.base.modules import Transformer as PeerTransformer
from transformers import AutoTokenizer, CLIPImageProcessor, CLIPProcessor
from transformers.modeling_outputs import BaseModelOutput, BaseModelOutputWithPooling

from sensorium.errors import CheckpointError
from sensorium.modules import modality_config as subject
from sensorium.modules.tasks import TASKS
from sensorium.modules.transformer import Transformer
from tests.compat.peer import quiet
from tests.modules.weightless import weightless, write_config
from tests.tiny.families import COMPOSED_FAMILIES, FAMILIES

FORWARD = ("git", "visual_bert", "kosmos-2", "grounding-dino", "paligemma", "vilt", "layoutlmv3", "idefics")
SPEAKING = (
    "hubert",
    "moonshine",
    "sew",
    "sew-d",
    "unispeech",
    "unispeech-sat",
    "wav2vec2",
    "wav2vec2-conformer",
    "wavlm",
    "whisper",
    "voxtral_realtime",
)
GENERAL = ("bert", "t5", "clip", "siglip", "clap", "vit", "align", "llava", "qwen2_vl")
CASES = [
    *(("feature-extraction", name) for name in ("blip", "blip-2", "sam3", "flava", *FORWARD, *SPEAKING, *GENERAL)),
    ("text-generation", "git"),
    ("text-generation", "whisper"),
    ("text-generation", "qwen3"),
    *(("any-to-any", name) for name in ("git", "blip", "blip-2", "kosmos-2", "paligemma", "voxtral_realtime")),
    ("any-to-any", "qwen2_vl"),
    ("fill-mask", "bert"),
]
TEMPLATE = "{% for m in messages %}{{ m.content[0].text }}{% endfor %}"


@pytest.fixture
def tokenizer(tiny: Callable[..., Path]) -> Any:
    return AutoTokenizer.from_pretrained(str(tiny("bert")))


def load_both(tokenizer: Any, path: str, task: Any) -> tuple[Transformer, Any]:
    with weightless(tokenizer):
        return Transformer(path, transformer_task=task), PeerTransformer(path, transformer_task=task)


@pytest.mark.parametrize(("task", "model_type"), CASES, ids=["-".join(case) for case in CASES])
def test_judged_as_the_peer_judges(tokenizer: Any, tmp_path: Path, task: Any, model_type: str) -> None:
    ours, theirs = load_both(tokenizer, write_config(tmp_path / "model", model_type), task)
    # The order is that of the public list of modalities.
    assert list(ours.modality_config.items()) == list(theirs.modality_config.items())
    assert ours.module_output_name == theirs.module_output_name
    assert "message" not in ours.modality_config


@pytest.mark.parametrize("model_type", GENERAL)
def test_chat_models_are_judged_as_the_peer_judges(tokenizer: Any, tmp_path: Path, model_type: str) -> None:
    """Only of types without a table: there, a chat template changes the table for every later model."""
    tokenizer.chat_template = TEMPLATE
    ours, theirs = load_both(tokenizer, write_config(tmp_path / "model", model_type), "feature-extraction")
    assert list(ours.modality_config.items()) == list(theirs.modality_config.items())
    assert ("message" in ours.modality_config) is (ours.module_output_name == "token_embeddings")


@pytest.mark.parametrize("model_type", ["git", "paligemma", "hubert", "blip"])
def test_a_template_adds_messages_to_a_table_once(tokenizer: Any, tmp_path: Path, model_type: str) -> None:
    path = write_config(tmp_path / "model", model_type)
    with weightless(tokenizer):
        plain = Transformer(path)
        tokenizer.chat_template = TEMPLATE
        chatting = Transformer(path)
        tokenizer.chat_template = None
        again = Transformer(path)
    entry = plain.modality_config.get("text") or {"method": "forward", "method_output_name": "last_hidden_state"}
    assert chatting.modality_config == {**plain.modality_config, "message": {**entry, "format": "structured"}}
    assert again.modality_config == plain.modality_config


def test_wav2vec2_with_a_masked_head() -> None:
    """No class of `transformers` loads it, so the table alone is looked at."""
    model: Any = SimpleNamespace(config=SimpleNamespace(model_type="wav2vec2"))
    assert subject.infer_modality_config(model, SimpleNamespace(), "fill-mask") == (
        {"audio": {"method": "forward", "method_output_name": "logits"}},
        "token_embeddings",
    )


@pytest.mark.parametrize("name", [family.name for family in FAMILIES if family not in COMPOSED_FAMILIES])
def test_small_checkpoints_are_read_as_the_peer_reads_them(
    ours: Callable[[str], Transformer], theirs: Callable[[str], Any], name: str
) -> None:
    assert ours(name).modality_config == theirs(name).modality_config
    assert ours(name).module_output_name == theirs(name).module_output_name


def test_judgements_are_never_shared(tiny: Callable[..., Path]) -> None:
    with quiet():
        first, second = (Transformer(str(tiny("qwen3_chat"))) for _ in range(2))
    before = copy.deepcopy(second.modality_config)
    first.modality_config["text"]["method"] = "changed"
    first.modality_config["message"]["method"] = "changed too"
    assert second.modality_config == before
    table, _ = subject.default_modality_config("feature-extraction")
    table["text"]["method"] = "changed"
    assert subject.default_modality_config("feature-extraction")[0]["text"]["method"] == "forward"
    assert first.modality_config["text"] is not first.modality_config["message"]


# Processors


def test_what_processors_prepare(ours: Callable[[str], Transformer], caplog: pytest.LogCaptureFixture) -> None:
    clip = CLIPProcessor(image_processor=CLIPImageProcessor(), tokenizer=ours("clip").tokenizer)
    vl = ours("qwen3_vl").processor
    expected = {
        id(clip): ["text", "image"],
        id(vl): ["text", "image", "video", "message"],
        id(ours("qwen2_5_omni").processor): ["text", "image", "audio", "video", "message"],
        id(vl.tokenizer): ["text", "message"] if vl.tokenizer.chat_template else ["text"],
        id(vl.image_processor): ["image"],
        id(vl.video_processor): ["video"],
        id(ours("embedding_gemma2").processor.feature_extractor): ["audio"],
    }
    found = (clip, vl, ours("qwen2_5_omni").processor, vl.tokenizer, vl.image_processor, vl.video_processor)
    for processor in (*found, ours("embedding_gemma2").processor.feature_extractor):
        assert subject.list_processor_modalities(processor) == expected[id(processor)]
    assert not caplog.text
    assert subject.list_processor_modalities(object()) == []
    assert "Cannot tell what a object prepares" in caplog.text


# Annotations


class Odd(dict):  # type: ignore[type-arg]
    """Not an output class."""


def returns_nothing() -> None: ...
def returns_output() -> BaseModelOutput: ...
def returns_either() -> tuple[int, ...] | BaseModelOutputWithPooling: ...
def returns_other() -> Odd: ...
def returns_unannotated(): ...  # type: ignore[no-untyped-def]
def returns_unknown() -> "NoSuchClass": ...  # type: ignore[name-defined] # noqa: F821, UP037


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        (returns_nothing, None),
        (returns_output, {"last_hidden_state", "hidden_states", "attentions"}),
        (returns_either, {"last_hidden_state", "hidden_states", "attentions", "pooler_output"}),
        (returns_other, None),
        (returns_unannotated, None),
        (returns_unknown, None),
    ],
)
def test_annotated_fields(method: Any, fields: set[str] | None) -> None:
    assert subject.annotated_output_fields(method) == fields


# On disk


def test_stored_form_comes_back_in_order() -> None:
    entry = {"method": "forward", "method_output_name": ["hidden_states", -1]}
    config: Any = {"text": entry, ("image", "text"): {**entry}, "message": {**entry, "format": "flat"}}
    stored = subject.write_modality_config(config)
    assert list(stored) == ["text", "image+text", "message"]
    assert subject.read_modality_config(stored) == config
    stored["text"]["method"] = "changed"
    assert entry["method"] == "forward"


def test_tuples_are_read_as_written(caplog: pytest.LogCaptureFixture) -> None:
    entry = {"method": "forward", "method_output_name": None}
    assert list(subject.read_modality_config({"text+image": entry})) == [("text", "image")]
    assert subject.read_modality_config({"smell": entry, "smell+text": entry, "text": entry}) == {"text": entry}
    assert "unknown modality 'smell'" in caplog.text
    assert "unknown modality 'smell+text'" in caplog.text


@pytest.mark.parametrize("task", TASKS)
def test_what_a_checkpoint_means_that_states_nothing(task: str) -> None:
    config, feature = subject.default_modality_config(task)
    assert list(config) == (["text", "image"] if task == "retrieval" else ["text"])
    assert feature == TASKS[task].feature_name
    assert all(entry["method_output_name"] == TASKS[task].output_name for entry in config.values())


ENTRY = {"method": "forward", "method_output_name": "x"}


@pytest.mark.parametrize(
    ("config", "feature", "message"),
    [
        ({"text": ENTRY}, None, "module_output_name"),
        ({"text": {"method": "forward"}}, "x", "'method' and 'method_output_name'"),
        ({"text": {"method_output_name": "forward"}}, "x", "'method' and 'method_output_name'"),
        ({"text": "forward"}, "x", "'method' and 'method_output_name'"),
        ({"text": ENTRY, "image": None}, "x", "entry of 'image'.*'method' and 'method_output_name'"),
    ],
)
def test_incomplete_configurations_are_refused(
    tiny: Callable[..., Path], config: Any, feature: Any, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        Transformer(str(tiny("bert")), modality_config=config, module_output_name=feature)
    with quiet(), pytest.raises(ValueError, match=message.rpartition("*")[2]):
        PeerTransformer(str(tiny("bert")), modality_config=config, module_output_name=feature)


def test_a_complete_configuration_is_taken_as_it_is(tiny: Callable[..., Path]) -> None:
    config: Any = {"text": {"method": "forward", "method_output_name": ["hidden_states", 0]}}
    module = Transformer(str(tiny("bert")), modality_config=config, module_output_name="layer")
    assert module.modality_config == config
    assert module(module.preprocess(["rain"]))["layer"].shape == (1, 3, 32)
