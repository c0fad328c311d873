"""What a processor is told: merged settings, decoded media with what is known of them, and its complaints
translated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Transformer as PeerTransformer
from transformers import AutoTokenizer, CLIPSegProcessor, ViTImageProcessor

from sensorium.errors import InputError, MediaError, MissingExtraError, NotBuiltError
from sensorium.media.samples import Frames, Part, Sample, Turn, Waveform
from sensorium.modules import preparation
from sensorium.modules.preparation import Settings, call_chat_processor, call_processor, draws_random_numbers
from sensorium.modules.transformer import Transformer
from tests.compat.peer import quiet
from tests.modules.rendering import assert_same_features, prepare
from tests.tiny import media, tokenizers

LONG = "The orchestra plays before the old brick wall, and two children listen to the music in the evening. " * 3


# Settings


def test_later_layers_win_key_by_key_and_change_no_callers_dict() -> None:
    layers: list[dict[str, dict[str, Any]]] = [
        {"text": {"max_length": 7}},
        {"text": {"max_length": 9, "padding": "max_length"}, "image": {"a": 1}, "common": {"x": 1}},
        {"image": {"b": 2}, "audio": {"padding": False}},
    ]
    before = repr(layers)
    settings = Settings.for_model("bert", *layers, None)
    assert settings.text == {"padding": "max_length", "truncation": "longest_first", "max_length": 9}
    assert settings.image == {"a": 1, "b": 2}
    assert settings.audio == {"padding": False}
    assert settings.common == {"return_tensors": "pt", "x": 1}
    assert repr(layers) == before
    assert Settings.for_model("bert").image == {}


def test_whisper_pads_sounds_to_its_window() -> None:
    assert Settings.for_model("whisper").audio == {"padding": "max_length"}
    assert Settings.for_model("clap").audio == {"padding": True}
    assert Settings.for_model("whisper", {"audio": {"padding": True}}).audio == {"padding": True}


def test_lengths_beside_the_template_are_meant_for_the_text() -> None:
    given = {"chat_template": {"max_length": 5, "truncation": True, "padding": False, "tools": []}}
    settings = Settings.for_model("bert", {"text": {"max_length": 9}}, given)
    assert settings.text["max_length"] == 9
    settings.take_template_lengths()
    assert settings.text == {"max_length": 5, "truncation": True, "padding": False}
    assert settings.chat_template == {"tools": []}


def test_unknown_keys_warn(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.for_model("bert", {"txt": {"max_length": 5}})  # type: ignore[dict-item]
    assert "max_length" not in settings.text
    preparation.warn_unknown_settings({"txt": {}, "text": {}}, "per-call `processing_kwargs`")
    assert "Unknown keys in per-call `processing_kwargs`: ['txt']" in caplog.text
    caplog.clear()
    preparation.warn_unknown_settings({"text": {}, "common": {}}, "x")
    preparation.warn_unknown_settings(None, "x")
    assert not caplog.text


@pytest.mark.parametrize("bucket", ["video", "chat_template", "common"])
@pytest.mark.parametrize("name", ["load_audio_from_video", "use_audio_in_video"])
def test_sound_of_a_clip_is_refused_by_name(bucket: str, name: str) -> None:
    with pytest.raises(NotBuiltError, match=f"{name}=True is not built.*item of its own"):
        Settings.for_model("qwen2_5_omni", {bucket: {name: True}})
    assert getattr(Settings.for_model("qwen2_5_omni", {bucket: {name: False}}), bucket).get(name) is None


def test_sound_of_a_clip_is_refused_before_anything_is_decoded(ours: Callable[[str], Transformer]) -> None:
    asked = {"video": {"load_audio_from_video": True}}
    with pytest.raises(NotBuiltError, match="load_audio_from_video"):
        ours("qwen2_5_omni").preprocess([{"video": "/no/such/clip.mp4"}], processing_kwargs=asked)


CALLS: tuple[dict[str, Any], ...] = (
    {},
    {"task": "query"},
    {"task": "document"},
    {"task": "other"},
    {"max_length": 5},
    {"task": "query", "max_length": 10},
    {"task": "query", "processing_kwargs": {"text": {"max_length": 11}}},
    {"processing_kwargs": {"text": {"padding": "max_length", "max_length": 20}}},
    {"processing_kwargs": {"text": {"truncation": False}}},
    {"processing_kwargs": {"text": {"truncation": False, "pad_to_multiple_of": 8}}},
    {"processing_kwargs": {"text": {"return_token_type_ids": False, "return_special_tokens_mask": True}}},
    {"processing_kwargs": {"common": {"return_tensors": "np"}}},
    {"processing_kwargs": {"chat_template": {"max_length": 6}}},
    {"prompt": "wet: "},
    {"prompt": "wet: " * 30, "max_length": 12},
)


@pytest.mark.parametrize("name", ["bert", "qwen3_chat"])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"query_length": 7},
        {"query_length": 7, "document_length": 9},
        {"query_length": 7, "processing_kwargs": {"text": {"max_length": 12}, "chat_template": {"tools": None}}},
    ],
    ids=str,
)
def test_lengths_and_settings_are_merged_as_the_peer_merges_them(
    tiny: Callable[..., Path], name: str, arguments: dict[str, Any]
) -> None:
    with quiet():
        ours, theirs = (cls(str(tiny(name)), **arguments) for cls in (Transformer, PeerTransformer))
    for call in CALLS:
        inputs = [LONG, "rain"]
        assert_same_features(prepare(ours, inputs, **call), prepare(theirs, inputs, **call))
    assert ours.processing_kwargs == arguments.get("processing_kwargs", {})


@pytest.mark.parametrize("name", ["bert", "roberta", "qwen3", "gemma", "t5"])
@pytest.mark.parametrize("prompt", [None, "", " ", "wet: ", "wet: " * 20])
def test_texts_and_pairs_are_prepared_as_the_peer_prepares_them(
    ours: Callable[[str], Transformer], theirs: Callable[[str], Any], name: str, prompt: str | None
) -> None:
    for inputs in (["rain", LONG, ""], [("a", "b"), ["rain", LONG]], ["rain", ("a", "b")], [("a", "b"), "rain"]):
        found, wanted = (prepare(load(name), inputs, prompt=prompt) for load in (ours, theirs))
        assert_same_features(found, wanted)


# Processors of every kind


def loaded(kind: Any, value: Any) -> Part:
    return Part(kind, value, True)


def one(kind: Any, value: Any) -> Sample:
    return Sample(kind, (loaded(kind, value),))


def both(image: Any, text: str) -> Sample:
    return Sample(("image", "text"), (loaded("image", image), loaded("text", text)))


def test_processors_with_flat_arguments() -> None:
    images = ViTImageProcessor(size={"height": 32, "width": 32})
    processor = CLIPSegProcessor(image_processor=images, tokenizer=tokenizers.clip_tokenizer())
    picture = media.make_image(1)
    settings = Settings.for_model("clipseg", {"text": {"max_length": 5}})
    texts = call_processor(processor, "clipseg", [one("text", "rain"), one("text", LONG)], settings)
    expected = processor(text=["rain", LONG], padding=True, truncation=True, max_length=5, return_tensors="pt")
    assert_same_features(texts, dict(expected))
    pictures = call_processor(processor, "clipseg", [one("image", picture)], settings)
    assert_same_features(pictures, dict(processor(images=[picture], return_tensors="pt")))
    mixed = call_processor(processor, "clipseg", [both(picture, "rain")], settings)
    assert set(mixed) == {"input_ids", "attention_mask", "pixel_values"}


def test_flat_arguments_of_one_modality_do_not_reach_another() -> None:
    seen: list[dict[str, Any]] = []

    class Recorder(CLIPSegProcessor):
        def __call__(self, **kwargs: Any) -> dict[str, Any]:
            seen.append(kwargs)
            return {}

    images = ViTImageProcessor(size={"height": 32, "width": 32})
    processor = Recorder(image_processor=images, tokenizer=tokenizers.clip_tokenizer())
    settings = Settings.for_model(
        "sam3", {"text": {"max_length": 5}, "image": {"size": 3}, "common": {"device": "cpu"}}
    )
    call_processor(processor, "sam3", [one("image", 1)], settings)
    call_processor(processor, "sam3", [one("text", "a")], settings)
    call_processor(processor, "bert", [one("text", "a")], settings)
    assert seen[0] == {"images": [1], "size": 3, "return_tensors": "pt", "device": "cpu"}
    assert "size" not in seen[1]
    assert seen[1]["max_length"] == 5
    assert seen[2]["images_kwargs"] == {"size": 3}
    assert seen[2]["text_kwargs"]["max_length"] == 5


def test_bare_processors(tiny: Callable[..., Path], ours: Callable[[str], Transformer]) -> None:
    settings = Settings.for_model("")
    tokenizer = AutoTokenizer.from_pretrained(str(tiny("bert")))
    assert call_processor(tokenizer, "bert", [one("text", "rain")], settings)["input_ids"].shape == (1, 3)
    images = ViTImageProcessor(size={"height": 32, "width": 32})
    assert call_processor(images, "vit", [one("image", media.make_image(1))], settings)["pixel_values"].shape[0] == 1
    extractor = ours("whisper").processor
    wave = Waveform(media.make_wave(1), 16_000)
    whisper = call_processor(extractor, "whisper", [one("audio", wave)], Settings.for_model("whisper"))
    assert whisper["input_features"].shape == (1, 16, 200)
    clips = ours("qwen3_vl").processor.video_processor
    clip = Frames(media.make_frames(1, 4), None, False)
    assert "pixel_values_videos" in call_processor(
        clips, "", [one("video", clip)], Settings.for_model("", {"video": {"do_sample_frames": False}})
    )


def test_a_bare_processor_names_what_it_prepares(tiny: Callable[..., Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(tiny("bert")))
    with pytest.raises(InputError, match=r"a \w*Tokenizer\w* prepares text, not image"):
        call_processor(tokenizer, "bert", [one("image", media.make_image(1))], Settings.for_model(""))


# Special tokens are added once


@pytest.mark.parametrize("name", ["embedding_gemma2", "bert"])
@pytest.mark.parametrize("start", ["", "{{ bos_token or '[CLS]' }}"])
def test_a_template_that_writes_the_first_token_gets_no_second(
    tiny: Callable[..., Path], name: str, start: str
) -> None:
    body = "{% for m in messages %}{{ m.content if m.content is string else m.content[0].text }}{% endfor %}"
    with quiet():
        ours, theirs = (
            cls(str(tiny(name)), processor_kwargs={"chat_template": start + body})
            for cls in (Transformer, PeerTransformer)
        )
    bos = ours.tokenizer.bos_token_id if name != "bert" else ours.tokenizer.cls_token_id  # type: ignore[union-attr]
    found, wanted = (prepare(module, ["rain", "snow falls"]) for module in (ours, theirs))
    assert found["input_ids"].tolist() == wanted["input_ids"].tolist()
    counts = (found["input_ids"] == bos).sum(dim=1).tolist()
    assert counts == ([1, 1] if start or name == "embedding_gemma2" else [0, 0])


# Sounds


def test_which_processors_draw_random_numbers(ours: Callable[[str], Transformer]) -> None:
    assert draws_random_numbers(ours("clap").processor)
    assert draws_random_numbers(ours("clap").processor.feature_extractor)
    assert draws_random_numbers(ours("clap_fused").processor)
    assert not any(draws_random_numbers(ours(name).processor) for name in ("whisper", "bert", "qwen2_5_omni"))


def sounds(rate: int, *seconds: float) -> list[Any]:
    return [{"array": media.make_wave(i, s, rate), "sampling_rate": rate} for i, s in enumerate(seconds)]


@pytest.mark.parametrize("name", ["clap", "clap_fused"])
def test_clap_crops_by_content_alone(ours: Callable[[str], Transformer], name: str) -> None:
    module, inputs = ours(name), sounds(48_000, 2.5, 0.4, 3.1)
    together = module.preprocess(inputs)["input_features"]
    assert not torch.equal(together[0], together[2])
    np.random.seed(3)
    for position in (2, 0, 1):
        assert torch.equal(module.preprocess([inputs[position]])["input_features"][0], together[position])
    bare = call_processor(
        module.processor.feature_extractor,
        "clap",
        [module.load_sample(module.read(inputs[0]))],
        Settings.for_model("clap"),
    )
    assert torch.equal(bare["input_features"][0], together[0])


def test_clap_leaves_the_global_generator_as_it_was(ours: Callable[[str], Transformer]) -> None:
    module, inputs = ours("clap"), sounds(48_000, 2.5)
    np.random.seed(11)
    wanted = np.random.rand(4)
    np.random.seed(11)
    first = np.random.rand(2)
    module.preprocess(inputs)
    assert np.array_equal(np.concatenate([first, np.random.rand(2)]), wanted)


def test_clap_is_the_same_from_many_threads(ours: Callable[[str], Transformer]) -> None:
    module, inputs = ours("clap"), sounds(48_000, 2.5, 1.7, 3.1, 2.0)
    wanted = [module.preprocess([value])["input_features"] for value in inputs]
    found: list[Any] = [None] * 16

    def work(slot: int) -> None:
        found[slot] = module.preprocess([inputs[slot % 4]])["input_features"]

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(found[slot], wanted[slot % 4]) for slot in range(16))


def test_rates_are_mixed_in_a_batch(ours: Callable[[str], Transformer]) -> None:
    """Every row is what its sound gives alone, at whatever rate it came; a bare array has the model's rate."""
    module = ours("whisper")
    inputs = [*sounds(16_000, 0.5), *sounds(8_000, 0.5), *sounds(44_100, 0.7), media.make_wave(3)]
    together = module.preprocess(inputs)["input_features"]
    for row, value in zip(together, inputs, strict=True):
        torch.testing.assert_close(row, module.preprocess([value])["input_features"][0])
    assert torch.equal(
        together[3], module.preprocess([{"array": inputs[3], "sampling_rate": 16_000}])["input_features"][0]
    )


