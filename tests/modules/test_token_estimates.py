"""Estimates of sequence lengths are within a factor of two of the real ones, for every family and kind of medium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sensorium.media.cost import probe_sample
from sensorium.media.limits import MediaSettings
from sensorium.media.samples import MediaCost, Part, Sample
from sensorium.modules.token_estimates import estimate_tokens
from sensorium.modules.transformer import Transformer
from tests.tiny import media

_MARKS = (
    "<|image_pad|>",
    "<|video_pad|>",
    "<|IMAGE|>",
    "<|VIDEO|>",
    "<|AUDIO|>",
    "<|image|>",
    "<|video|>",
    "<|audio|>",
)
_SIZES = ((8, 8), (30, 30), (48, 40), (33, 64), (200, 100), (640, 480), (50, 600))
_SECONDS = (0.2, 0.6, 1.9, 5.0, 20.0, 40.0)
_CLIPS = ((6, 4, 48, 40), (24, 8, 64, 48), (60, 24, 64, 48), (100, 10, 32, 32), (16, 2, 320, 240))
_FILES = ((12, 8), (72, 24), (300, 30))


def estimate(module: Transformer, value: Any, **kwargs: Any) -> int:
    sample = module.read(value)
    cost = probe_sample(sample, MediaSettings())
    return estimate_tokens(cost, sample, module.processor, module.config, {**module.processing_kwargs, **kwargs})


def count_placeholders(module: Transformer, value: Any, **kwargs: Any) -> int:
    """Count the tokens that stand for media in what the network is given."""
    tokenizer: Any = module.tokenizer
    ids = {tokenizer.convert_tokens_to_ids(mark) for mark in _MARKS} - {None, tokenizer.unk_token_id}
    return int(sum((module.preprocess([value], **kwargs)["input_ids"] == token).sum() for token in ids))


def assert_close(module: Transformer, value: Any, real: int) -> None:
    guess = estimate(module, value)
    assert real > 0
    assert 0.5 <= guess / real <= 2.0, (guess, real)


@pytest.mark.parametrize("size", _SIZES, ids=str)
@pytest.mark.parametrize("name", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen2_5_omni", "embedding_gemma2"])
def test_pictures_in_a_prompt(ours: Callable[[str], Transformer], name: str, size: tuple[int, int]) -> None:
    picture = media.make_image(1, *size)
    assert_close(ours(name), picture, count_placeholders(ours(name), picture))


@pytest.mark.parametrize("size", _SIZES, ids=str)
@pytest.mark.parametrize("name", ["clip", "siglip", "siglip2"])
def test_pictures_in_a_tower(ours: Callable[[str], Transformer], name: str, size: tuple[int, int]) -> None:
    module, picture, seen = ours(name), media.make_image(1, *size), []
    handle = module.model.vision_model.register_forward_hook(  # type: ignore[union-attr]
        lambda tower, inputs, output: seen.append(output.last_hidden_state.shape[1])
    )
    features = module.preprocess([picture])
    with torch.inference_mode():
        module(features)
    handle.remove()  # type: ignore[union-attr]
    assert_close(module, picture, seen[0])


@pytest.mark.parametrize("seconds", _SECONDS)
@pytest.mark.parametrize("name", ["qwen2_5_omni", "embedding_gemma2"])
def test_sounds_in_a_prompt(ours: Callable[[str], Transformer], name: str, seconds: float) -> None:
    sound = {"array": media.make_wave(1, seconds), "sampling_rate": 16_000}
    assert_close(ours(name), sound, count_placeholders(ours(name), sound))


@pytest.mark.parametrize("seconds", _SECONDS)
def test_sounds_in_whisper(ours: Callable[[str], Transformer], seconds: float) -> None:
    module, sound = ours("whisper"), {"array": media.make_wave(1, seconds), "sampling_rate": 16_000}
    with torch.inference_mode():
        assert_close(module, sound, module(module.preprocess([sound]))["token_embeddings"].shape[1])


@pytest.mark.parametrize("shape", _CLIPS, ids=str)
@pytest.mark.parametrize("name", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen2_5_omni", "embedding_gemma2"])
def test_clips_in_memory(ours: Callable[[str], Transformer], name: str, shape: tuple[int, int, int, int]) -> None:
    count, fps, width, height = shape
    clip = media.make_clip(1, count, width, height, fps)
    assert_close(ours(name), clip, count_placeholders(ours(name), clip))
    assert_close(ours(name), {"video": clip}, count_placeholders(ours(name), clip))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("clips")
    return [str(media.write_clip(folder / f"{count}.mp4", 1, count, fps=fps)) for count, fps in _FILES]


@pytest.mark.parametrize("name", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen2_5_omni", "embedding_gemma2"])
def test_clips_in_files(ours: Callable[[str], Transformer], files: list[str], name: str) -> None:
    """Their rate is not in what the header costs, so a usual one is assumed."""
    for path in files:
        assert_close(ours(name), path, count_placeholders(ours(name), path))


def test_a_decoded_sample_is_estimated_alike(ours: Callable[[str], Transformer], files: list[str]) -> None:
    module = ours("qwen3_vl")
    for value in (*files, media.make_clip(1, 60, fps=24), media.make_image(1)):
        sample = module.load_sample(module.read(value))
        cost = probe_sample(sample, MediaSettings())
        guess = estimate_tokens(cost, sample, module.processor, module.config)
        assert 0.5 <= guess / count_placeholders(module, value) <= 2.0


def test_what_the_caller_asks_of_clips_is_seen(ours: Callable[[str], Transformer], files: list[str]) -> None:
    module = ours("qwen3_vl")
    few, many = (estimate(module, files[2], video={"num_frames": number}) for number in (4, 64))
    assert few < many
    # What cannot be done is left for preparation to report.
    assert estimate(module, files[2], video={"fps": 1, "num_frames": 3}) > 0


def test_more_is_never_estimated_as_less(ours: Callable[[str], Transformer]) -> None:
    module = ours("qwen3_vl")
    texts = [estimate(module, "word " * number) for number in (0, 1, 10, 100, 200)]
    assert texts == sorted(texts)
    assert texts[0] >= 1
    pictures = [estimate(module, {"image": [media.make_image(1)] * number, "text": "a"}) for number in (1, 2, 3, 4)]
    assert pictures == sorted(set(pictures))
    mixed = estimate(module, {"image": media.make_image(1), "video": media.make_clip(1), "text": "a"})
    assert mixed > max(estimate(module, media.make_image(1)), estimate(module, media.make_clip(1)))


@pytest.mark.parametrize("kind", ["image", "audio", "video"])
def test_media_of_unknown_size_count_as_typical_ones(ours: Callable[[str], Transformer], kind: Any) -> None:
    module = ours("qwen2_5_omni")
    sample = Sample(kind, (Part(kind, "https://example.org/x"),))
    assert 10 < estimate_tokens(MediaCost(), sample, module.processor, module.config) < 1000


def test_the_models_maximum_is_the_most(ours: Callable[[str], Transformer]) -> None:
    module = ours("bert")
    sample = module.read("word " * 1000)
    cost = probe_sample(sample, MediaSettings())
    assert estimate_tokens(cost, sample, module.processor, module.config) > 1000
    assert module.count_tokens(sample, cost) == module.max_seq_length == 64


def test_other_rates_of_sound_tokens() -> None:
    sample = Sample("audio", (Part("audio", None),))
    extractor = SimpleNamespace(sampling_rate=16_000)
    wav2vec = SimpleNamespace(model_type="wav2vec2", inputs_to_logits_ratio=320)
    processor: Any = SimpleNamespace(feature_extractor=extractor)
    assert estimate_tokens(MediaCost(seconds=10.0), sample, processor, wav2vec) == 502  # type: ignore[arg-type]
    plain: Any = SimpleNamespace(model_type="x")
    assert estimate_tokens(MediaCost(seconds=10.0), sample, processor, plain) == 252


def test_images_of_a_stated_number_of_tokens(tmp_path: Path) -> None:
    sample = Sample("image", (Part("image", None),))
    part = SimpleNamespace(size={"height": 224, "width": 224}, patch_size=14)
    config: Any = SimpleNamespace(model_type="x")
    processor: Any = SimpleNamespace(image_processor=part)
    assert estimate_tokens(MediaCost(pixels=9), sample, processor, config) == 258
    processor.image_seq_length = 64
    assert estimate_tokens(MediaCost(pixels=9), sample, processor, config) == 66
