"""Help: quick, light, and the same in the list as in the command."""

from __future__ import annotations

import importlib
import inspect
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sensorium.cli.app import COMMANDS, build

_HEAVY = ("torch", "lancedb", "numpy", "transformers", "pyarrow", "openai", "PIL", "huggingface_hub")
#: The aim is 1.5; on a machine that others use, too, one run in a few is slow.
_MOST_TIMES_AN_EMPTY_APP = 1.5
_EMPTY = """
import typer
app = typer.Typer()
@app.callback()
def root() -> None:
    "An empty app."
@app.command()
def nothing() -> None:
    "Do nothing."
app()
"""
_LOADED = """
import sys
from sensorium.cli import main
code = main(sys.argv[1:])
print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
sys.exit(code)
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["search", "--help"], ["encode", "--help"], ["sarch"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED, *arguments], capture_output=True, text=True, check=False)
    loaded = set(done.stdout.splitlines()[-1].split()[1:])
    assert "typer" in loaded
    assert loaded.isdisjoint(_HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_is_heavy_to_load(name: str) -> None:
    code = f"import sys, sensorium.cli.{name}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint(_HEAVY)


def test_help_is_as_quick_as_an_empty_app(tmp_path: Path) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text(_EMPTY)
    ratio = min(_measure([str(empty)], ["-m", "sensorium"]) for _ in range(3))
    assert ratio < _MOST_TIMES_AN_EMPTY_APP


def _measure(empty: Sequence[str], ours: Sequence[str]) -> float:
    """Give our median time by the empty app's, both taken in turn."""
    times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(7):
        for is_ours in (False, True):
            begun = time.perf_counter()
            command = [sys.executable, *(ours if is_ours else empty), "--help"]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            times[is_ours].append(time.perf_counter() - begun)
    return statistics.median(times[True]) / statistics.median(times[False])


@pytest.mark.parametrize("name", COMMANDS)
def test_list_and_command_say_the_same(name: str) -> None:
    function = importlib.import_module(f"sensorium.cli.{name}").run
    assert (inspect.getdoc(function) or "").splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, run: Callable[..., object]) -> None:
    ended = run(name, "--help")
    assert ended.code == 0
    assert "Usage: sensorium" in ended.out
    assert COMMANDS[name] in " ".join(ended.out.split())
    assert ended.err == ""


def test_no_arguments_show_help(run: Callable[..., object]) -> None:
    ended = run()
    assert ended.code == 0
    assert all(name in ended.out for name in COMMANDS)


def test_version(run: Callable[..., object]) -> None:
    from sensorium import __version__

    assert run("--version").out == f"sensorium {__version__}\n"


def test_module_is_an_entry_point() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sensorium", "sarch"], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert (
        done.stderr
        == "Error: No such command 'sarch'. Did you mean 'search'?\nTry 'sensorium --help' for what there is.\n"
        or (
            done.stderr == "Error: No such command 'sarch'.\nTry 'sensorium --help' for what there is.\n"  # older typer
        )
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_unknown_option(name: str, run: Callable[..., object]) -> None:
    ended = run(name, "--nonsense")
    assert ended.code == 2
    assert "--nonsense" in ended.err
    assert f"Try 'sensorium {name} --help'" in ended.err
    assert ended.out == ""


def test_a_command_is_loaded_once() -> None:
    command = build().commands["info"]
    assert command.load() is command.load()
