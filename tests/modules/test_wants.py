"""What a processor wants of media: the frames that are decoded are those it would have picked out of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sensorium.errors import MediaError
from sensorium.media.decode import DecodeSpec
from sensorium.media.limits import MediaLimits, MediaSettings
from sensorium.media.samples import Frames
from sensorium.media.source import open_source
from sensorium.media.video import VideoInfo, decode_video
from sensorium.modules import wants
from sensorium.modules.transformer import Transformer
from tests.modules.rendering import assert_same_features, prepare
from tests.tiny import media

SAMPLING = ("qwen3_vl", "embedding_gemma2")
KEEPING = ("qwen2_vl", "qwen2_5_vl", "qwen2_5_omni")
#: Frames and frames a second; None: not known.
CLIPS: tuple[tuple[int, float | None], ...] = ((4, 2), (9, 2), (24, 8), (30, 30), (33, 12.5), (60, 24), (7, None))


def metadata(count: int, fps: float | None) -> dict[str, Any] | None:
    if fps is None:
        return None
    return {"fps": fps, "total_num_frames": count, "duration": count / fps, "frames_indices": list(range(count))}


def clip(count: int, fps: float | None) -> dict[str, Any]:
    frames, known = media.make_frames(1, count, 32, 32), metadata(count, fps)
    return {"video": frames if known is None else {"array": frames, "video_metadata": known}}


def overrides(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Give what the caller asks here, and how the same is asked of the peer."""
    yield {}, {}
    yield {"do_sample_frames": True, "fps": 1}, {"do_sample_frames": True, "fps": 1}
    if name in KEEPING:
        yield {"fps": 1}, {"fps": 1}
        yield {"do_sample_frames": False}, {"do_sample_frames": False}
        yield {"do_sample_frames": True, "num_frames": 4}, {"do_sample_frames": True, "num_frames": 4}
    if name == "qwen3_vl":
        yield {"fps": 4}, {"fps": 4}
        yield {"max_frames": 4}, {"max_frames": 4}
        # There, the processor's own rate stands in the way of a number, and has to be unset.
        yield {"num_frames": 6}, {"num_frames": 6, "fps": None}
    if name == "embedding_gemma2":
        yield {"max_frames": 2}, {"max_frames": 2}


# The same frames as the processor's own choice


@pytest.mark.parametrize(("count", "fps"), CLIPS)
@pytest.mark.parametrize("name", [*SAMPLING, *KEEPING])
def test_frames_of_an_array_are_those_that_the_processor_picks(
    ours: Callable[[str], Transformer], theirs: Callable[[str], Any], name: str, count: int, fps: float | None
) -> None:
    for asked, asked_there in overrides(name):
        if fps is None and asked.get("fps") is not None and name in KEEPING and asked.get("do_sample_frames"):
            continue  # refused by both: a rate can be had only of a clip whose own is known
        found = prepare(ours(name), [clip(count, fps)], processing_kwargs={"video": asked})
        wanted = prepare(theirs(name), [clip(count, fps)], processing_kwargs={"video": asked_there})
        assert_same_features(found, wanted)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    shapes = {"short.mp4": (5, 10), "long.mp4": (75, 25), "slow.mkv": (12, 4)}
    return {name: media.write_clip(folder / name, 1, count, 32, 32, rate) for name, (count, rate) in shapes.items()}


def whole(path: Path) -> dict[str, Any]:
    """Decode every frame of a file, as an array with what is known of it."""
    frames = decode_video(open_source(path, MediaSettings()), None, MediaLimits())
    return {"video": {"array": frames.array, "video_metadata": dict(frames.metadata or {})}}


@pytest.mark.parametrize("file", ["short.mp4", "long.mp4", "slow.mkv"])
@pytest.mark.parametrize("name", [*SAMPLING, *KEEPING])
def test_a_file_gives_what_all_its_frames_would_give(
    ours: Callable[[str], Transformer], files: dict[str, Path], name: str, file: str
) -> None:
    module = ours(name)
    asked: list[dict[str, Any]] = [{"do_sample_frames": True, "fps": 1}]
    if file == "short.mp4" or name in KEEPING:  # all frames of the others are too many tokens
        asked.append({"do_sample_frames": False})
    if name in SAMPLING:
        asked = [{}, {"fps": 3}, *asked]
    if name != "embedding_gemma2":
        asked.append({"do_sample_frames": True, "num_frames": 4})
    for video in asked:
        kwargs = {"processing_kwargs": {"video": video}}
        found, wanted = (module.preprocess([value], **kwargs) for value in (str(files[file]), whole(files[file])))
        assert_same_features(found, wanted)


