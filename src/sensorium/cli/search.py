"""`sensorium search`: places in files, found with words or with a file. Must not know how they are found."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorium.cli import opening
from sensorium.cli.conditions import read_where
from sensorium.cli.inputs import read_argument, reads_like_file
from sensorium.cli.options import (
    BalanceName,
    BalanceOption,
    CollectionOption,
    DeviceOption,
    JsonOption,
    ModalityOption,
    NoHybridOption,
    RerankOption,
    ThumbnailsOption,
    TopKOption,
    WhereOption,
    WithThumbnailsOption,
    names_of,
)

if TYPE_CHECKING:
    from sensorium.collection import Collection


def run(
    query: Annotated[str, typer.Argument(metavar="QUERY|FILE", help="Words, or the path of a file to ask with.")],
    collection: CollectionOption = None,
    top_k: TopKOption = 10,
    modality: ModalityOption = None,
    where: WhereOption = None,
    rerank: RerankOption = None,
    no_hybrid: NoHybridOption = False,
    balance: BalanceOption = BalanceName.auto,
    is_text: Annotated[bool, typer.Option("--text", help="QUERY is words, even if a file has that name.")] = False,
    is_file: Annotated[bool, typer.Option("--file", help="QUERY is a file, and must be there.")] = False,
    has_ids: Annotated[bool, typer.Option("--ids", help="Show the ids of records, for `similar` and `rm`.")] = False,
    thumbnails: ThumbnailsOption = None,
    device: DeviceOption = None,
    is_json: JsonOption = False,
    with_thumbnails: WithThumbnailsOption = False,
) -> int:
    """Find places in files with words, a picture, a sound or a clip.

    An argument that is the path of an existing file is taken as that file, by what it holds.
    """
    from sensorium.cli.output import print_json, print_note
    from sensorium.cli.results import describe_result, print_results

    asked = read_argument(query, is_text=is_text, is_file=is_file)
    with closing(opening.open_collection(collection, device=device)) as opened:
        if isinstance(asked, Path):
            print_note(f"Asking with the file {asked}; --text asks with these words instead.")
        elif not is_text and reads_like_file(asked):
            print_note(f"There is no file {asked}; asking with these words.")
        results = opened.search(asked, top_k, **search_options(opened, modality, where, rerank, no_hybrid, balance))
        if not is_json:
            nothing = "The collection is empty." if not results and not opened.stats().records else ""
            print_results(results, is_wanted=thumbnails, has_ids=has_ids, nothing=nothing)
            return 0
        described = [describe_result(one, rank, has_thumbnail=with_thumbnails) for rank, one in enumerate(results, 1)]
        kind = "file" if isinstance(asked, Path) else "text"
        print_json({"query": {kind: asked}, "collection": opened.path, "results": described})
    return 0


def search_options(
    opened: Collection, modality: Any, where: Any, rerank: str | None, no_hybrid: bool, balance: BalanceName
) -> dict[str, Any]:
    """Give what `Collection.search` takes, from what was typed.

    Raises:
        InputError: A condition that cannot be used.
    """
    options: dict[str, Any] = {"modality": names_of(modality), "hybrid": not no_hybrid, "balance": balance.value}
    options["where"] = read_where(where, opened.store.columns()) if where else None
    if rerank is not None:
        options["reranker"] = rerank
    return options
