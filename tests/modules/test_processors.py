"""Processors: loaded, taken apart, limited, told to lower-case and to pad; absent packages named."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tokenizers.normalizers import NFC, Lowercase
from tokenizers.normalizers import Sequence as NormalizerSequence
from transformers import AutoTokenizer, CanineTokenizer, PreTrainedTokenizerBase

from sensorium.errors import MissingExtraError
from sensorium.modules import processors
from sensorium.modules.transformer import Transformer
from tests.compat.peer import load_peer, quiet


@pytest.fixture
def tokenizer(tiny: Callable[..., Path]) -> Any:
    """A tokenizer of one's own, without a normalizer."""
    return AutoTokenizer.from_pretrained(str(tiny("roberta")))


# Parts


def test_parts_of_processors(ours: Callable[[str], Transformer]) -> None:
    vl, hearing = ours("qwen3_vl").processor, ours("qwen2_5_omni").processor
    assert processors.find_tokenizer(vl) is vl.tokenizer
    assert processors.find_tokenizer(vl.tokenizer) is vl.tokenizer
    assert processors.find_tokenizer(vl.image_processor) is None
    for part in ("image_processor", "video_processor"):
        bare = getattr(vl, part)
        assert processors.find_part(vl, part) is bare
        assert processors.find_part(bare, part) is bare
    assert processors.find_part(vl.image_processor, "video_processor") is None
    assert processors.find_part(vl.video_processor, "image_processor") is None
    assert processors.find_part(vl, "feature_extractor") is None
    extractor = hearing.feature_extractor
    assert processors.find_part(hearing, "feature_extractor") is extractor
    assert processors.find_part(extractor, "feature_extractor") is extractor
    assert processors.find_part(extractor, "image_processor") is None


def test_what_joins_parts(ours: Callable[[str], Transformer]) -> None:
    assert processors.is_processor(ours("qwen3_vl").processor)
    assert not processors.is_processor(ours("qwen3_vl").processor.tokenizer)
    assert not processors.is_processor(ours("bert").processor)


@pytest.mark.parametrize(
    "name", ["bert", "qwen3", "clip", "qwen3_vl", "qwen2_vl", "whisper", "clap", "embedding_gemma2"]
)
def test_processors_are_loaded_as_the_peer_loads_them(
    ours: Callable[[str], Transformer], theirs: Callable[[str], Any], name: str
) -> None:
    assert type(ours(name).processor) is type(theirs(name).processor)


def test_image_backend(ours: Callable[[str], Transformer]) -> None:
    assert processors.image_backend(ours("clip").processor) == "torchvision"
    assert processors.image_backend(ours("clip").processor.image_processor) == "torchvision"
    assert processors.image_backend(ours("bert").processor) is None
    assert processors.image_backend(ours("whisper").processor) is None


def test_images_resized_by_pil_are_warned_about(tiny: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "sensorium"):
        module = Transformer(str(tiny("clip")), processor_kwargs={"backend": "pil"})
    assert module.image_backend == "pil"
    assert "prepares images with PIL" in caplog.text
    assert 'pip install "sensorium[image]"' in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, "sensorium"):
        Transformer(str(tiny("clip")))
        Transformer(str(tiny("bert")))
    assert not [record for record in caplog.records if record.name.startswith("sensorium")]


# Absent packages


@pytest.mark.parametrize(
    ("complaint", "package", "extra"),
    [
        ("Qwen2VLVideoProcessor requires the Torchvision library", "torchvision", "image"),
        ("module has no attribute read_video", "torchvision", "image"),
        ("torchcodec is not available", "torchvision", "image"),
        ("requires the librosa library", "soundfile", "audio"),
        ("needs torchaudio", "soundfile", "audio"),
    ],
)
def test_complaints_about_absent_packages_name_the_command(
    monkeypatch: pytest.MonkeyPatch, complaint: str, package: str, extra: str
) -> None:
    monkeypatch.setattr(processors, "is_installed", lambda name: name != package)
    error = processors.explain_missing_package(ImportError(complaint), "the processor of x")
    assert isinstance(error, MissingExtraError)
    assert (error.package, error.extra) == (package, extra)
    assert str(error).startswith("the processor of x needs the package")
    assert f'pip install "sensorium[{extra}]"' in str(error)


def test_complaints_about_other_things_are_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processors.explain_missing_package(ImportError("requires Torchvision"), "x") is None  # it is installed
    monkeypatch.setattr(processors, "is_installed", lambda name: False)
    assert processors.explain_missing_package(ValueError("bad file"), "x") is None


