"""Clips on models that take images only: the mean of the vectors of frames chosen before decoding."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sensorium import SentenceTransformer
from sensorium.encoders.clip_frames import DEFAULT_FRAMES, spread_evenly
from sensorium.errors import CheckpointError, InputError, MediaError
from sensorium.media import video_reader
from sensorium.modules import Normalize, Router
from tests.compat.peer import load_ours, quiet
from tests.tiny import media


@pytest.fixture(scope="module")
def watching(tiny):
    """A model of text and images, whose vectors have no fixed length, with clips switched on."""
    return load_ours(tiny("clip"), video_as_frames=True)


def mean_of_frames(model, frames):
    return model.encode([{"image": frame} for frame in frames]).mean(axis=0)


def test_a_clip_is_the_mean_of_its_frames(watching):
    frames = media.make_frames(3, count=DEFAULT_FRAMES)
    found = watching.encode({"video": frames})
    assert np.allclose(found, mean_of_frames(watching, frames), atol=1e-5)
    assert not np.allclose(found, watching.encode(frames[0]), atol=1e-3)


def test_a_file_is_sampled_at_decode(watching, tmp_path, monkeypatch):
    path = media.write_clip(tmp_path / "clip.mp4", 5, count=64)
    wanted = []
    frame_at = video_reader.VideoReader.frame_at
    monkeypatch.setattr(
        video_reader.VideoReader, "frame_at", lambda self, number: wanted.append(number) or frame_at(self, number)
    )
    found = watching.encode(str(path))
    assert found.shape == (32,)
    assert wanted == spread_evenly(64, DEFAULT_FRAMES)
    assert np.allclose(found, watching.encode(path.read_bytes()), atol=1e-6)


@pytest.mark.parametrize("frames", [1, 3, 20])
def test_the_number_of_frames_is_the_callers(tiny, frames):
    model = load_ours(tiny("clip"), video_as_frames=frames)
    clip = media.make_frames(4, count=12)
    assert model.video_as_frames == frames
    expected = mean_of_frames(model, clip[spread_evenly(12, frames)])
    assert np.allclose(model.encode({"video": clip}), expected, atol=1e-5)
    once = model.encode({"video": clip}, processing_kwargs={"video": {"num_frames": 2}})
    assert np.allclose(once, mean_of_frames(model, clip[spread_evenly(12, 2)]), atol=1e-5)


def test_clips_mix_with_everything_else(watching, tmp_path):
    path = str(media.write_clip(tmp_path / "clip.mp4", 5, count=24))
    inputs = [path, "a red bicycle", media.make_image(1), {"video": media.make_frames(2, count=3)}, path]
    together = watching.encode(inputs, batch_size=2)
    alone = np.stack([watching.encode(value) for value in inputs])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.array_equal(together[0], together[4])


def test_features_can_be_made_and_run_by_hand(watching):
    clip = {"video": media.make_frames(2, count=5)}
    features = watching.preprocess([clip, media.make_image(1)])
    assert features["clip_sizes"] == [5, 1]
    found = watching(features)["sentence_embedding"].detach().numpy()
    assert np.allclose(found, watching.encode([clip, media.make_image(1)]), atol=1e-5)


def test_vectors_of_length_one_stay_so(tiny):
    with quiet():
        first = load_ours(tiny("clip"))[0]
        model = SentenceTransformer(modules=[first, Normalize()], device="cpu", video_as_frames=True)
        router = Router({"image": [first, Normalize()], "text": [first, Normalize()]}, default_route="text")
        routed = SentenceTransformer(modules=[router], device="cpu", video_as_frames=True)
    clip = {"video": media.make_frames(6, count=8)}
    found = model.encode(clip)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert np.allclose(routed.encode(clip), found, atol=1e-6)
    assert np.allclose(routed.encode([clip, "rain", media.make_image(1)])[0], found, atol=1e-6)


def test_a_router_sends_frames_where_it_sends_images(tiny):
    with quiet():
        plain, seeded = load_ours(tiny("clip"))[0], load_ours(tiny("clip", 1))[0]
        routes = {("query", "image"): "first", ("document", "image"): "second", (None, None): "first"}
        router = Router({"first": [plain], "second": [seeded]}, route_mappings=routes)
        model = SentenceTransformer(modules=[router], device="cpu", video_as_frames=4)
    clip = {"video": media.make_frames(6, count=4)}
    frames = [{"image": frame} for frame in media.make_frames(6, count=4)]
    for encode in (model.encode_query, model.encode_document):
        assert np.allclose(encode(clip), encode(frames).mean(axis=0), atol=1e-5)
    assert not np.allclose(model.encode_query(clip), model.encode_document(clip), atol=1e-3)


def test_the_setting_is_saved_and_loaded(watching, tmp_path):
    with quiet():
        watching.save(str(tmp_path / "saved"))
    config = tmp_path / "saved" / "config_sentence_transformers.json"
    assert json.loads(config.read_text())["video_as_frames"] == DEFAULT_FRAMES
    again = load_ours(tmp_path / "saved")
    clip = {"video": media.make_frames(2, count=9)}
    assert "video" in again.modalities
    assert again.supports("video")
    assert np.allclose(again.encode(clip), watching.encode(clip), atol=1e-6)
    assert "video" not in load_ours(tmp_path / "saved", video_as_frames=False).modalities


def test_a_setting_of_another_type_is_the_checkpoints_fault(watching, tmp_path):
    with quiet():
        watching.save(str(tmp_path / "saved"))
    path = tmp_path / "saved" / "config_sentence_transformers.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "video_as_frames": "yes"}))
    with pytest.raises(CheckpointError, match="video_as_frames"):
        load_ours(tmp_path / "saved")


@pytest.mark.parametrize("value", [-1, 2.5, "all"])
def test_what_is_no_number_of_frames_is_refused(tiny, value):
    with pytest.raises(InputError, match="number of frames"):
        load_ours(tiny("clip"), video_as_frames=value)


def test_a_model_without_images_cannot_take_clips(tiny):
    with pytest.raises(InputError, match="takes images"):
        load_ours(tiny("bert"), video_as_frames=True)


def test_a_model_with_clips_keeps_its_own_way(tiny):
    model = load_ours(tiny("qwen2_vl"), video_as_frames=True)
    plain = load_ours(tiny("qwen2_vl"))
    clip = media.make_clip(2, fps=2)
    assert model.video_as_frames == 0
    assert np.array_equal(model.encode(clip), plain.encode(clip))


def test_without_it_a_clip_is_refused(tiny):
    with pytest.raises(InputError, match="video"):
        load_ours(tiny("clip")).encode({"video": media.make_frames(2)})


def test_a_damaged_clip_costs_itself_alone(watching, tmp_path):
    path = media.write_clip(tmp_path / "clip.mp4", 5, count=24)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(path.read_bytes()[:200])
    with pytest.raises(MediaError, match=r"broken\.mp4"):
        watching.encode([str(path), str(broken)])
    with pytest.warns(UserWarning, match=r"broken\.mp4"):
        found = watching.encode([str(path), str(broken)], on_error="skip")
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_a_clip_has_no_token_vectors(watching):
    with pytest.raises(InputError, match="sentence_embedding"):
        watching.encode({"video": media.make_frames(2)}, output_value="token_embeddings")


def test_no_frame_is_chosen_twice_and_all_parts_are_seen():
    assert spread_evenly(3, 8) == [0, 1, 2]
    assert spread_evenly(100, 4) == [12, 37, 62, 87]
    assert spread_evenly(1, 1) == [0]
