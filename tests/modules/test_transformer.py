"""The Transformer module as a whole: built, described, called and saved as its users know it from the peer."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers.base.modules import Transformer as PeerTransformer
from transformers import AutoTokenizer

from sensorium.errors import (
    CheckpointError,
    InputError,
    MediaLimitError,
    NotBuiltError,
    UnknownArgumentError,
    UnsupportedModalityError,
)
from sensorium.media.limits import MediaLimits, MediaSettings
from sensorium.modules.clip_model import CLIPModel
from sensorium.modules.transformer import Transformer
from tests.compat.peer import load_peer, quiet
from tests.modules.rendering import assert_same_features, prepare
from tests.tiny import media
from tests.tiny.families import BY_NAME, COMPOSED_FAMILIES, FAMILIES

NAMES = [family.name for family in FAMILIES if family not in COMPOSED_FAMILIES]


@pytest.fixture
def bert(tiny: Callable[..., Path]) -> str:
    return str(tiny("bert"))


# Construction


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("model_args", "model_kwargs", {"dtype": torch.float16}),
        ("tokenizer_args", "processor_kwargs", {"model_max_length": 9}),
        ("config_args", "config_kwargs", {"use_cache": True}),
    ],
)
def test_deprecated_names_warn_and_work(
    bert: str, caplog: pytest.LogCaptureFixture, old: str, new: str, value: Any
) -> None:
    module = Transformer(bert, **{old: value})
    assert f"`{old}` is deprecated; its name is now `{new}`" in caplog.text
    assert {"model_args": module.model.dtype, "tokenizer_args": module.max_seq_length, "config_args": True}[
        old
    ] == next(iter(value.values()))
    caplog.clear()
    Transformer(bert, **{new: value})
    assert not caplog.text


def test_the_present_name_wins(bert: str) -> None:
    both: dict[str, Any] = {"tokenizer_args": {"model_max_length": 9}, "processor_kwargs": {"model_max_length": 8}}
    with quiet():
        assert Transformer(bert, **both).max_seq_length == PeerTransformer(bert, **both).max_seq_length == 8


def test_a_cache_folder_is_for_all_three(bert: str, tmp_path: Path) -> None:
    assert Transformer(bert, cache_dir=str(tmp_path)).max_seq_length == 64
    assert Transformer(bert, cache_dir=None).max_seq_length == 64


@pytest.mark.parametrize("name", ["max_length", "modelkwargs", "device"])
def test_unknown_names_raise(bert: str, name: str) -> None:
    with pytest.raises(UnknownArgumentError, match=name) as caught:
        Transformer(bert, **{name: 1})
    assert isinstance(caught.value, TypeError)
    with pytest.raises(TypeError):
        PeerTransformer(bert, **{name: 1})


def test_what_is_not_built_says_so(bert: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotBuiltError, match="query_expansion"):
        Transformer(bert, query_expansion={"length": 32})
    with caplog.at_level(logging.WARNING):
        module = Transformer(bert, unpad_inputs=True)
        assert "unpad_inputs=True was set" in caplog.text
        caplog.clear()
        module.unpad_inputs = False
    assert not caplog.text
    assert module.unpad_inputs is False
    assert not any("position" in key for key in module.preprocess(["rain"]))


def test_unknown_settings_warn(bert: str, caplog: pytest.LogCaptureFixture) -> None:
    Transformer(bert, processing_kwargs={"txt": {"max_length": 3}})
    assert "Unknown keys in `processing_kwargs`: ['txt']" in caplog.text
    caplog.clear()
    Transformer(bert).preprocess(["rain"], processing_kwargs={"imges": {}})
    assert "Unknown keys in per-call `processing_kwargs`: ['imges']" in caplog.text


def test_dicts_of_the_caller_are_left_alone(tiny: Callable[..., Path]) -> None:
    given: dict[str, Any] = {
        "model_kwargs": {"attn_implementation": "eager"},
        "processor_kwargs": {"model_max_length": 99},
        "config_kwargs": {"use_cache": False},
        "processing_kwargs": {"chat_template": {"max_length": 30}, "text": {}},
    }
    before = copy.deepcopy(given)
    with quiet():
        module = Transformer(str(tiny("qwen3_chat")), max_seq_length=5, **given)
    module.preprocess(["rain"], processing_kwargs=given["processing_kwargs"])
    assert given == before
    given["processing_kwargs"]["chat_template"]["max_length"] = 3
    assert module.processing_kwargs == before["processing_kwargs"]
    assert module.preprocess(["rain " * 50])["input_ids"].shape == (1, 30)


def test_another_processor(tiny: Callable[..., Path], bert: str) -> None:
    with quiet():
        module = Transformer(bert, tokenizer_name_or_path=str(tiny("qwen3_plain")))
    assert type(module.tokenizer) is type(AutoTokenizer.from_pretrained(str(tiny("qwen3_plain"))))
    with quiet():
        clip = CLIPModel(str(tiny("clip")), processor_name=str(tiny("clip")), max_seq_length=7)
    assert clip.max_seq_length == 7
    assert clip.modalities == ["text", "image"]


@pytest.mark.parametrize(
    "entry", [None, "forward", {"method": "forward"}, {"method": "forward", "method_output_name": "x", "format": "odd"}]
)
def test_a_malformed_message_entry_is_refused(bert: str, entry: Any) -> None:
    with pytest.raises(CheckpointError):
        Transformer(bert, modality_config={"message": entry}, module_output_name="x")


# Description


@pytest.mark.parametrize("name", NAMES)
def test_properties_are_the_peers(ours: Callable[[str], Transformer], theirs: Callable[[str], Any], name: str) -> None:
    module, peer = ours(name), theirs(name)
    for attribute in (
        "modalities",
        "module_output_name",
        "max_seq_length",
        "transformer_task",
        "processing_kwargs",
        "query_length",
        "document_length",
        "do_lower_case",
        "query_expansion",
        "backend",
        "save_in_root",
        "config_file_name",
    ):
        assert getattr(module, attribute) == getattr(peer, attribute), attribute
    assert module.get_embedding_dimension() == peer.get_embedding_dimension()
    assert type(module.tokenizer) is type(peer.tokenizer)
    assert module.auto_model is module.model
    assert module.config is module.model.config


def test_older_names_of_the_width(ours: Callable[[str], Transformer]) -> None:
    for name in ("get_word_embedding_dimension", "get_sentence_embedding_dimension"):
        with pytest.warns(FutureWarning, match="renamed to `get_embedding_dimension`"):
            assert getattr(ours("bert"), name)() == 32


def test_it_shows_what_resizes_images(ours: Callable[[str], Transformer]) -> None:
    text = repr(ours("clip"))
    assert text.startswith("Transformer({")
    assert "'image_backend': 'torchvision'" in text
    assert "'architecture': 'CLIPModel'" in text
    assert "image_backend" not in repr(ours("bert"))
    assert "'architecture': 'BertModel'" in repr(ours("bert"))


@pytest.mark.parametrize("name", NAMES)
def test_stored_settings_are_the_peers(
    ours: Callable[[str], Transformer], theirs: Callable[[str], Any], name: str
) -> None:
    mine, peers = ours(name).get_config_dict(), theirs(name).get_config_dict()
    assert json.dumps(mine, sort_keys=True) == json.dumps(peers, sort_keys=True)


def test_maximum_length_can_be_set(bert: str, tiny: Callable[..., Path]) -> None:
    with quiet():
        module, hearing = Transformer(bert), Transformer(str(tiny("whisper")))
    module.max_seq_length = 5
    assert module.tokenizer is not None
    assert module.tokenizer.model_max_length == 5
    assert module.preprocess(["rain " * 50])["input_ids"].shape == (1, 5)
    if hearing.tokenizer is None:
        before = hearing.max_seq_length
        hearing.max_seq_length = 3
        assert hearing.max_seq_length == before


# Inputs


def test_nothing_gives_nothing(ours: Callable[[str], Transformer], theirs: Callable[[str], Any]) -> None:
    assert ours("bert").preprocess([]) == theirs("bert").preprocess([]) == {}


@pytest.mark.parametrize(
    ("name", "value", "is_taken"),
    [
        ("bert", "rain", True),
        ("bert", ("a", "b"), True),
        ("bert", {"text": "rain"}, True),
        ("bert", {"image": media.make_image(1)}, False),
        ("bert", {"role": "user", "content": "a"}, False),
        ("clip", media.make_image(1), True),
        ("clip", {"image": media.make_image(1), "text": "a"}, False),
        ("clip", {"image": [media.make_image(1), media.make_image(2)]}, False),
        ("qwen3_vl", {"image": [media.make_image(1), media.make_image(2)], "text": "a"}, True),
        ("qwen3_vl", {"audio": media.make_wave(1)}, False),
        ("qwen3_vl", {"audio": media.make_wave(1), "text": "a"}, False),
        ("qwen3_chat", {"role": "user", "content": "a"}, True),
        ("whisper", media.make_wave(1), True),
        ("whisper", "rain", False),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_taken(ours: Callable[[str], Transformer], name: str, value: Any, is_taken: bool) -> None:
    module = ours(name)
    sample = module.read(value)
    if is_taken:
        module.check(sample)
        assert module.preprocess([value])
        return
    for refuse in (lambda: module.check(sample), lambda: module.preprocess([value])):
        with pytest.raises(InputError):
            refuse()


def test_what_is_not_taken_is_named_with_what_is(ours: Callable[[str], Transformer]) -> None:
    module = ours("bert")
    wanted = "Modality 'image' is not supported by this Transformer module.*Supported modalities: text"
    with pytest.raises(UnsupportedModalityError, match=wanted):
        module.preprocess([media.make_image(1)])


@pytest.mark.parametrize(
    ("name", "values", "count"),
    [
        ("bert", ["a", "b", "longer"], 1),
        ("bert", ["a", ("a", "b")], 2),
        ("clip", ["a", media.make_image(1), "b"], 2),
        ("qwen3_vl", ["a", media.make_image(1), ("a", "b"), {"role": "user", "content": "a"}], 1),
        ("siglip", ["rain", "rain", "a much longer text", media.make_image(1)], 3),
    ],
)
def test_groups(ours: Callable[[str], Transformer], name: str, values: list[Any], count: int) -> None:
    module = ours(name)
    assert len({module.group(module.read(value)) for value in values}) == count


def test_loading_twice_changes_nothing(ours: Callable[[str], Transformer]) -> None:
    module = ours("qwen3_vl")
    for value in (media.make_image(1), media.make_clip(1), {"text": "a", "image": media.make_image(1)}):
        once = module.load_sample(module.read(value))
        assert module.load_sample(once) is once
        assert_same_features(module.preprocess([once]), module.preprocess([value]))


def test_limits_are_the_modules_own(tiny: Callable[..., Path]) -> None:
    with quiet():
        module = Transformer(str(tiny("clip")))
    module.media_settings = MediaSettings(limits=MediaLimits(max_pixels=100))
    with pytest.raises(MediaLimitError):
        module.preprocess([media.make_image(1)])
    sample = module.read(media.make_image(1))
    assert module.load_sample(sample, MediaSettings()).parts[0].is_loaded


@pytest.mark.parametrize("name", ["qwen3_plain", "qwen2_5_omni"])
def test_padding_at_the_end_of_a_row_is_refused(tiny: Callable[..., Path], name: str) -> None:
    task: Any = "text-generation" if name == "qwen3_plain" else "any-to-any"
    with quiet():
        module = Transformer(str(tiny(name)), transformer_task=task)
        peer = PeerTransformer(str(tiny(name)), transformer_task=task)
    inputs = ["rain", "a longer text than that"]
    assert module.preprocess(inputs)["logits_to_keep"] == 1
    for each in (module, peer):
        each.tokenizer.padding_side = "right"  # type: ignore[union-attr]
        with pytest.raises(ValueError, match="ends in a padding token") as caught:
            prepare(each, inputs, processing_kwargs={"text": {"padding_side": "right"}})
        assert "processing_kwargs" in str(caught.value)
    assert module.preprocess(["rain"])["logits_to_keep"] == 1


# Outputs


def test_a_method_that_is_not_there_is_named(bert: str) -> None:
    config: Any = {"text": {"method": "get_text_features", "method_output_name": None}}
    module = Transformer(bert, modality_config=config, module_output_name="x")
    with pytest.raises(InputError, match="does not have the requested method 'get_text_features'"):
        module(module.preprocess(["rain"]))


def test_features_of_a_modality_that_is_not_taken(ours: Callable[[str], Transformer]) -> None:
    with pytest.raises(InputError, match="features of modality 'image'"):
        ours("bert")({"modality": "image", "pixel_values": torch.zeros(1)})
    with pytest.raises(InputError, match="features of modality 'text'.*audio"):
        ours("whisper")({"input_ids": torch.zeros(1, 1)})


@pytest.mark.parametrize("name", ["bert", "qwen3"])
def test_other_layers_can_be_read(tiny: Callable[..., Path], name: str) -> None:
    config: Any = {"text": {"method": "forward", "method_output_name": ["hidden_states", 1]}}
    with quiet():
        ours, theirs = (
            cls(str(tiny(name)), modality_config=copy.deepcopy(config), module_output_name="token_embeddings")
            for cls in (Transformer, PeerTransformer)
        )
        last = Transformer.load(str(tiny(name)))
    with torch.inference_mode():
        found, wanted, other = (
            module(module.preprocess(["rain"]))["token_embeddings"] for module in (ours, theirs, last)
        )
    torch.testing.assert_close(found, wanted)
    assert not torch.allclose(found, other)


def test_all_layers_are_kept_where_the_configuration_asks(bert: str) -> None:
    with quiet():
        ours, theirs = (
            cls(bert, config_kwargs={"output_hidden_states": True}) for cls in (Transformer, PeerTransformer)
        )
    with torch.inference_mode():
        found, wanted = (module(module.preprocess(["rain"])) for module in (ours, theirs))
    assert len(found["all_layer_embeddings"]) == 3
    for mine, peers in zip(found["all_layer_embeddings"], wanted["all_layer_embeddings"], strict=True):
        torch.testing.assert_close(mine, peers)
    assert "all_layer_embeddings" not in Transformer(bert)(Transformer(bert).preprocess(["rain"]))


def test_further_arguments_reach_the_network(ours: Callable[[str], Transformer]) -> None:
    module = ours("bert")
    with torch.inference_mode():
        plain = module(module.preprocess(["rain"]))["token_embeddings"]
        shifted = module(module.preprocess(["rain"]), position_ids=torch.tensor([[5, 6, 7]]))["token_embeddings"]
        ignored = module(module.preprocess(["rain"]), no_such_argument=1)["token_embeddings"]
    assert not torch.allclose(plain, shifted)
    assert torch.equal(plain, ignored)


# Saved and loaded


@pytest.mark.parametrize("name", ["bert", "clip", "qwen3_vl", "whisper"])
def test_both_libraries_load_what_is_saved(tiny: Callable[..., Path], tmp_path: Path, name: str) -> None:
    from sensorium.modules import Transformer as Public

    with quiet():
        module = Public(str(tiny(name)))
        module.save(str(tmp_path))
        loaded, peer = Transformer.load(str(tmp_path)), PeerTransformer.load(str(tmp_path))
    key = "audio" if name == "whisper" else "text"
    inputs = BY_NAME[name].samples[key](tmp_path)[:2]
    with torch.inference_mode():
        outputs = [each(prepare(each, inputs))[module.module_output_name] for each in (module, loaded, peer)]
    assert torch.equal(outputs[0], outputs[1])
    assert torch.equal(outputs[0], outputs[2])
    assert loaded.get_config_dict() == module.get_config_dict()


def test_every_setting_survives_saving(bert: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "processing_kwargs": {"text": {"pad_to_multiple_of": 8, "truncation": False}},
        "query_length": 7,
        "document_length": 9,
        "unpad_inputs": False,
        "max_seq_length": 40,
        "do_lower_case": True,
    }
    Transformer(bert, **settings).save(str(tmp_path))
    for cls in (Transformer, PeerTransformer):
        with quiet():
            loaded = cls.load(str(tmp_path))
        assert {key: getattr(loaded, key) for key in settings} == settings


def test_a_module_in_a_subfolder(tiny: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "0_Transformer"
    folder.mkdir()
    with quiet():
        Transformer(str(tiny("bert"))).save(str(folder))
        loaded = Transformer.load(str(tmp_path), subfolder="0_Transformer")
    assert loaded.preprocess(["rain"])["input_ids"].shape == (1, 3)


def test_weights_in_half_precision(bert: str) -> None:
    with quiet():
        module = Transformer.load(bert, model_kwargs={"dtype": torch.float16})
    assert module.model.dtype == torch.float16
    with torch.inference_mode():
        assert module(module.preprocess(["rain"]))["token_embeddings"].dtype == torch.float16


def test_the_peer_pools_what_we_saved(bert: str, tmp_path: Path) -> None:
    """A folder that holds the module alone is a plain backbone to both."""
    with quiet():
        Transformer(bert).save(str(tmp_path))
    assert len(load_peer(tmp_path)) == 2
