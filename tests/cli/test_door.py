"""The outermost door: one line an error, no traceback unless asked for, quiet when interrupted or cut off."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from sensorium.errors import InputError, MissingExtraError, StoreError
from tests.cli.fake_collection import make_result

#: What runs in the background of a shell has interruptions turned off, and hands that on.
_SLOW = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from sensorium.cli import main, opening
from tests.cli.fake_collection import FakeCollection

class Slow(FakeCollection.fresh()):
    def add(self, items, **options):
        print("ready", flush=True)
        time.sleep(60)

opening.collection_class = lambda: Slow
sys.exit(main(["index", sys.argv[1], "-c", sys.argv[2]]))
"""


def test_an_error_is_one_safe_line(run: Any, there: Any) -> None:
    there.raises = InputError("no \x1b[31m[bold]good[/]\nat all", source="a\u202e.png")
    ended = run("search", "x")
    assert ended.code == 2
    assert ended.err == "Error: a\\u202e.png: no ␛[31m[bold]good[/]␊at all\n"
    assert ended.out == ""


@pytest.mark.parametrize(
    ("error", "code"), [(StoreError("broken"), 6), (MissingExtraError("pip"), 5), (OSError(5, "I/O error"), 1)]
)
def test_errors_end_with_their_code(run: Any, there: Any, error: Exception, code: int) -> None:
    there.raises = error
    ended = run("search", "x")
    assert ended.code == code
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err


def test_a_fault_is_named_one(run: Any, there: Any) -> None:
    there.raises = RuntimeError("unforeseen")
    ended = run("search", "x")
    assert ended.code == 70
    assert ended.err.splitlines()[0] == "Internal error: RuntimeError: unforeseen"
    assert "--traceback" in ended.err


def test_tracebacks_on_demand(run: Any, there: Any) -> None:
    there.raises = InputError("bad\x1b")
    ended = run("--traceback", "search", "x")
    assert "Traceback (most recent call last)" in ended.err
    assert "fake_collection.py" in ended.err
    assert "\x1b" not in ended.err
    os.environ["SENSORIUM_TRACEBACK"] = "1"
    assert "Traceback" in run("search", "x").err
    del os.environ["SENSORIUM_TRACEBACK"]
    assert "Traceback" not in run("search", "x").err


def test_interrupted(run: Any, there: Any) -> None:
    there.raises = KeyboardInterrupt()
    ended = run("search", "x")
    assert (ended.code, ended.err) == (130, "Interrupted.\n")


def test_interrupted_indexing_says_that_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    command = [sys.executable, "-c", _SLOW, str(tmp_path / "files"), str(tmp_path / "col")]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("Interrupted. What was indexed is kept: run the same command again")
    assert "Traceback" not in err


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    code = "import sys; from sensorium.cli import main; sys.exit(main(['models', '--json']))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 141
    assert err == ""


def test_warnings_and_log_lines_are_safe_lines(run: Any, there: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def search(self: Any, *_: Any, **__: Any) -> list[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.warn("odd \x1b file", UserWarning, stacklevel=1)
        warnings.warn("for programmers", FutureWarning, stacklevel=1)
        logging.getLogger("sensorium.modules").warning("about %s", "a\nb")
        return [make_result()]

    monkeypatch.setattr(there, "search", search)
    before = list(logging.getLogger("sensorium").handlers)
    ended = run("search", "x")
    assert ended.code == 0
    assert ended.err == "Warning: odd ␛ file\nWarning: about a␊b\n"
    assert logging.getLogger("sensorium").handlers == before


def test_environment_is_set_only_where_it_is_free(run: Any) -> None:
    for name in ("LANCE_LOG", "TRANSFORMERS_VERBOSITY"):
        os.environ.pop(name, None)
    run("--version")
    assert os.environ["LANCE_LOG"] == "error"
    os.environ["LANCE_LOG"] = "debug"
    run("--version")
    assert os.environ["LANCE_LOG"] == "debug"


def test_importing_sets_nothing() -> None:
    code = "import os; before = dict(os.environ); import sensorium.cli.door, sensorium.cli.app; print(before == dict(os.environ))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_typer_is_named_where_it_is_missing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)
    ended = run("--help")
    assert ended.code == 5
    assert 'pip install "sensorium[cli]"' in ended.err


def test_an_encoding_that_lacks_letters(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "sensorium", "index", str(tmp_path / "Ä")],
        capture_output=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 4
    assert b"\\xc4" in done.stderr
