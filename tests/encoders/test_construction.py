"""Models made of modules, and what the arguments for network and processor do."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

import sensorium
from sensorium import NotBuiltError, SentenceTransformer
from sensorium.modules import Normalize, Pooling, Transformer
from tests.compat.peer import load_ours, quiet
from tests.encoders.checkpoint_files import load, warnings_of
from tests.tiny import media


def test_modules_make_a_model(tiny, saved):
    with quiet():
        transformer = Transformer(str(tiny("bert")))
    model = SentenceTransformer(modules=[transformer, Pooling(32, "mean"), Normalize()], device="cpu")
    wanted = load_ours(tiny("bert")).encode("rain", normalize_embeddings=True)
    np.testing.assert_allclose(model.encode("rain"), wanted, atol=1e-6)
    assert not model.training
    named = OrderedDict(first=transformer, pool=Pooling(32, "mean"))
    model = SentenceTransformer(modules=named, device="cpu")
    assert list(model._modules) == ["first", "pool"]
    assert model.pool is named["pool"]
    assert model.prompts == {"query": "", "document": ""}


def test_no_modules_are_no_model(saved, caplog):
    with pytest.raises(ValueError, match="An empty modules list was passed"):
        SentenceTransformer(modules=[])
    with pytest.raises(ValueError, match="modules"):
        SentenceTransformer()
    model = load(saved, modules=[Normalize()])
    assert len(model) == 3
    assert "`modules` argument is ignored" in warnings_of(caplog)


# Arguments for the network and the processor


def test_a_device_map_places_the_network(saved, caplog):
    placed = load(saved, model_kwargs={"device_map": "cpu"})
    assert "`device` argument is ignored" in warnings_of(caplog)
    np.testing.assert_allclose(placed.encode("rain"), load_ours(saved).encode("rain"), atol=1e-6)


@pytest.mark.parametrize("name", ["dtype", "torch_dtype"])
@pytest.mark.parametrize("value", [torch.bfloat16, "bfloat16"])
def test_a_dtype_applies_to_every_module(saved, name, value):
    model = load_ours(saved, model_kwargs={name: value})
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert model.dtype == torch.bfloat16
    assert model.encode("rain").dtype == np.float32
    assert model.encode("rain", convert_to_tensor=True).dtype == torch.bfloat16


@pytest.mark.parametrize("name", ["eager", "sdpa"])
def test_an_attention_applies(saved, name):
    model = load_ours(saved, model_kwargs={"attn_implementation": name})
    assert model.config._attn_implementation == name
    assert model[0].model.config._attn_implementation == name


def count_patches(model: SentenceTransformer, image: Any, **kwargs: Any) -> int:
    return model.preprocess([image], **kwargs)["pixel_values"].shape[0]


@pytest.mark.parametrize("name", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_pixel_limits_apply(tiny, name):
    image = media.make_image(1, 640, 480)
    free = load_ours(tiny(name))
    side = free.processor.image_processor.patch_size * free.processor.image_processor.merge_size
    limits = {"min_pixels": 4 * side**2, "max_pixels": 9 * side**2}
    limited = load_ours(tiny(name), processor_kwargs=limits)
    each = free.processor.image_processor.patch_size**2
    assert count_patches(limited, image) <= limits["max_pixels"] / each
    assert count_patches(limited, image) != count_patches(free, image)
    size = {"shortest_edge": limits["min_pixels"], "longest_edge": limits["max_pixels"]}
    for settings in (limits, {"size": size}):
        per_call = {"processing_kwargs": {"image": settings}}
        with quiet():  # transformers calls the first spelling deprecated
            assert count_patches(free, image, **per_call) == count_patches(limited, image)
            np.testing.assert_allclose(free.encode(image, **per_call), limited.encode(image), atol=1e-6)
    assert np.abs(free.encode(image) - limited.encode(image)).max() > 1e-4
    small = media.make_image(1, side, side)
    assert count_patches(limited, small) * each >= limits["min_pixels"]


def test_frames_asked_for_apply(model, tmp_path):
    path = media.write_clip(tmp_path / "clip.mp4", 1, count=40, fps=10)
    encoder = model("qwen3_vl")
    grids = {}
    for wanted in (2, 8):
        settings = {"video": {"num_frames": wanted, "fps": None}}
        grids[wanted] = encoder.preprocess([path], processing_kwargs=settings)["video_grid_thw"][0, 0].item()
    assert grids[8] == 4 * grids[2]


def test_a_length_applies(saved):
    for kwargs in ({"processor_kwargs": {"model_max_length": 6}}, {"tokenizer_kwargs": {"model_max_length": 6}}):
        model = load_ours(saved, **kwargs)
        assert model.max_seq_length == 6
        assert model.preprocess(["a long text of many words, far more than six"])["input_ids"].shape[1] == 6


def test_configuration_arguments_apply(saved):
    model = load_ours(saved, config_kwargs={"layer_norm_eps": 0.5})
    assert model.config.layer_norm_eps == 0.5
    assert np.abs(model.encode("rain") - load_ours(saved).encode("rain")).max() > 1e-3


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_other_back_ends_are_not_built(saved, backend):
    with pytest.raises(NotBuiltError, match=backend):
        load_ours(saved, backend=backend)


def test_an_argument_of_another_class_is_a_type_error(saved):
    with pytest.raises(TypeError, match="num_labels"):
        SentenceTransformer(str(saved), num_labels=2)


def test_tokens_are_not_printed(saved):
    model = load_ours(saved, token="hf_secret")
    assert "hf_secret" not in repr(model)
    assert "hf_secret" not in repr(model._checkpoint)
    assert sensorium.__version__
