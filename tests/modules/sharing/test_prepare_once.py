"""A processor that remembers gives what the processor gives, and works once a medium."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, BatchFeature

from sensorium.media.samples import Frames, Part, Waveform
from sensorium.modules.sharing.prepare_once import PrepareOnce, RememberingPart
from tests.tiny import media


class FakePart:
    """Prepares a medium to an array of its number, `width` columns wide; counts what it is given."""

    width = 2

    def __init__(self, fields: str = "tensor") -> None:
        self.calls: list[list[Any]] = []
        self.options: list[dict[str, Any]] = []
        self._fields = fields

    def __call__(self, values: Any, **options: Any) -> BatchFeature:
        flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
        self.calls.append(flat)
        self.options.append(options)
        time.sleep(0.002)
        rows = [torch.full((value.number + 1, self.width), float(value.number)) for value in flat]
        if self._fields == "tensor":
            return BatchFeature({"pixels": torch.cat(rows)})
        if self._fields == "ragged":
            width = max(value.number for value in flat) + 1
            grid = torch.zeros(len(flat), width)
            for row, value in zip(grid, flat, strict=True):
                row[: value.number + 1] = value.number
            return BatchFeature({"pixels": grid})
        return BatchFeature({"pixels": torch.cat(rows).numpy(), "names": [str(value.number) for value in flat]})


class Medium:
    def __init__(self, number: int) -> None:
        self.number = number


@pytest.fixture(scope="module")
def processor(tiny: Callable[..., Path]) -> Callable[[str], Any]:
    return lambda name: AutoProcessor.from_pretrained(tiny(name))


def assert_equal(ours: Any, plain: Any) -> None:
    assert list(ours) == list(plain)
    for name in plain:
        if isinstance(plain[name], (torch.Tensor, np.ndarray)):
            assert type(ours[name]) is type(plain[name])
            assert np.array_equal(ours[name], plain[name]), name
        else:
            assert ours[name] == plain[name]


class Watched:
    """A part of a processor that notes each medium it prepares."""

    def __init__(self, part: Any) -> None:
        self._part = part
        self.prepared: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)

    def __call__(self, values: Any, **options: Any) -> Any:
        self.prepared.extend(values)
        return self._part(values, **options)


def watch(once: PrepareOnce, name: str) -> list[Any]:
    """Return a list that grows with each medium that the real part of a processor prepares."""
    remembering = getattr(once.processor, name)
    remembering._part = Watched(remembering._part)
    prepared: list[Any] = remembering._part.prepared
    return prepared


def test_a_tokenizer_is_used_as_it_is(processor: Callable[[str], Any]) -> None:
    tokenizer = processor("qwen3_reranker")
    once = PrepareOnce(tokenizer)
    assert once.processor is tokenizer
    once.forget(Part("image", media.make_image(1), True))


def test_nothing_at_all_is_left_alone() -> None:
    assert PrepareOnce(None).processor is None


def test_the_processor_is_not_changed(processor: Callable[[str], Any]) -> None:
    plain = processor("qwen3_vl_reranker")
    before = dict(vars(plain))
    once = PrepareOnce(plain)
    assert vars(plain) == before
    assert once.processor is not plain
    assert once.processor.tokenizer is plain.tokenizer
    assert type(once.processor) is type(plain)


def test_images_and_clips_come_out_the_same_and_are_prepared_once(processor: Callable[[str], Any]) -> None:
    plain = processor("qwen3_vl_reranker")
    once = PrepareOnce(plain)
    images = [media.make_image(seed, 48 + 16 * seed, 64) for seed in range(3)]
    clips = [media.make_clip(1), media.make_clip(2, 9)]
    seen, watched = watch(once, "image_processor"), watch(once, "video_processor")
    picture = "<|vision_start|><|image_pad|><|vision_end|>"
    for chosen in ([0, 1], [1, 2], [2, 0, 1]):
        named = {
            "text": [picture, picture * (len(chosen) - 1), "a" + picture.replace("image", "video")],
            "images": [[images[chosen[0]]], [images[one] for one in chosen[1:]], []],
            "videos": [[], [], [clips[chosen[0] % 2]["array"]]],
            "videos_kwargs": {"video_metadata": [clips[chosen[0] % 2]["video_metadata"]]},
            "return_tensors": "pt",
            "padding": True,
        }
        assert_equal(once.processor(**named), plain(**named))
    assert [id(one) for one in seen] == [id(images[one]) for one in (0, 1, 2)]
    assert len(watched) == 2


def test_sounds_come_out_the_same(processor: Callable[[str], Any]) -> None:
    plain = processor("qwen2_5_omni_reranker")
    once = PrepareOnce(plain)
    waves = [media.make_wave(seed, seconds) for seed, seconds in enumerate((0.6, 0.35, 0.9))]
    for chosen in ([0], [0, 1], [2, 1, 0]):
        named = {
            "text": ["<|audio_bos|><|AUDIO|><|audio_eos|>"] * len(chosen),
            "audio": [waves[one] for one in chosen],
            "return_tensors": "pt",
            "text_kwargs": {"padding": True},
            "audio_kwargs": {"padding": True, "sampling_rate": 16_000},
        }
        assert_equal(once.processor(**named), plain(**named))


@pytest.mark.parametrize("fields", ["tensor", "array and list"])
def test_each_is_prepared_once_whatever_the_order_and_nesting(fields: str) -> None:
    part, plain = FakePart(fields), FakePart(fields)
    once = RememberingPart(part)
    one, two, three = map(Medium, range(3))
    for values in ([one, two], [two, three, one], [[one], [three, two]], [two, two], ((one, two), [three])):
        assert_equal(once(values), plain([list(value) if isinstance(value, tuple) else value for value in values]))
    assert part.calls == [[one], [two], [three]]


def test_shapes_that_cannot_be_joined_are_prepared_together() -> None:
    part, plain = FakePart("ragged"), FakePart("ragged")
    once, values = RememberingPart(part), [Medium(0), Medium(2)]
    assert_equal(once(values), plain(values))
    assert_equal(once(values[1:]), plain(values[1:]))


def test_each_has_its_own_metadata() -> None:
    part, values = FakePart(), [Medium(0), Medium(1)]
    RememberingPart(part)(values, video_metadata=["first", "second"], fps=3)
    assert part.options == [{"video_metadata": ["first"], "fps": 3}, {"video_metadata": ["second"], "fps": 3}]


def test_metadata_that_do_not_match_are_the_parts_affair() -> None:
    part, values = FakePart(), [Medium(0), Medium(1)]
    RememberingPart(part)(values, video_metadata=["one"])
    assert part.calls == [values]
    assert part.options == [{"video_metadata": ["one"]}]


def test_what_is_forgotten_is_prepared_anew(processor: Callable[[str], Any]) -> None:
    once, image = PrepareOnce(processor("qwen3_vl_reranker")), media.make_image(1)
    seen = watch(once, "image_processor")
    prepare = once.processor.image_processor
    prepare([image], return_tensors="pt")
    once.forget(Part("image", media.make_image(1), True))  # equal, but another
    prepare([image], return_tensors="pt")
    assert len(seen) == 1
    once.forget(Part("image", image, True))
    prepare([image], return_tensors="pt")
    assert len(seen) == 2


@pytest.mark.parametrize("wrap", [lambda array: Waveform(array, 16_000), lambda array: Frames(array, None, False)])
def test_what_is_forgotten_is_what_the_part_was_given(wrap: Callable[[Any], Any]) -> None:
    """Sounds and clips travel in a wrapper, which processors do not see."""
    once, array = PrepareOnce(None), np.zeros((2, 2))
    once._parts.append(RememberingPart(FakePart()))
    once._parts[0]._done[id(array)] = None  # type: ignore[assignment]
    once.forget(Part("audio", wrap(array), True))
    assert once._parts[0]._done == {}


def test_a_medium_is_held_while_it_is_known() -> None:
    """Else another could be made at its address, and take its place."""

    def prepare(values: list[Medium], **options: Any) -> BatchFeature:
        return BatchFeature({"pixels": torch.tensor([[float(value.number)] for value in values])})

    once = RememberingPart(prepare)
    for number in range(50):
        assert once([Medium(number)])["pixels"].tolist() == [[number]]


def test_threads_that_need_one_medium_share_its_preparation() -> None:
    part, values = FakePart(), [Medium(number) for number in range(4)]
    once, start = RememberingPart(part), threading.Barrier(6, timeout=10)

    def work(turn: int) -> torch.Tensor:
        start.wait()
        return once(values[turn % 4 :] + values[: turn % 4])["pixels"].sum()

    with ThreadPoolExecutor(6) as pool:
        sums = list(pool.map(work, range(6)))
    assert len(set(map(float, sums))) == 1
    assert sorted(call[0].number for call in part.calls) == [0, 1, 2, 3]


def test_a_failure_is_raised_to_each_and_not_remembered() -> None:
    class Failing(FakePart):
        def __call__(self, values: Any, **options: Any) -> BatchFeature:
            if not self.calls:
                self.calls.append(values)
                raise ValueError("too small")
            return super().__call__(values, **options)

    once, value = RememberingPart(Failing()), Medium(1)
    with pytest.raises(ValueError, match="too small"):
        once([value])
    assert once([value])["pixels"].shape == (2, 2)


def test_everything_else_is_the_parts_own() -> None:
    part = FakePart()
    assert RememberingPart(part).width == 2
    with pytest.raises(AttributeError):
        _ = RememberingPart(part).height
