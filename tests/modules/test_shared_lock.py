"""A lock that goes with a model: one holder at a time, entered again by its holder, never copied."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from sensorium.modules.shared_lock import SharedLock
from sensorium.modules.transformer import Transformer
from tests.tiny.corpus import SAMPLE_TEXTS


def is_free(lock: SharedLock) -> bool:
    """Ask from another thread, for the holder itself could enter again."""
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(lock._lock.acquire, False).result()
        if taken:
            pool.submit(lock._lock.release).result()
    return taken


def test_one_holder_at_a_time() -> None:
    lock = SharedLock()
    assert is_free(lock)
    with lock:
        assert not is_free(lock)
        with lock:
            pass
        assert not is_free(lock)
    assert is_free(lock)


def test_an_error_frees_it() -> None:
    lock = SharedLock()
    with pytest.raises(KeyError), lock:
        raise KeyError
    assert is_free(lock)


def test_nothing_is_lost_between_threads() -> None:
    lock, counts = SharedLock(), [0]

    def work() -> None:
        for _ in range(2000):
            with lock:
                present = counts[0]
                counts[0] = present + 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [16_000]


def test_a_condition_decides() -> None:
    lock = SharedLock()
    with lock.when(False):
        assert is_free(lock)
    with lock.when(True):
        assert not is_free(lock)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda lock: pickle.loads(pickle.dumps(lock))])
def test_a_copy_is_another_lock_and_free(duplicate: Callable[[SharedLock], SharedLock]) -> None:
    lock = SharedLock()
    with lock:
        other = duplicate(lock)
        assert other is not lock
        assert is_free(other)
        with other:
            assert not is_free(other)
    assert is_free(lock)


def test_a_module_is_copied_and_pickled_with_a_lock_of_its_own(ours: Callable[[str], Transformer]) -> None:
    module = ours("bert")
    wanted = module.preprocess(["rain"])["input_ids"]
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert other._maker._lock is not module._maker._lock
        with module._maker._lock:
            assert is_free(other._maker._lock)
        assert torch.equal(other.preprocess(["rain"])["input_ids"], wanted)


def test_a_tokenizer_called_from_many_threads_gives_each_its_own(ours: Callable[[str], Transformer]) -> None:
    """Lengths differ from call to call, which is what a tokenizer without a lock mixes up."""
    module = ours("bert")

    def prepare(number: int) -> list[list[int]]:
        features = module.preprocess(SAMPLE_TEXTS, max_length=4 + number % 12, prompt="wet: " if number % 2 else None)
        rows: list[list[int]] = features["input_ids"].tolist()
        return rows

    wanted = [prepare(number) for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            assert list(pool.map(prepare, range(24))) == wanted