def test_loading_without_a_package_names_the_command(
    tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoProcessor

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise ImportError("Qwen3VLVideoProcessor requires the Torchvision library but it was not found")

    monkeypatch.setattr(AutoProcessor, "from_pretrained", fail)
    monkeypatch.setattr(processors, "is_installed", lambda name: name != "torchvision")
    with pytest.raises(MissingExtraError, match=r'processor of .*qwen3_vl.*pip install "sensorium\[image\]"') as caught:
        processors.load_processor(str(tiny("qwen3_vl")), {})
    assert isinstance(caught.value.__cause__, ImportError)


# Lengths


@pytest.mark.parametrize(
    ("own", "positions", "wanted"), [(100, 64, 64), (32, 64, 32), (100, -1, 100), (100, None, 100), (10**30, 64, 64)]
)
def test_lengths_are_capped_by_positions(own: int, positions: int | None, wanted: int) -> None:
    tokenizer: Any = SimpleNamespace(model_max_length=own)
    config: Any = SimpleNamespace() if positions is None else SimpleNamespace(max_position_embeddings=positions)
    processors.cap_length(tokenizer, config)
    assert tokenizer.model_max_length == wanted


@pytest.mark.parametrize("name", ["bert", "roberta", "mpnet", "qwen3", "clip", "t5", "gemma", "qwen3_vl", "whisper"])
def test_lengths_are_the_peers(ours: Callable[[str], Transformer], theirs: Callable[[str], Any], name: str) -> None:
    assert ours(name).max_seq_length == theirs(name).max_seq_length


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_seq_length": 16},
        {"max_seq_length": 500},
        {"processor_kwargs": {"model_max_length": 500}},
        {"max_seq_length": 16, "processor_kwargs": {"model_max_length": 20}},
    ],
    ids=str,
)
def test_stated_lengths_are_the_peers(tiny: Callable[..., Path], arguments: dict[str, Any]) -> None:
    from sentence_transformers.base.modules import Transformer as PeerTransformer

    with quiet():
        ours, theirs = (cls(str(tiny("bert")), **arguments) for cls in (Transformer, PeerTransformer))
    assert ours.max_seq_length == theirs.max_seq_length


# Lower case


def lower_cased(tokenizer: PreTrainedTokenizerBase) -> str:
    return str(tokenizer.decode(tokenizer("AbC DEF")["input_ids"], skip_special_tokens=True)).strip()


def count_steps(tokenizer: Any) -> list[str]:
    return [type(step).__name__ for step in tokenizer.backend_tokenizer.normalizer]


def test_text_is_lower_cased_once(tokenizer: Any) -> None:
    assert lower_cased(tokenizer) == "AbC DEF"
    for _ in range(2):
        processors.lower_case(tokenizer)
        assert lower_cased(tokenizer) == "abc def"
        assert count_steps(tokenizer) == ["Lowercase"]


@pytest.mark.parametrize(
    ("normalizer", "steps"),
    [
        (None, ["Lowercase"]),
        (NFC(), ["Lowercase", "NFC"]),
        (NormalizerSequence([NFC()]), ["Lowercase", "NFC"]),
        (NormalizerSequence([NFC(), Lowercase()]), ["NFC", "Lowercase"]),
    ],
    ids=["none", "one", "sequence", "already"],
)
def test_lower_casing_comes_first_and_joins_what_is_there(tokenizer: Any, normalizer: Any, steps: list[str]) -> None:
    tokenizer.backend_tokenizer.normalizer = normalizer
    processors.lower_case(tokenizer)
    assert count_steps(tokenizer) == steps
    assert lower_cased(tokenizer) == "abc def"


def test_a_tokenizer_in_python_is_told(ours: Callable[[str], Transformer]) -> None:
    tokenizer: Any = CanineTokenizer()
    processors.lower_case(tokenizer)
    assert tokenizer.do_lower_case is True


@pytest.mark.parametrize("name", ["bert", "roberta", "qwen3_plain", "t5_full"])
def test_lower_cased_tokens_are_the_peers_and_survive_saving(
    tiny: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    from sentence_transformers.base.modules import Transformer as PeerTransformer

    with quiet():
        ours, theirs = (cls(str(tiny(name)), do_lower_case=True) for cls in (Transformer, PeerTransformer))
        ours.save(str(tmp_path))
        reloaded = PeerTransformer.load(str(tmp_path))
    tokens = [module.preprocess(["AbC DEF"])["input_ids"].tolist() for module in (ours, theirs, reloaded)]
    assert tokens[0] == tokens[1] == tokens[2]
    assert str(ours.tokenizer.backend_tokenizer.normalizer) == str(theirs.tokenizer.backend_tokenizer.normalizer)  # type: ignore[union-attr]


# Padding


def test_padding_side(ours: Callable[[str], Transformer], tiny: Callable[..., Path]) -> None:
    bare = AutoTokenizer.from_pretrained(str(tiny("bert")))
    processors.pad_left(bare)
    assert bare.padding_side == "left"
    joined: Any = SimpleNamespace(tokenizer=SimpleNamespace(padding_side="right"))
    processors.pad_left(joined)
    assert joined.tokenizer.padding_side == "left"
    assert not hasattr(joined, "padding_side")


@pytest.mark.parametrize(
    ("name", "task", "side"),
    [
        ("qwen3_plain", "text-generation", "left"),
        ("qwen2_vl", "any-to-any", "left"),
        ("bert", "feature-extraction", "right"),
        ("bert", "fill-mask", "right"),
    ],
)
def test_tasks_that_read_the_last_position_pad_left(tiny: Callable[..., Path], name: str, task: Any, side: str) -> None:
    with quiet():
        module = Transformer(str(tiny(name)), transformer_task=task)
    assert module.tokenizer.padding_side == side  # type: ignore[union-attr]
    features = module.preprocess(["rain", "a longer text than that"])
    assert ("logits_to_keep" in features) is (side == "left")
    assert features["attention_mask"][:, -1].all() == (side == "left")


def test_peer_loads_what_was_padded(tiny: Callable[..., Path], tmp_path: Path) -> None:
    with quiet():
        Transformer(str(tiny("qwen3_plain"))).save(str(tmp_path))
    assert load_peer(tmp_path)[0].tokenizer.padding_side == "left"
