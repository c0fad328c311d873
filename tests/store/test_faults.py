"""Foreign faults become ours, by what they say."""

from __future__ import annotations

import errno

import pytest

from sensorium.errors import DiskFullError, InputError, SensoriumError, StoreError
from sensorium.store.faults import is_conflict, is_unreadable_manifest, translate, translated

FULL = "lance error: LanceError(IO): Unable to copy data to file: No space left on device (os error 28), /root/x.rs:1:2"


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RuntimeError(FULL), DiskFullError, "make room"),
        (OSError(errno.ENOSPC, "No space left on device"), DiskFullError, "make room"),
        (RuntimeError("lance error: LanceError(IO): Permission denied (os error 13)"), StoreError, "not permitted"),
        (PermissionError(errno.EACCES, "Permission denied"), StoreError, "not permitted"),
        (OSError(errno.EROFS, "Read-only file system"), StoreError, "not permitted"),
        (OSError(errno.EIO, "Input/output error"), StoreError, "counting failed"),
        (
            ValueError("Invalid input, Schema error: No field named nmae. Valid fields are x."),
            InputError,
            "mean 'name'",
        ),
        (ValueError('No field named "NAME". Valid'), InputError, "mean 'name'"),
        (ValueError("Invalid input, Error parsing statement: SELECT"), InputError, "cannot be used"),
        (RuntimeError("lance error: Not found: x.lance, /root/a/b.rs:7:9"), StoreError, "failed"),
    ],
)
def test_faults_become_ours(error: Exception, kind: type[SensoriumError], message: str) -> None:
    with pytest.raises(SensoriumError, match=message) as caught, translated("counting", "/folder", ["name", "id"]):
        raise error
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error
    assert ".rs:" not in str(caught.value)


def test_a_full_disk_is_an_os_error_too() -> None:
    error = translate(RuntimeError(FULL), "writing", "/folder")
    assert isinstance(error, OSError)
    assert (error.errno, error.path) == (errno.ENOSPC, "/folder")


def test_errors_of_ours_pass_as_they_are() -> None:
    mine = InputError("mine")
    with pytest.raises(InputError) as caught, translated("counting", "/folder"):
        raise mine
    assert caught.value is mine


def test_faults_that_are_no_ones_input_pass() -> None:
    with pytest.raises(ZeroDivisionError), translated("counting", "/folder"):
        1 / 0  # noqa: B018


def test_conflicts_are_known_by_their_words() -> None:
    text = "Retryable commit conflict for version 17: This Rewrite transaction was preempted by concurrent transaction"
    assert is_conflict(RuntimeError(text))
    assert not is_conflict(RuntimeError(FULL))


def test_manifests_that_make_no_sense_are_known_by_their_words() -> None:
    assert is_unreadable_manifest(RuntimeError("failed to decode Protobuf message: unexpected end group tag"))
    assert not is_unreadable_manifest(RuntimeError(FULL))
    assert not is_unreadable_manifest(OSError(errno.EIO, "failed to decode Protobuf"))
