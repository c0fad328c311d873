"""The tree of errors: what each one is, what it says, and that it survives a copy and a process border."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from sensorium import errors

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, errors.SensoriumError)]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_survive_copies(cls, duplicate):
    error = cls("what is wrong")
    error.index = 3
    twin = duplicate(error)
    assert type(twin) is cls
    assert str(twin) == str(error)
    assert twin.args == error.args
    assert twin.__dict__ == error.__dict__


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (errors.InputError, ValueError),
        (errors.MissingMediaError, FileNotFoundError),
        (errors.UnknownArgumentError, TypeError),
        (errors.UnknownArgumentError, ValueError),
        (errors.ModelNotFoundError, FileNotFoundError),
        (errors.CheckpointError, ValueError),
        (errors.MissingExtraError, ImportError),
        (errors.EngineError, RuntimeError),
        (errors.NotBuiltError, NotImplementedError),
    ],
)
def test_errors_are_what_existing_code_catches(cls, builtin):
    assert issubclass(cls, builtin)


@pytest.mark.parametrize(
    ("index", "source", "text"),
    [
        (None, None, "is empty"),
        (2, None, "input 2: is empty"),
        (None, "a.jpg", "a.jpg: is empty"),
        (2, "a.jpg", "input 2 (a.jpg): is empty"),
    ],
)
def test_input_errors_say_where(index, source, text):
    assert str(errors.MediaError("is empty", index=index, source=source)) == text
    assert str(errors.MissingMediaError("is empty", index=index, source=source)) == text


def test_unknown_arguments_name_the_nearest_known_one():
    error = errors.UnknownArgumentError.from_names("encode()", ["promt"], ["task"], ["prompt", "batch_size"])
    assert error.argument == "promt"
    assert "Did you mean 'prompt'?" in str(error)
    assert "['task']" in str(error)
    assert "Did you mean" not in str(errors.UnknownArgumentError.from_names("encode()", ["zzz"], ["task"]))