# Clips


def told(samples: list[Frames], processor: Any = None, **video: Any) -> dict[str, Any]:
    """What `videos_kwargs` come to for clips."""
    settings = Settings.for_model("", {"video": video})
    return preparation._media_arguments([loaded("video", clip) for clip in samples], processor, settings).video


FRAMES = media.make_frames(1, 6)


def test_nothing_known_is_nothing_told() -> None:
    assert told([Frames(FRAMES, None, False)]) == {}
    assert told([]) == {}


def test_metadata_are_completed_and_aligned() -> None:
    some = Frames(FRAMES, {"fps": 4.0, "duration": None}, False)
    none = Frames(FRAMES[:3], None, False)
    metadata = told([none, some])["video_metadata"]
    assert metadata == [
        {"total_num_frames": 3, "fps": None, "duration": None, "frames_indices": [0, 1, 2]},
        {"total_num_frames": 6, "fps": 4.0, "duration": None, "frames_indices": [0, 1, 2, 3, 4, 5]},
    ]


def test_what_is_stated_wins() -> None:
    stated = {
        "fps": 4.0,
        "total_num_frames": 60,
        "duration": 15.0,
        "frames_indices": [0, 10, 20, 30, 40, 50],
        "width": 9,
    }
    assert told([Frames(FRAMES, stated, False)])["video_metadata"] == [stated]


