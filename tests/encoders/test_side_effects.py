"""What loading and encoding leave alone: the caller's objects, the model's device, other models, the process."""

from __future__ import annotations

import copy
import json
import logging
import os
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from sensorium import SentenceTransformer
from tests.compat.peer import load_ours, quiet
from tests.encoders.mixtures import chats, combined, everything
from tests.tiny import media


def frozen(value):
    """Describe nested plain data, with arrays and images by content."""
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [frozen(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, Image.Image):
        return value.mode, value.size, value.tobytes(), dict(value.info)
    return value


# The caller's objects


@pytest.mark.parametrize("name", ["bert", "qwen3_vl", "clip_legacy", "router"])
def test_arguments_of_loading_are_not_changed(tiny, name):
    given = {
        "model_kwargs": {"dtype": torch.float32, "code_revision": "main", "attn_implementation": "eager"},
        "processor_kwargs": {"model_max_length": 40, "size": {"shortest_edge": 1024, "longest_edge": 4096}},
        "config_kwargs": {"use_cache": True, "code_revision": "main"},
        "prompts": {"query": "find: ", "other": None},
    }
    if name == "clip_legacy":
        given["processor_kwargs"].pop("size")
    before = copy.deepcopy(given)
    load_ours(tiny(name), **given)
    assert given == before


def test_processing_kwargs_are_not_changed(model):
    given = {
        "common": {"return_tensors": "pt"},
        "text": {"max_length": 90},
        "image": {"size": {"shortest_edge": 1024, "longest_edge": 4096}},
        "video": {"fps": 1.0},
        "chat_template": {"padding": True, "restore_suffix": False, "add_generation_prompt": True},
    }
    before = copy.deepcopy(given)
    model("qwen3_vl").encode(["a", media.make_clip(1)], processing_kwargs=given)
    assert given == before


@pytest.mark.parametrize("name", ["clip", "clap", "qwen3_vl", "embedding_gemma2", "router"])
def test_inputs_are_not_changed(model, name, tmp_path):
    inputs = [value for value in everything(name, tmp_path) if not isinstance(value, os.PathLike)]
    before = frozen(inputs)
    model(name).encode(inputs, prompt="Judge." if name == "qwen3_vl" else None)
    assert frozen(inputs) == before


def test_messages_and_dicts_are_not_changed(model):
    inputs = [*chats(), *combined()]
    before = frozen(inputs)
    model("qwen3_vl").encode(inputs, prompt="Be exact.")
    assert frozen(inputs) == before


def test_opened_images_stay_unread(model, tmp_path):
    path = media.write_image(tmp_path / "photo.jpg", 1, 300, 200)
    with Image.open(path) as image:
        model("clip").encode([image, {"image": image}, "a"])
        assert image.tile, "the caller's image was decoded, and its pixels stay in memory"
        assert image.size == (300, 200)


def test_arrays_are_not_written_to(model):
    wave, frames = media.make_wave(1, 0.6, 48_000), media.make_frames(1)
    wave.setflags(write=False)
    frames.setflags(write=False)
    model("clap").encode({"array": wave, "sampling_rate": 48_000})
    model("qwen3_vl").encode({"video": frames})


def test_results_are_the_callers_own(model):
    bert = model("bert")
    first = bert.encode(["a", "a", "b"])
    first[0] = 7
    assert not (first[1] == 7).any()
    again = bert.encode(["a", "a", "b"])
    np.testing.assert_array_equal(again[0], again[1])
    features = bert.encode(["a", "a"], output_value=None)
    features[0]["note"] = "mine"
    assert "note" not in features[1]


# The model


class Moves:
    """Notes where a model is sent, without sending it."""

    def __init__(self, monkeypatch, model):
        self.seen = []
        monkeypatch.setattr(type(model), "to", lambda module, place: self.seen.append(str(place)) or module)


@pytest.mark.parametrize("device", [None, "cpu", torch.device("cpu")])
def test_encoding_where_the_model_is_moves_nothing(tiny, monkeypatch, device):
    bert = load_ours(tiny("bert"))
    moves = Moves(monkeypatch, bert)
    bert.encode("a", device=device)
    assert moves.seen == []


def test_encoding_elsewhere_comes_back_even_after_an_error(tiny, monkeypatch):
    bert = load_ours(tiny("bert"))
    moves = Moves(monkeypatch, bert)
    with pytest.raises(ValueError, match="input 0"):
        bert.encode([None], device="cuda:7")
    assert moves.seen == ["cuda:7", "cpu"]


def test_a_model_that_does_not_fit_elsewhere_comes_back(tiny, monkeypatch):
    bert = load_ours(tiny("bert"))
    seen = []

    def move(module, place):
        seen.append(str(place))
        if str(place) == "cuda:7":
            raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(type(bert), "to", move)
    with pytest.raises(torch.OutOfMemoryError):
        bert.encode("a", device="cuda:7")
    assert seen == ["cuda:7", "cpu"]


def test_a_call_changes_no_setting(model, tmp_path):
    encoder = model("qwen3_vl")
    before = (repr(encoder), encoder.tokenizer.padding_side, encoder.max_seq_length, encoder.get_saved_config())
    before = copy.deepcopy(before)
    config = copy.deepcopy(encoder[0].get_config_dict())
    encoder.encode(
        everything("qwen3_vl", tmp_path),
        prompt="Judge.",
        truncate_dim=8,
        processing_kwargs={
            "text": {"max_length": 300},
            "image": {"size": {"shortest_edge": 1024, "longest_edge": 4096}},
        },
    )
    after = (repr(encoder), encoder.tokenizer.padding_side, encoder.max_seq_length, encoder.get_saved_config())
    assert after == before
    assert encoder[0].get_config_dict() == config


def test_a_training_flag_is_not_left_changed_by_encode(tiny):
    bert = load_ours(tiny("layers"))
    wanted = bert.encode("a red bicycle")
    bert.train()
    np.testing.assert_allclose(bert.encode("a red bicycle"), wanted, atol=1e-6)  # dropout is off all the same


def test_no_gradients(model):
    row = model("bert").encode("a", convert_to_tensor=True)
    assert not row.requires_grad


# Other models


@pytest.mark.parametrize("name", ["clip", "qwen3_vl", "bert"])
def test_two_models_share_no_settings(tiny, name):
    first, second = load_ours(tiny(name)), load_ours(tiny(name))
    kept, settings = copy.deepcopy((second[0].modality_config, second[0].processing_kwargs))
    for entry in first[0].modality_config.values():
        entry["method"] = "changed"
    first[0].processing_kwargs["text"] = {"max_length": 2}
    first.prompts["query"] = "changed"
    first.max_seq_length = 3
    assert second[0].modality_config == kept
    assert second[0].processing_kwargs == settings
    assert second.prompts["query"] != "changed"
    assert second.max_seq_length != 3
    third = load_ours(tiny(name))
    assert third[0].modality_config == kept


def test_modules_built_from_one_dict_share_nothing(tiny):
    from sensorium.modules import Transformer

    config = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
    settings = {"text": {"max_length": 9}}
    with quiet():
        first, second = (
            Transformer(
                str(tiny("bert")),
                modality_config=config,
                module_output_name="token_embeddings",
                processing_kwargs=settings,
            )
            for _ in range(2)
        )
    first.modality_config["text"]["method"] = "changed"
    first.processing_kwargs["text"]["max_length"] = 1
    assert second.modality_config["text"]["method"] == "forward"
    assert second.processing_kwargs["text"]["max_length"] == 9
    assert config["text"]["method"] == "forward"
    assert settings == {"text": {"max_length": 9}}


# The process

PROBE = """
import json, logging, locale, os, signal, sys, warnings, random
import numpy as np, PIL.Image, PIL.ImageFile, torch, torchvision, transformers, huggingface_hub

def state():
    root = logging.getLogger()
    numbers = np.random.get_state()
    return {
        "torch threads": torch.get_num_threads(),
        "torch interop": torch.get_num_interop_threads(),
        "torch dtype": str(torch.get_default_dtype()),
        "grad": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "pillow": [PIL.ImageFile.LOAD_TRUNCATED_IMAGES, PIL.Image.MAX_IMAGE_PIXELS, PIL.ImageFile.MAXBLOCK],
        "root logger": [root.level, len(root.handlers), root.disabled, logging.root.manager.disable],
        "our logger": [logging.getLogger("sensorium").level, len(logging.getLogger("sensorium").handlers)],
        "transformers logger": logging.getLogger("transformers").level,
        "environment": dict(sorted(os.environ.items())),
        "numpy": [numbers[0], int(numbers[1].sum()), numbers[2]],
        "random": hash(random.getstate()),
        "numpy errors": np.geterr(),
        "filters": [str(item) for item in warnings.filters],
        "locale": locale.setlocale(locale.LC_ALL),
        "signals": str(signal.getsignal(signal.SIGINT)),
        "recursion": sys.getrecursionlimit(),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "hook": [str(sys.excepthook), str(sys.displayhook)],
    }

def differences(before, after):
    return {key: [before[key], after[key]] for key in before if before[key] != after[key]}

folder, picture, sound, clap = sys.argv[1:5]
for name in (folder, clap):  # what other packages do to the process when they are first used is theirs
    transformers.AutoModel.from_pretrained(name), transformers.AutoProcessor.from_pretrained(name)
np.random.seed(5)
before = state()
import sensorium
from sensorium import SentenceTransformer, util, models
found = {"import": differences(before, state())}
before = state()
seeing, hearing = SentenceTransformer(folder, device="cpu"), SentenceTransformer(clap, device="cpu")
found["load"] = differences(before, state())
before = state()
torch_state = torch.get_rng_state()
seeing.encode(["a text", "", picture, {"image": picture}])
seeing.encode(["a", None], on_error="skip", return_report=True)
hearing.encode([sound, sound + "#", "a"])
for row in seeing.encode_stream(["a text", picture] * 3, window=2):
    pass
found["encode"] = differences(before, state())
found["torch"] = bool((torch_state != torch.get_rng_state()).any())
print("FOUND" + json.dumps(found))
"""


def test_the_process_is_left_as_it_was(tiny, tmp_path):
    picture = media.write_image(tmp_path / "one.png", 1)
    sound = media.write_sound(tmp_path / "one.wav", 1, 2.5, 48_000)
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, str(tiny("clip")), str(picture), str(sound), str(tiny("clap"))],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.partition("FOUND")[2])
    assert found == {"import": {}, "load": {}, "encode": {}, "torch": False}


def test_numpys_generator_is_left_alone_by_processors_that_draw(model):
    np.random.seed(3)
    random.seed(3)
    before, other = np.random.get_state()[1].copy(), random.getstate()
    long = {"array": media.make_wave(1, 3.0, 48_000), "sampling_rate": 48_000}
    first = model("clap").encode(long)
    assert (np.random.get_state()[1] == before).all()
    assert random.getstate() == other
    np.random.seed(4)
    np.testing.assert_array_equal(model("clap").encode(long), first)


def test_loading_changes_no_log_level_and_no_filter(tiny):
    levels = {name: logging.getLogger(name).level for name in ("", "sensorium", "transformers", "huggingface_hub")}
    filters = list(warnings.filters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        SentenceTransformer(str(tiny("bert")), device="cpu").encode("a")
    assert {name: logging.getLogger(name).level for name in levels} == levels
    assert warnings.filters == filters
