"""A processor whose tokenizer takes turns: the same features, images prepared by several threads, texts by one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoProcessor, AutoTokenizer

from sensorium.modules.locked_tokenizer import lock_tokenizer
from sensorium.modules.shared_lock import SharedLock
from tests.tiny import media

PROMPT = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>what is it?<|im_end|>\n"


@pytest.fixture(scope="module")
def processor(tiny: Callable[..., Path]) -> Any:
    return AutoProcessor.from_pretrained(str(tiny("qwen3_vl")))


def prepare(processor: Any, seed: int = 1) -> dict[str, Any]:
    return dict(processor(text=[PROMPT], images=[[media.make_image(seed)]], return_tensors="pt"))


def test_gives_the_same_features(processor: Any) -> None:
    before = dict(vars(processor))
    expected, got = prepare(processor), prepare(lock_tokenizer(processor, SharedLock()))
    assert expected.keys() == got.keys()
    assert all(bool((expected[name] == got[name]).all()) for name in expected)
    assert vars(processor) == before


def test_a_tokenizer_alone_comes_back(tiny: Callable[..., Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(tiny("bert")))
    assert lock_tokenizer(tokenizer, SharedLock()) is tokenizer


def test_the_tokenizer_keeps_its_class_and_tables(processor: Any) -> None:
    tokenizer = lock_tokenizer(processor, SharedLock()).tokenizer
    assert isinstance(tokenizer, type(processor.tokenizer))
    assert tokenizer.backend_tokenizer is processor.tokenizer.backend_tokenizer
    assert type(processor.tokenizer).__call__ is not type(tokenizer).__call__


def test_waits_for_the_lock(processor: Any) -> None:
    lock = SharedLock()
    locked = lock_tokenizer(processor, lock)
    with ThreadPoolExecutor(1) as pool:
        with lock:
            waiting = pool.submit(locked.tokenizer, "a text")
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        assert waiting.result(timeout=10)["input_ids"]


def test_images_are_prepared_while_another_thread_tokenises(processor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = SharedLock()
    reached = threading.Event()
    real = type(processor.image_processor).preprocess

    def preprocess(self: Any, *args: Any, **kwargs: Any) -> Any:
        reached.set()
        return real(self, *args, **kwargs)

    monkeypatch.setattr(type(processor.image_processor), "preprocess", preprocess)
    with ThreadPoolExecutor(1) as pool:
        with lock:  # as if this thread were tokenising
            made = pool.submit(prepare, lock_tokenizer(processor, lock))
            assert reached.wait(10), "the image waits for the tokenizer"
        assert made.result(timeout=10)["pixel_values"].shape[0] > 0
