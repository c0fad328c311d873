"""Fixtures: the command line run in this process, a fake collection behind it, and a quiet environment around it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sensorium.cli import main, opening
from tests.cli.fake_collection import FakeCollection

#: Variables that say something to the command line, and must not come from whoever runs the tests.
_VARIABLES = ("SENSORIUM_COLLECTION", "SENSORIUM_TRACEBACK", "SENSORIUM_LLM", "OPENAI_BASE_URL", "NO_COLOR", "TMUX")


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, and an environment that is as it was afterwards: `main` sets a few variables."""
    before = dict(os.environ)
    monkeypatch.chdir(tmp_path)
    for name in (*_VARIABLES, *[one for one in os.environ if one.startswith("KITTY")], "TERM_PROGRAM", "COLORTERM"):
        os.environ.pop(name, None)
    os.environ["COLUMNS"] = "160"
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """`run("search", "a cat", stdin=b"")` runs the command line and gives how it ended."""

    def run_main(*argv: str, stdin: bytes | None = None) -> Ended:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = main(argv)
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run_main


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeCollection]:
    """The class behind the command line, with nothing in it."""
    kind = FakeCollection.fresh()
    monkeypatch.setattr(opening, "collection_class", lambda: kind)
    return kind


@pytest.fixture
def there(fake: type[FakeCollection], workplace: Path) -> type[FakeCollection]:
    """The same, with a collection in the default folder."""
    folder = workplace / ".sensorium"
    folder.mkdir()
    (folder / "manifest.json").write_text("sensorium-mini\n")
    return fake


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Make standard output a terminal with colours."""
    # On the class: what stands for it now is replaced when the test begins.
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: self is sys.stdout, raising=False)
    os.environ["TERM"] = "xterm-256color"