def test_only_the_frames_wanted_are_decoded(ours: Callable[[str], Transformer], files: dict[str, Path]) -> None:
    module = ours("qwen3_vl")
    sample = module.load_sample(module.read(str(files["long.mp4"])))
    frames = sample.parts[0].value
    assert frames.is_sampled
    assert len(frames.array) == 6  # three seconds at two a second
    assert frames.metadata["total_num_frames"] == 75
    assert frames.metadata["frames_indices"] == [0, 15, 30, 44, 59, 74]


def test_a_clip_is_bounded_where_the_processor_does_not_choose(
    ours: Callable[[str], Transformer], files: dict[str, Path]
) -> None:
    module = ours("qwen2_vl")
    assert len(module.load_sample(module.read(str(files["long.mp4"]))).parts[0].value.array) == 6
    assert len(wants.choose_evenly(VideoInfo(100_000, 25.0, 4000.0, 0, 0))) == wants.FALLBACK_MAX_FRAMES


# The choice itself


def chooser(processor: Any, **video: Any) -> Any:
    return wants.decode_spec(processor, {"video": video}, False).choose_frames


def info(count: int, fps: float | None = 25.0) -> VideoInfo:
    return VideoInfo(count, fps, count / (fps or 25.0), 32, 32)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SAMPLING)
@pytest.mark.parametrize("count", [5, 24, 250, 4000])
def test_choices_are_the_processors_and_lie_inside_the_clip(
    ours: Callable[[str], Transformer], name: str, count: int
) -> None:
    processor = ours(name).processor
    numbers = chooser(processor)(info(count))
    own = processor.video_processor(
        np.zeros((count, 32, 32, 3), np.uint8), video_metadata=[metadata(count, 25.0)], return_metadata=True
    )
    assert numbers == [int(number) for number in own["video_metadata"][0].frames_indices]
    assert numbers == sorted(numbers)
    assert all(type(number) is int and 0 <= number < count for number in numbers)


def test_when_all_frames_are_wanted(ours: Callable[[str], Transformer]) -> None:
    for name in (*SAMPLING, *KEEPING):
        assert chooser(ours(name).processor, do_sample_frames=False) is None
    assert chooser(ours("qwen2_vl").processor) is wants.choose_evenly
    assert chooser(ours("bert").processor) is wants.choose_evenly


def test_a_number_replaces_the_processors_rate_and_a_rate_its_number(ours: Callable[[str], Transformer]) -> None:
    processor = ours("qwen3_vl").processor
    assert len(chooser(processor, num_frames=7)(info(100))) == 7
    assert len(chooser(processor, fps=4)(info(100))) == 16
    assert len(chooser(ours("qwen2_vl").processor, num_frames=8)(info(100))) == 8


@pytest.mark.parametrize(
    ("name", "asked", "count"),
    [
        ("qwen3_vl", {"fps": 2, "num_frames": 4}, 100),
        ("embedding_gemma2", {"num_frames": 4}, 100),
        ("qwen2_vl", {"num_frames": 200}, 100),
        ("qwen2_vl", {"fps": 2}, 1),
        ("qwen3_vl", {"fps": "two"}, 100),
    ],
)
def test_a_choice_that_cannot_be_made_is_an_error_of_the_clip(
    ours: Callable[[str], Transformer], name: str, asked: dict[str, Any], count: int
) -> None:
    with pytest.raises(MediaError, match=f"clip of {count} frames cannot be chosen as asked") as caught:
        chooser(ours(name).processor, **asked)(info(count))
    assert all(repr(value) in str(caught.value) for value in asked.values())


@pytest.mark.parametrize(
    ("count", "fps", "wanted"),
    [
        (1, 25.0, [0]),
        (3, 25.0, [0, 1, 2]),
        (25, 25.0, [0, 8, 16, 24]),
        (100, 10.0, 20),
        (10_000, 25.0, 64),
        (48, None, 4),
    ],
)
def test_even_choice(count: int, fps: float | None, wanted: Any) -> None:
    numbers = wants.choose_evenly(VideoInfo(count, fps, count / fps if fps else None, 0, 0))  # type: ignore[arg-type]
    assert numbers == wanted if isinstance(wanted, list) else len(numbers) == wanted
    assert numbers[0] == 0
    assert numbers[-1] == count - 1
    gaps = np.diff(numbers)
    assert gaps.size == 0 or gaps.max() - gaps.min() <= 1


