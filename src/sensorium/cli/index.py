"""`sensorium index`: files into a collection, once or for as long as they change. Must not know how files are read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from sensorium.cli import exit_codes, opening
from sensorium.cli.conditions import read_metadata
from sensorium.cli.heaps import limit_heaps
from sensorium.cli.lazy import InterruptionError
from sensorium.cli.options import CollectionOption, DeviceOption, JsonOption
from sensorium.errors import InputError, MissingMediaError

if TYPE_CHECKING:
    from sensorium.collection import Collection, IndexReport

_MAGIC = "*?["
_INTERRUPTED = "Interrupted. What was indexed is kept: run the same command again, and it goes on from there."


def run(
    paths: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(metavar="[PATH]...", help="Folders, files or patterns; none: what was indexed before."),
    ] = None,
    collection: CollectionOption = None,
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--model", metavar="ID", help="Name or folder of the model; the built-in one by default."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and index what changes, until Ctrl-C.")] = False,
    exclude: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--exclude", metavar="PATTERN", help="Leave out, as a line of .gitignore; may be repeated."),
    ] = None,
    metadata: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--metadata", metavar="NAME=VALUE", help="Put on every record; may be repeated."),
    ] = None,
    device: DeviceOption = None,
    is_json: JsonOption = False,
) -> int:
    """Read folders and files into a collection, or bring one up to date.

    The collection is made if it is not there. What has not changed costs nothing, so the same command goes on where it
    was stopped.
    """
    limit_heaps()
    given = [os.path.expanduser(path) for path in paths or ()]
    _check_paths(given)
    values = read_metadata(metadata or ())
    if values and not given:
        raise InputError("--metadata is put on what is added: name the folders or files.")
    if watch and is_json:
        raise InputError("--watch goes on without an end, and --json prints one document. Use one of them.")
    with closing(_open(collection, given, model, tuple(exclude or ()), device)) as opened:
        _tell_model(opened, model)
        if watch:
            from sensorium.cli.watching import watch_and_update

            return watch_and_update(opened, given, lambda: _index(opened, given, values, is_json=False))
        report = _index(opened, given, values, is_json=is_json)
        return exit_codes.SOME_UNREADABLE if report.unreadable_count else exit_codes.DONE


def _check_paths(paths: Sequence[str]) -> None:
    """Refuse what is not there before a model is loaded."""
    for path in paths:
        if not path:
            raise InputError("a PATH is empty. Name a folder, a file or a pattern.")
        if not os.path.lexists(path) and not any(sign in path for sign in _MAGIC):
            raise MissingMediaError("there is no such file or folder.", source=path)


def _open(
    named: str | None, paths: Sequence[str], model: str | None, excludes: tuple[str, ...], device: str | None
) -> Collection:
    folder = opening.find_folder(named)
    if opening.is_there(folder):
        collection = opening.open_collection(named, model=model, device=device)
        have = tuple(collection.settings.excludes)
        if excludes and excludes != have:
            collection.close()
            raise InputError(
                f"what a collection leaves out is fixed when it is made: {folder} has --exclude {list(have)}, got "
                f"{list(excludes)}. Use a .sensoriumignore file in the folder, or make a new collection."
            )
        return collection
    if not paths:
        raise InputError(f"there is no collection in {folder} to bring up to date. Name the folders or files to index.")
    from sensorium.ingest import IngestSettings

    settings = IngestSettings(excludes=excludes)
    return opening.create_collection(named, model=model, settings=settings, device=device)


def _tell_model(collection: Collection, named: str | None) -> None:
    from sensorium.cli.output import print_note
    from sensorium.hub.builtin import BUILTIN_NOTICE

    if collection.is_builtin_model and named is None:
        print_note(f"{BUILTIN_NOTICE} `sensorium models` lists them.")


def _index(collection: Collection, paths: Sequence[str], metadata: dict[str, Any], *, is_json: bool) -> IndexReport:
    from sensorium.cli.progress import IndexingProgress

    try:
        with IndexingProgress(is_quiet=is_json) as progress:
            if paths:
                report = collection.add(list(paths), metadata=metadata or None, on_progress=progress.update)
            else:
                report = collection.update(on_progress=progress.update)
    except KeyboardInterrupt as exc:
        raise InterruptionError(_INTERRUPTED) from exc
    if is_json:
        _print_json(report, collection.path)
    else:
        print_report(report, collection.path)
        _tell_earlier(collection, report)
    return report


def _tell_earlier(collection: Collection, report: IndexReport) -> None:
    """Say that there are files which could not be read before and have not changed since."""
    from sensorium.cli.output import count_of, print_note

    earlier = collection.stats().unreadable - report.unreadable_count
    if earlier > 0:
        print_note(f"{count_of(earlier, 'file')} could not be read earlier, and did not change; see `sensorium info`.")


def print_report(report: IndexReport, folder: Path) -> None:
    """Print what an indexing did, with what could not be read."""
    from sensorium.cli.output import count_of, print_line, show_seconds
    from sensorium.cli.unreadable import print_unreadable

    parts = [f"{count_of(report.files, 'file')} in {show_seconds(report.seconds)}"]
    parts += [f"{report.unchanged:,} unchanged"] * bool(report.unchanged)
    parts.append(f"{count_of(report.records, 'record')} stored ({report.computed:,} computed)")
    parts += [f"{count_of(report.removed, 'record')} removed"] * bool(report.removed)
    parts += [f"{report.skipped:,} skipped (nothing to index in them)"] * bool(report.skipped)
    print_line(f"Indexed into {folder}: {', '.join(parts)}.")
    print_unreadable(report.unreadable, report.unreadable_count)


def _print_json(report: IndexReport, folder: Path) -> None:
    from dataclasses import asdict

    from sensorium.cli.output import print_json

    print_json({"collection": folder, **asdict(report)})
