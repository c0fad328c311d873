"""`sensorium rm`: records out of a collection, after a question. Must not know how they are removed."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from sensorium.cli import exit_codes, opening
from sensorium.cli.conditions import read_where
from sensorium.cli.options import CollectionOption, JsonOption, WhereOption
from sensorium.errors import InputError

if TYPE_CHECKING:
    from sensorium.collection import Collection


def run(
    collection: CollectionOption = None,
    ids: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--id", metavar="ID", help="Of a record, as `search --ids` shows it; may be repeated."),
    ] = None,
    paths: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--path", metavar="FILE", help="Of a file, all of whose records go; may be repeated."),
    ] = None,
    where: WhereOption = None,
    is_sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    is_json: JsonOption = False,
) -> int:
    """Remove records from a collection; files are not touched.

    Say which by --id, --path or --where: one of the three.
    """
    from sensorium.cli.output import print_json

    if sum(bool(one) for one in (ids, paths, where)) != 1:
        raise InputError("say what to remove by exactly one of --id, --path and --where.")
    with closing(opening.open_collection(collection)) as opened:
        selections = _select(opened, ids, paths, where)
        count = sum(opened.store.count(condition) for condition in selections)
        if count and not is_sure and not _ask(count):
            return exit_codes.FAILED
        removed = sum(opened.delete(**how) for how in _ways(opened, ids, paths, where)) if count else 0
        if is_json:
            print_json({"collection": opened.path, "removed": removed})
        else:
            _tell(removed)
    return exit_codes.DONE


def _select(opened: Collection, ids: Any, paths: Any, where: Any) -> list[Any]:
    """Give conditions for counting, none of which overlap."""
    from sensorium.ingest.listing import show_path

    if ids:
        return [{"id": list(dict.fromkeys(ids))}]
    if paths:
        absolute = (show_path(os.path.abspath(os.path.expanduser(path))) for path in paths)
        return [{"path": list(dict.fromkeys(absolute))}]
    return [read_where(where, opened.store.columns())]


def _ways(opened: Collection, ids: Any, paths: Any, where: Any) -> list[dict[str, Any]]:
    if ids:
        return [{"ids": list(ids)}]
    if paths:
        return [{"path": path} for path in paths]
    return [{"where": read_where(where, opened.store.columns())}]


def _ask(count: int) -> bool:
    """Ask whether to go on.

    Raises:
        InputError: There is nobody to ask.
    """
    from sensorium.cli.output import count_of, is_input_terminal, print_note

    if not is_input_terminal():
        raise InputError(f"this would remove {count_of(count, 'record')}, and nobody is there to ask. Say --yes.")
    if typer.confirm(f"Remove {count_of(count, 'record')}?", err=True):
        return True
    print_note("Nothing was removed.")
    return False


def _tell(removed: int) -> None:
    from sensorium.cli.output import count_of, print_line

    if removed:
        print_line(f"Removed {count_of(removed, 'record')}. Their files stay, and come back when they are added again.")
    else:
        print_line("There is no such record; nothing was removed.")