# Arrays


@pytest.mark.parametrize(
    ("own", "asked", "wanted"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"do_sample_frames": False}, False),
        (False, {"do_sample_frames": True}, True),
        (False, {"fps": 2}, False),
        (False, {"num_frames": 2}, False),
    ],
)
def test_whether_arrays_are_sampled(own: bool, asked: dict[str, Any], wanted: bool) -> None:
    processor = SimpleNamespace(video_processor=SimpleNamespace(do_sample_frames=own))
    assert wants.samples_arrays(processor, asked) is wanted
    assert wants.samples_arrays(SimpleNamespace(), asked) is bool(asked.get("do_sample_frames"))


def test_a_sampled_array_says_which_frames_it_holds() -> None:
    frames = media.make_frames(1, 6)
    given = Frames(frames, {"fps": 4.0, "width": 48}, False)
    seen: list[VideoInfo] = []
    sampled = wants.sample_array_clip(given, lambda clip: seen.append(clip) or [1, 4])  # type: ignore[func-returns-value]
    assert (seen[0].total_num_frames, seen[0].fps, seen[0].width, seen[0].height) == (6, 4.0, 48, 40)
    assert np.array_equal(sampled.array, frames[[1, 4]])
    assert sampled.is_sampled
    assert sampled.metadata == {
        "fps": 4.0,
        "width": 48,
        "duration": None,
        "total_num_frames": 6,
        "frames_indices": [1, 4],
    }
    assert given.metadata == {"fps": 4.0, "width": 48}


def test_a_list_of_frames_is_sampled_as_a_list() -> None:
    pictures = [media.make_image(seed) for seed in range(4)]
    sampled = wants.sample_array_clip(Frames(pictures, None, False), lambda clip: [0, 3])
    assert sampled.array == [pictures[0], pictures[3]]


# Rates and sizes


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("whisper", 16_000),
        ("clap", 48_000),
        ("qwen2_5_omni", 16_000),
        ("qwen3_vl", None),
        ("bert", None),
        ("clip", None),
    ],
)
def test_wanted_rate(ours: Callable[[str], Transformer], name: str, rate: int | None) -> None:
    assert wants.wanted_sampling_rate(ours(name).processor) == rate
    assert wants.decode_spec(ours(name).processor, {}, False).sampling_rate == rate


@pytest.mark.parametrize(
    ("name", "side"),
    [("clip", 64), ("siglip", 64), ("siglip2", None), ("qwen3_vl", None), ("embedding_gemma2", None), ("bert", None)],
)
def test_reduced_decoding_keeps_twice_the_side_that_the_model_sees(
    ours: Callable[[str], Transformer], name: str, side: int | None
) -> None:
    processor = ours(name).processor
    assert wants.decode_spec(processor, {}, True).min_image_side == side
    assert wants.decode_spec(processor, {}, False).min_image_side is None


def test_nothing_is_wanted_of_a_processor_without_parts() -> None:
    assert wants.decode_spec(SimpleNamespace(), {}, False) == DecodeSpec(None, wants.choose_evenly, None)


@pytest.mark.parametrize(
    ("settings", "bounds"),
    [
        ({"do_center_crop": True, "crop_size": {"height": 4, "width": 6}, "size": {"shortest_edge": 9}}, (0, 0, 24)),
        ({"do_center_crop": False, "crop_size": {"height": 4, "width": 6}, "size": {"shortest_edge": 9}}, (0, 0, 81)),
        ({"size": {"height": 4, "width": 6}}, (0, 0, 24)),
        ({"size": {"shortest_edge": 4, "longest_edge": 6}}, (4, 6, None)),
        ({"size": None}, (0, 1_000_000, None)),
        ({}, (0, 1_000_000, None)),
    ],
)
def test_bounds_of_a_size(settings: dict[str, Any], bounds: tuple[Any, ...]) -> None:
    assert wants.pixel_bounds(SimpleNamespace(**settings)) == bounds
    override = {"shortest_edge": 10, "longest_edge": 20}
    expected = bounds if settings.get("do_center_crop") else (10, 20, None)
    assert wants.pixel_bounds(SimpleNamespace(**settings), override) == expected
