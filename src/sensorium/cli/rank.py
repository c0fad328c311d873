"""`sensorium rank`: documents in the order in which they answer a query. Must not know how a reranker scores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from sensorium.cli import exit_codes, opening
from sensorium.cli.inputs import as_file, as_text, read_argument
from sensorium.cli.options import DeviceOption, JsonOption
from sensorium.errors import InputError

#: Letters of a document that a table shows.
_SHOWN = 200


def run(
    query: Annotated[str, typer.Argument(metavar="QUERY|FILE", help="Words, or the path of a file.")],
    documents: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(metavar="[DOC]...", help="Texts or files; none, or -: the lines of standard input."),
    ] = None,
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--model", metavar="RERANKER", help="Name or folder of the reranker."),
    ] = None,
    top_k: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--top-k", "-k", min=1, help="How many to print; all by default."),
    ] = None,
    is_text: Annotated[bool, typer.Option("--text", help="All are words, even if files have such names.")] = False,
    device: DeviceOption = None,
    is_json: JsonOption = False,
) -> int:
    """Order texts and files by how well they answer a query.

    An argument that is the path of an existing file is taken as that file; a line of standard input is always a text.
    """
    if model is None:
        raise InputError(
            "no reranker to score with: name one with --model, such as Qwen/Qwen3-Reranker-0.6B for texts, or "
            "Qwen/Qwen3-VL-Reranker-2B for texts, pictures and clips."
        )
    asked = read_argument(query, is_text=is_text)
    values, names = _read_documents(documents or [], is_text=is_text)
    result = _make_reranker(model, device).rank(
        as_file(asked) if isinstance(asked, Path) else as_text(asked),
        values,
        top_k=top_k,
        show_progress_bar=False,
        on_error="skip",
        return_report=True,
    )
    failed = {error.index: str(error.error.reason) for error in result.errors}
    ranked = [(entry["corpus_id"], entry["score"]) for entry in result.ranking if entry["corpus_id"] not in failed]
    if is_json:
        _print_json(asked, names, ranked, failed)
    else:
        _print_ranking(names, ranked, failed)
    return exit_codes.SOME_UNREADABLE if failed else exit_codes.DONE


def _make_reranker(model: str, device: str | None) -> Any:
    opening.hide_bars(model)
    from sensorium.encoders import CrossEncoder

    return CrossEncoder(model, device=device)


def _read_documents(arguments: Sequence[str], *, is_text: bool) -> tuple[list[Any], list[str]]:
    """Give the documents and what to call them."""
    if not arguments or list(arguments) == ["-"]:
        from sensorium.cli.lines import read_lines

        lines = list(read_lines("rank"))
        return [as_text(line) for line in lines], lines
    values: list[Any] = []
    for argument in arguments:
        path = os.path.expanduser(argument)
        is_file = not is_text and "\0" not in path and os.path.isfile(path)
        values.append(as_file(path) if is_file else as_text(argument))
    return values, list(arguments)


def _print_ranking(names: list[str], ranked: list[tuple[int, float]], failed: dict[int, str]) -> None:
    from sensorium.cli.output import Column, print_note, print_table
    from sensorium.cli.results import one_line, show_score

    columns = (Column("#", is_number=True), Column("score", is_number=True), Column("document"))
    rows = [(rank, show_score(score), one_line(names[at])[:_SHOWN]) for rank, (at, score) in enumerate(ranked, 1)]
    print_table(columns, rows)
    for at, reason in failed.items():
        print_note(f"Not scored: {one_line(names[at])[:_SHOWN]}: {reason}")


def _print_json(query: str | Path, names: list[str], ranked: list[tuple[int, float]], failed: dict[int, str]) -> None:
    from sensorium.cli.output import print_json

    results = [
        {"rank": rank, "index": at, "score": score, "document": names[at]} for rank, (at, score) in enumerate(ranked, 1)
    ]
    errors = [{"index": at, "document": names[at], "reason": reason} for at, reason in failed.items()]
    print_json({"query": query, "results": results, "errors": errors})
