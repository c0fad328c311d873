"""The command `sensorium` as typer sees it: its options, and the list of commands. Must not know what commands do."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.main import get_command

from sensorium._version import __version__
from sensorium.cli.lazy import LazyCommand, LazyGroup

#: Name -> one line about it, in the order in which `--help` lists them. A command lives in the file of its name.
COMMANDS: dict[str, str] = {
    "index": "Read folders and files into a collection, or bring one up to date.",
    "search": "Find places in files with words, a picture, a sound or a clip.",
    "similar": "Find what is like a record of the collection.",
    "ask": "Have a language model answer a question from the collection.",
    "info": "Show what is in a collection, and which files could not be read.",
    "rm": "Remove records from a collection; files are not touched.",
    "map": "Draw a collection as a page in which near things lie near.",
    "encode": "Turn files, or lines of text, into vectors.",
    "rank": "Order texts and files by how well they answer a query.",
    "models": "List models to use, or tell what one takes.",
    "demo": "Index a small sample and ask it five questions.",
}


class SensoriumGroup(LazyGroup):
    """The commands of `COMMANDS`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, summary in COMMANDS.items():
            self.add_command(LazyCommand(name, summary, f"sensorium.cli.{name}"))


def build() -> Any:
    """Give the command line as an object whose `main` runs it."""
    app = typer.Typer(
        cls=SensoriumGroup,
        name="sensorium",
        help="Find anything with anything: text, images, audio and video in one space.",
        epilog="A collection is the folder .sensorium here, unless --collection or SENSORIUM_COLLECTION names another.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    return get_command(app)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"sensorium {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version, and end.")
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", envvar="SENSORIUM_TRACEBACK", help="Show where an error came from.")
    ] = False,
) -> None:
    if traceback:
        from sensorium.cli import door

        door.show_tracebacks()
