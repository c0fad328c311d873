"""Resizing on the decoding thread gives the processor's own bytes, and happens only where it may."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from sensorium.media.samples import Part
from sensorium.modules.early_resize import find_resizer
from tests.compat.peer import assert_same_vectors, encode, load_ours, load_peer

SIZES = [(37, 911), (911, 37), (17, 17), (640, 480), (1024, 1023), (1600, 1200)]


def _noise(size: tuple[int, int]) -> Image.Image:
    width, height = size
    return Image.fromarray(np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def models(tiny):
    loaded: dict[str, tuple] = {}

    def load(name: str):
        if name not in loaded:
            loaded[name] = load_ours(tiny(name)), load_peer(tiny(name))
        return loaded[name]

    return load


@pytest.mark.parametrize("name", ["clip", "siglip"])
@pytest.mark.parametrize("size", SIZES)
def test_the_processor_gets_what_it_would_have_made(models, name, size):
    processor = models(name)[0].processor
    resize = find_resizer(processor, {})
    assert resize is not None
    part = resize(Part("image", _noise(size), True))
    assert isinstance(part.value, torch.Tensor)
    assert part.value.numel() < size[0] * size[1] * 3 or max(size) < 64
    early = processor.image_processor(images=[part.value], return_tensors="pt")["pixel_values"]
    whole = processor.image_processor(images=[_noise(size)], return_tensors="pt")["pixel_values"]
    assert torch.equal(early, whole)


@pytest.mark.parametrize("name", ["clip", "siglip", "siglip2", "qwen3_vl", "embedding_gemma2", "router"])
def test_vectors_of_large_pictures_equal_the_peers(models, name):
    ours, theirs = models(name)
    pictures = [_noise(size) for size in SIZES]
    assert_same_vectors(encode(ours, pictures), encode(theirs, pictures))


@pytest.mark.parametrize("name", ["siglip2", "qwen3_vl", "embedding_gemma2", "bert"])
def test_processors_with_ways_of_their_own_see_the_picture_whole(models, name):
    assert find_resizer(models(name)[0].processor, {}) is None


def test_settings_of_a_call_leave_all_to_the_processor(models):
    ours, theirs = models("clip")
    assert find_resizer(ours.processor, {"do_resize": False}) is None
    settings = {"processing_kwargs": {"image": {"size": {"shortest_edge": 48}}}}
    picture = [_noise((640, 480))]
    assert_same_vectors(encode(ours, picture, **settings), encode(theirs, picture, **settings))


def test_arrays_of_the_caller_are_left_alone(models):
    resize = find_resizer(models("clip")[0].processor, {})
    part = Part("image", np.zeros((40, 30, 3), dtype=np.uint8), True)
    assert resize(part) is part
