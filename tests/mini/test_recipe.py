"""The recipe's parts: what training sees is what the model will see, splits do not leak, runs resume."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from tools.mini import concepts, names
from tools.mini.augment import DEVIATION, MEAN, SEEN, augment, colour_glyphs, show_plain
from tools.mini.clips import FRAMES, make_clip
from tools.mini.clips import SIDE as CLIP_SIDE
from tools.mini.contrast import contrast
from tools.mini.drawing import SIDE, crop_page, draw, wrap_svg
from tools.mini.hearing import hear, hear_plain, pad
from tools.mini.melspectrum import BANDS, RATE, SEEN_FRAMES, SEEN_HOP, compute_log_mel
from tools.mini.recall import chance_at, rank_of_right, recall_at
from tools.mini.training_state import TrainingState
from torch import nn
from transformers import ViTImageProcessor, WhisperFeatureExtractor

from tests.tiny import media

CIRCLE = '<circle cx="8" cy="8" r="7" fill="#f00"/>'


# Seeing


def test_plain_views_are_the_image_processors():
    picture = np.dstack([media.make_pixels(1, SIDE, SIDE), np.full((SIDE, SIDE), 255, np.uint8)])
    processor = ViTImageProcessor(
        size={"height": SEEN, "width": SEEN}, resample=2, image_mean=[MEAN] * 3, image_std=[DEVIATION] * 3
    )
    wanted = processor(picture[..., :3], return_tensors="pt")["pixel_values"]
    assert (show_plain(torch.from_numpy(picture)[None]) - wanted).abs().max() < 0.02  # the processor rounds to bytes


def test_views_differ_by_the_generator_alone():
    pictures = torch.from_numpy(np.stack([np.asarray(draw(wrap_svg(CIRCLE, 0, 0, 16, 16)))] * 8))
    first, again, other = (augment(pictures, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first.shape == (8, 3, SEEN, SEEN)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.min() >= -1.01
    assert first.max() <= 1.01


def test_glyphs_get_a_colour_and_keep_their_shape():
    alpha = torch.randint(0, 256, (4, SIDE, SIDE), dtype=torch.uint8)
    coloured = colour_glyphs(alpha, torch.Generator().manual_seed(0))
    assert torch.equal(coloured[..., 3], alpha)
    assert all(len(picture[..., :3].reshape(-1, 3).unique(dim=0)) == 1 for picture in coloured)


@pytest.mark.parametrize(
    ("style", "is_red", "is_outlined"), [("plain", True, False), ("outlined", True, True), ("lines", False, True)]
)
def test_styles_redraw_a_shape(style, is_red, is_outlined):
    pixels = draw(wrap_svg(CIRCLE, 0, 0, 16, 16, style)).astype(int)
    middle, rim = pixels[SIDE // 2, SIDE // 2], pixels[SIDE // 2, round(SIDE / 16)]
    assert (middle[1] < 50) == is_red
    assert (rim[:3].max() < 80) == is_outlined


def test_what_cannot_be_drawn_is_left_out():
    assert draw("<svg") is None
    assert draw(wrap_svg("", 0, 0, 16, 16)) is None


def test_a_page_is_cut_to_what_is_on_it():
    page = np.zeros((200, 200, 4), np.uint8)
    page[20:60, 100:180] = 255
    cut = crop_page(page, SIDE)
    assert cut.shape == (SIDE, SIDE, 4)
    assert (cut[SIDE // 2, 4:-4, 3] == 255).all()
    assert crop_page(np.zeros((9, 9, 4), np.uint8), SIDE) is None


def test_clips_move_over_one_background():
    picture = draw(wrap_svg(CIRCLE, 0, 0, 16, 16))
    clip = make_clip(picture, np.random.default_rng(4))
    assert clip.shape == (FRAMES, CLIP_SIDE, CLIP_SIDE, 3)
    assert clip.dtype == np.uint8
    assert not np.array_equal(clip[0], clip[-1])
    assert np.array_equal(clip, make_clip(picture, np.random.default_rng(4)))


# Hearing


@pytest.mark.parametrize("seconds", [0.4, 1.3, 2.0])
def test_spectra_are_the_feature_extractors(seconds):
    wave = media.make_wave(1, seconds, RATE)
    extractor = WhisperFeatureExtractor(feature_size=BANDS, sampling_rate=RATE, hop_length=SEEN_HOP, chunk_length=2)
    wanted = extractor(wave, sampling_rate=RATE, return_tensors="pt")["input_features"]
    got = hear_plain(pad([torch.from_numpy(compute_log_mel(wave))]))
    inside = int(seconds * RATE / SEEN_HOP) - 2  # at its end a sound meets silence, which the recipe adds later
    assert got.shape == wanted.shape == (1, BANDS, SEEN_FRAMES)
    assert (got - wanted)[:, :, :inside].abs().max() < 1e-3


def test_heard_spectra_stay_within_the_extractors_bounds():
    waves = [media.make_wave(seed, 0.4 + 0.2 * seed, RATE) for seed in range(4)]
    spectra = [torch.from_numpy(compute_log_mel(wave)) for wave in waves]
    frames = torch.tensor([spectrum.shape[1] for spectrum in spectra])
    heard = hear(pad(spectra), frames, torch.Generator().manual_seed(3))
    assert heard.shape == (4, BANDS, SEEN_FRAMES)
    assert torch.isfinite(heard).all()
    assert (heard.amax(dim=(1, 2)) - heard.amin(dim=(1, 2)) <= 2.0 + 1e-5).all()
    assert torch.equal(heard, hear(pad(spectra), frames, torch.Generator().manual_seed(3)))


# Words


@pytest.mark.parametrize(
    ("identifier", "base"),
    [
        ("open-umbrella-solid", "open umbrella"),
        ("palette-2-bold-duotone", "palette"),
        ("baseline-ac-unit", "ac unit"),
        ("outline", "outline"),
        ("mouse3", "mouse"),
    ],
)
def test_style_words_are_taken_off(identifier, base):
    assert names.find_base(identifier) == base


@pytest.mark.parametrize(
    ("identifier", "is_brand"), [("brand-github", True), ("github-mark", True), ("slack", True), ("cat", False)]
)
def test_brands_are_dropped(identifier, is_brand):
    assert names.is_brand(identifier, names.find_base(identifier), frozenset({"slack", "github"})) == is_brand


def test_held_out_concepts_are_the_same_each_time():
    known = {f"1F{number:03X}": concepts.Concept(f"1F{number:03X}", str(number), ()) for number in range(600)}
    family = {"1F468-200D-1F373": concepts.Concept("1F468-200D-1F373", "man cook", ())}
    chosen = concepts.choose_held_out({**known, **family}, {*known, *family})
    assert len(chosen) == concepts.HELD_OUT
    assert not chosen & set(family)
    assert chosen == concepts.choose_held_out({**family, **known}, {*family, *known})


# Learning


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return nn.functional.normalize(torch.randn(*shape, generator=generator), dim=-1)


def test_the_loss_is_least_where_vectors_are_their_words():
    words, targets, others = unit(50, 16), torch.arange(8), torch.arange(20, 40)
    scale = torch.tensor(20.0)
    losses = [
        contrast(vectors, targets, words, others, scale) for vectors in (words[:8], unit(8, 16, seed=5), -words[:8])
    ]
    assert losses[0] < losses[1] < losses[2]


def test_words_of_the_same_meaning_are_not_pushed_from():
    words = unit(30, 16)
    words[20] = words[0]
    without, beside = (
        contrast(words[:4], torch.arange(4), words, torch.tensor(others), torch.tensor(20.0))
        for others in ([10, 11], [10, 11, 20])
    )
    assert torch.isclose(without, beside, atol=1e-4)


def test_a_stopped_run_goes_on_as_if_it_had_not(tmp_path):
    def run(folder, stops):
        for stop in stops:
            torch.manual_seed(0)
            network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
            state = TrainingState(network, folder, steps=20, rate=1e-2)
            while state.step < stop:
                inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(state.step))
                state.learn((network(inputs) - inputs).square().mean() * state.scale)
            state.save()
        return state

    whole, parts = run(tmp_path / "whole", [12]), run(tmp_path / "parts", [5, 9, 12])
    for one, other in ((whole.network, parts.network), (whole.averaged, parts.averaged)):
        for value, same in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
            assert torch.allclose(value, same, atol=1e-6)


# Measuring


def test_recall_counts_ties_against_the_model():
    scores = torch.tensor([[0.9, 0.1, 0.9], [0.2, 0.8, 0.1]])
    is_right = torch.tensor([[True, False, False], [False, True, False]])
    ranks = rank_of_right(scores, is_right)
    assert ranks.tolist() == [1, 0]
    assert recall_at(ranks, 1) == 50.0
    assert recall_at(ranks, 2) == 100.0


def test_chance_is_what_shuffling_gives():
    is_right = torch.zeros(1, 40, dtype=torch.bool)
    is_right[0, :3] = True
    generator = random.Random(0)
    hits = [any(place < 3 for place in generator.sample(range(40), 10)) for _ in range(20_000)]
    assert chance_at(is_right, 10) == pytest.approx(100 * sum(hits) / len(hits), abs=1.5)
    assert chance_at(is_right, 40) == pytest.approx(100.0)