def test_sampled_clips_are_not_sampled_again() -> None:
    sampled, whole = (Frames(FRAMES, {"fps": 4.0}, is_sampled) for is_sampled in (True, False))
    assert told([sampled, sampled], fps=3)["do_sample_frames"] is False
    assert told([sampled, sampled], fps=3)["fps"] == 3
    assert "do_sample_frames" not in told([sampled, whole])


def test_a_rate_tells_qwen_omni_how_long_a_frame_lasts(
    ours: Callable[[str], Transformer], theirs: Callable[[str], Any]
) -> None:
    clip = media.make_clip(1, 24, 32, 32, fps=8)
    for video in ({}, {"fps": 4}, {"do_sample_frames": True, "fps": 1}):
        found, wanted = (
            prepare(load("qwen2_5_omni"), [clip], processing_kwargs={"video": video}) for load in (ours, theirs)
        )
        assert_same_features(found, wanted)


def test_frames_in_a_list_are_stacked(ours: Callable[[str], Transformer]) -> None:
    pictures = [media.make_image(seed) for seed in (1, 2, 3, 4)]
    whole = np.stack([np.asarray(picture) for picture in pictures])
    module = ours("qwen2_5_vl")
    assert_same_features(module.preprocess([{"video": pictures}]), module.preprocess([{"video": whole}]))


