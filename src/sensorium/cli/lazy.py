"""Commands that are known by name and one line, and loaded when they are used: what makes `--help` quick.

Must not know any command.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class InterruptionError(Exception):
    """Ctrl-C, brought out of typer, which would turn a KeyboardInterrupt into its own ending.

    Args:
        sentence: What the user should know.
    """

    def __init__(self, sentence: str = "Interrupted.") -> None:
        super().__init__(sentence)
        self.sentence = sentence


class PipeClosedError(Exception):
    """Whoever read the output went away; brought out of typer likewise."""


class LazyCommand(TyperCommand):
    """A command that stands in the list of commands, and becomes the real one when it is asked for more.

    Args:
        name: What users type.
        summary: One line; the first one of the docstring of the module's function `run`.
        module: Where `run` is.
    """

    def __init__(self, name: str, summary: str, module: str) -> None:
        super().__init__(name, help=summary)
        self.module = module
        self._command: Any = None

    def load(self) -> Any:
        """Give the real command."""
        if self._command is None:
            app = typer.Typer(add_completion=False)
            app.command(self.name)(importlib.import_module(self.module).run)
            self._command = get_command(app)
        return self._command

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the arguments of the real command; the context that comes back runs that one."""
        return self.load().make_context(*args, **kwargs)


class LazyGroup(TyperGroup):
    """A group whose faults come out as what they are: see `InterruptionError` and `PipeClosedError`."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the arguments up to the name of the command."""
        with _brought_out():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        with _brought_out():
            return super().invoke(ctx)


@contextmanager
def _brought_out() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as exc:
        raise InterruptionError() from exc
    except BrokenPipeError as exc:
        raise PipeClosedError() from exc
