"""One holder at a time, also within one process."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensorium.errors import StoreError
from sensorium.store import lock


def test_the_lock_is_held_by_one(tmp_path: Path) -> None:
    with lock.hold(tmp_path), pytest.raises(StoreError, match="held the lock"), lock.hold(tmp_path, timeout_s=0.05):
        pytest.fail("two hold it")
    with lock.hold(tmp_path, timeout_s=0.05):
        pass


def test_long_work_is_left_to_its_holder(tmp_path: Path) -> None:
    with lock.try_upkeep(tmp_path) as is_ours, lock.try_upkeep(tmp_path) as is_ours_too:
        assert (is_ours, is_ours_too) == (True, False)
        with lock.hold(tmp_path, timeout_s=0.05):  # the two are not one
            pass
    with lock.try_upkeep(tmp_path) as is_ours:
        assert is_ours


def test_faults_inside_pass_and_let_go(tmp_path: Path) -> None:
    for held in (lock.hold, lock.try_upkeep):
        with pytest.raises(KeyError), held(tmp_path):
            raise KeyError("mine")
        with held(tmp_path):
            pass


def test_a_folder_that_cannot_hold_a_lock_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for held in (lock.hold, lock.try_upkeep):
        with pytest.raises(StoreError, match="locking"), held(tmp_path / "file"):
            pass
