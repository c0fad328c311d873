"""One model, several threads: each call gets what it would get alone."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.encoders.mixtures import TEXTS, everything
from tests.tiny import media

ROUNDS = 4


def run_together(calls):
    """Run each call in its own thread, all started at once, a few times over; return every round's results."""
    barrier = threading.Barrier(len(calls))

    def work(call):
        barrier.wait()
        return [call() for _ in range(ROUNDS)]

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(work, call) for call in calls]]


def assert_as_alone(calls):
    wanted = [call() for call in calls]
    for rounds, expected in zip(run_together(calls), wanted, strict=True):
        for got in rounds:
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


def text_calls(model):
    """Calls that set the tokenizer's padding and truncation in every different way."""
    long = [text * 3 for text in TEXTS]
    return [
        lambda: model.encode(long, processing_kwargs={"text": {"max_length": 5}}),
        lambda: model.encode(long, prompt="Represent this passage for retrieval: "),
        lambda: model.encode(["", "a", "rain and wind"], batch_size=1),
        lambda: model.encode(long[::-1], batch_size=2, processing_kwargs={"text": {"max_length": 9}}),
    ]


@pytest.mark.parametrize("name", ["bert", "qwen3_plain", "qwen3_chat", "siglip", "static", "gemma"])
def test_texts_of_different_lengths(model, name):
    assert_as_alone(text_calls(model(name)))


@pytest.mark.parametrize("name", ["bert", "qwen3_plain", "qwen3_chat", "siglip", "qwen3_vl"])
def test_a_tokenizer_is_never_entered_twice(model, name, monkeypatch):
    """A fast tokenizer keeps padding and truncation as state, so two calls inside it spoil each other's rows."""
    encoder, overlaps, inside = model(name), [], threading.Lock()
    kind = type(encoder.tokenizer)
    call = kind.__call__

    def guarded(self, *args, **kwargs):
        if not inside.acquire(blocking=False):
            overlaps.append(args)
            return call(self, *args, **kwargs)
        try:
            time.sleep(0.002)
            return call(self, *args, **kwargs)
        finally:
            inside.release()

    monkeypatch.setattr(kind, "__call__", guarded)
    run_together([*text_calls(encoder), lambda: encoder.encode(["", "a"], prompt="Another prompt: ")])
    assert overlaps == []


def test_texts_and_pictures_at_once(model):
    clip = model("clip")
    pictures = [media.make_image(seed, 40 + 7 * seed, 64) for seed in range(4)]
    calls = text_calls(clip)[:2]
    assert_as_alone([*calls, lambda: clip.encode(pictures, batch_size=2), lambda: clip.encode([*TEXTS, *pictures])])


def test_sounds_at_once(model):
    clap = model("clap")
    long = [{"array": media.make_wave(seed, 1.5 + seed / 4, 48_000), "sampling_rate": 48_000} for seed in range(3)]
    assert_as_alone([lambda: clap.encode(long), lambda: clap.encode(long[::-1]), *text_calls(clap)[:2]])


@pytest.mark.parametrize("name", ["qwen3_vl", "router"])
def test_mixtures_at_once(model, name, tmp_path):
    encoder, inputs = model(name), everything(name, tmp_path)
    instructed = {"prompt": "Judge."} if name == "qwen3_vl" else {}
    assert_as_alone(
        [
            lambda: encoder.encode(inputs, batch_size=3),
            lambda: encoder.encode(inputs[::-1]),
            lambda: encoder.encode(inputs[:3], **instructed),
            lambda: np.stack(list(encoder.encode_stream(inputs, window=4, batch_size=2))),
        ]
    )


def test_errors_stay_in_their_thread(model):
    bert = model("bert")

    def fails():
        with pytest.raises(ValueError, match="input 1"):
            bert.encode(["a", None])
        return bert.encode(["a", None, "b"], on_error="skip", return_report=True).embeddings[[0, 2]]

    assert_as_alone([fails, lambda: bert.encode(TEXTS), fails, lambda: bert.encode(TEXTS[::-1])])