def test_frames_of_different_sizes_are_an_error(ours: Callable[[str], Transformer]) -> None:
    pictures = [media.make_image(1, 20, 30), media.make_image(1, 40, 30)]
    with pytest.raises(MediaError, match="one size"):
        ours("qwen2_5_vl").preprocess([{"video": pictures}])


def test_partial_metadata_is_enough(ours: Callable[[str], Transformer]) -> None:
    """The peer's processor wants all of it; here what is missing is filled in."""
    frames, whole = FRAMES, {"fps": 4.0, "total_num_frames": 6, "duration": 1.5, "frames_indices": list(range(6))}
    module = ours("qwen3_vl")
    kwargs = {"video": {"do_sample_frames": False}}
    found, wanted = (
        module.preprocess([{"array": frames, "video_metadata": known}], processing_kwargs=kwargs)
        for known in ({"fps": 4.0}, whole)
    )
    assert_same_features(found, wanted)


# Media beside a prompt


def test_media_of_several_conversations_stay_with_their_own(ours: Callable[[str], Transformer]) -> None:
    processor = ours("qwen2_5_omni").processor
    first, second = media.make_image(1), media.make_image(2, 33, 64)
    wave = Waveform(media.make_wave(1), 16_000)
    conversations = [
        [Turn("user", (loaded("image", first), loaded("text", "a"))), Turn("user", (loaded("audio", wave),))],
        [Turn("user", (loaded("text", "b"),))],
        [Turn("user", (loaded("image", second), loaded("image", first)))],
    ]
    image, audio = "<|vision_bos|><|IMAGE|><|vision_eos|>", "<|audio_bos|><|AUDIO|><|audio_eos|>"
    prompts = [f"{image}a{audio}", "b", image * 2]
    features = call_chat_processor(processor, prompts, conversations, Settings.for_model("qwen2_5_omni"))
    assert features["image_grid_thw"].shape[0] == 3
    sizes = [
        call_chat_processor(processor, [image], [[Turn("user", (loaded("image", picture),))]], Settings.for_model(""))
        for picture in (first, second, first)
    ]
    assert torch.equal(features["pixel_values"], torch.cat([size["pixel_values"] for size in sizes]))
    assert features["input_features"].shape[0] == 1


