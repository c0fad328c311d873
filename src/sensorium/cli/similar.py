"""`sensorium similar`: what is like a record. Needs no model, since the record has its vector. Must not know how."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from sensorium.cli import opening
from sensorium.cli.conditions import read_where
from sensorium.cli.options import (
    BalanceName,
    BalanceOption,
    CollectionOption,
    JsonOption,
    ModalityOption,
    ThumbnailsOption,
    TopKOption,
    WhereOption,
    WithThumbnailsOption,
    names_of,
)

if TYPE_CHECKING:
    from sensorium.collection import Collection


def run(
    record: Annotated[
        str, typer.Argument(metavar="ID|FILE", help="A record, as `search --ids` shows it, or a file that is indexed.")
    ],
    collection: CollectionOption = None,
    top_k: TopKOption = 10,
    modality: ModalityOption = None,
    where: WhereOption = None,
    balance: BalanceOption = BalanceName.auto,
    has_ids: Annotated[bool, typer.Option("--ids", help="Show the ids of records.")] = False,
    thumbnails: ThumbnailsOption = None,
    is_json: JsonOption = False,
    with_thumbnails: WithThumbnailsOption = False,
) -> int:
    """Find what is like a record of the collection.

    For a file that is indexed, its first record is taken.
    """
    from sensorium.cli.output import print_json
    from sensorium.cli.results import describe_result, print_results

    with closing(opening.open_collection(collection)) as opened:
        name = _find_id(opened, record)
        results = opened.similar(
            name,
            top_k,
            modality=names_of(modality),
            where=read_where(where, opened.store.columns()) if where else None,
            balance=balance.value,
        )
        if is_json:
            described = [describe_result(one, at, has_thumbnail=with_thumbnails) for at, one in enumerate(results, 1)]
            print_json({"query": {"id": name}, "collection": opened.path, "results": described})
        else:
            print_results(results, is_wanted=thumbnails, has_ids=has_ids, nothing="There is nothing else.")
    return 0


def _find_id(opened: Collection, record: str) -> str:
    """Give the id itself, or that of the first record of a file that is indexed."""
    from sensorium.ingest.listing import show_path

    path = os.path.expanduser(record)
    if "\0" in path or not os.path.isfile(path):
        return record
    found = list(opened.store.entries({"path": show_path(os.path.abspath(path))}))
    return min(entry.id for entry in found) if found else record
