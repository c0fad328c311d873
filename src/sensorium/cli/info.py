"""`sensorium info`: what is in a collection. Loads no model. Must not know how it is counted."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

from sensorium.cli import opening
from sensorium.cli.options import CollectionOption, JsonOption

if TYPE_CHECKING:
    from sensorium.collection import CollectionStats


def run(collection: CollectionOption = None, is_json: JsonOption = False) -> int:
    """Show what is in a collection, and which files could not be read.

    With --json, all such files are listed, not the first twenty.
    """
    from sensorium.cli.output import Column, print_json, print_table
    from sensorium.cli.unreadable import print_unreadable

    with closing(opening.open_collection(collection)) as opened:
        stats = opened.stats()
        if is_json:
            listed = [asdict(problem) for problem in opened.unreadable()]
            values = {**asdict(stats), "is_builtin_model": opened.is_builtin_model}
            print_json({**values, "unreadable_files": listed})
            return 0
        columns = (Column("collection"), Column(str(stats.path)))
        print_table(columns, _rows(stats, is_builtin=opened.is_builtin_model))
        print_unreadable(opened.unreadable(), stats.unreadable)
    return 0


def _rows(stats: CollectionStats, *, is_builtin: bool) -> list[tuple[str, object]]:
    from sensorium.cli.output import show_size

    revision = f" (revision {stats.revision})" if stats.revision else ""
    kinds = ", ".join(f"{count:,} {modality}" for modality, count in sorted(stats.modalities.items()))
    return [
        ("model", f"{stats.model_id}{revision}{', built in' if is_builtin else ''}"),
        ("vectors", f"{stats.dim} dimensions, {stats.dtype}"),
        ("records", f"{stats.records:,}" + (f" ({kinds})" if kinds else "")),
        ("files", f"{stats.files:,} read, {stats.unreadable:,} unreadable"),
        *(("folder", root) for root in stats.roots),
        ("metadata", ", ".join(stats.metadata_columns) or "none"),
        ("on disk", show_size(stats.bytes_on_disk)),
        ("written by", f"sensorium {stats.library_version}"),
    ]