# Complaints


@pytest.mark.parametrize(
    "value", [{"image": media.make_image(1), "text": LONG}, {"video": media.make_clip(1), "text": LONG}]
)
def test_a_prompt_too_long_for_its_media_is_an_error_with_advice(
    ours: Callable[[str], Transformer], value: Any
) -> None:
    reversed_keys = dict(reversed(value.items()))
    with pytest.raises(
        InputError, match="longer than the model's maximum.*processing_kwargs=.*max_seq_length"
    ) as caught:
        ours("qwen3_vl").preprocess([reversed_keys], max_length=40)
    assert "Mismatch in" in str(caught.value.__cause__)
    assert ours("qwen3_vl").preprocess([value]).keys() >= {"input_ids"}


def test_what_a_processor_refuses_is_an_error_of_the_input(ours: Callable[[str], Transformer]) -> None:
    with pytest.raises(InputError, match="processor refuses this input: .*no images were passed"):
        ours("qwen3_vl").preprocess(["see <|image_pad|>"])


class Complaining:
    """A processor that raises what it is given."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise self.error


def test_errors_are_translated_once_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(error: BaseException) -> None:
        call_processor(Complaining(error), "", [one("image", 1)], Settings.for_model(""))

    with pytest.raises(MediaError, match="^x: y"):
        call(MediaError("y", source="x"))
    with pytest.raises(KeyError):
        call(KeyError("a bug"))
    with pytest.raises(TypeError):
        call(TypeError("unexpected keyword"))
    with pytest.raises(ImportError, match="something else"):
        call(ImportError("needs something else"))
    monkeypatch.setattr("sensorium.modules.processors.is_installed", lambda name: False)
    with pytest.raises(MissingExtraError, match=r'Complaining.*pip install "sensorium\[image\]"'):
        call(ImportError("this needs torchvision"))
