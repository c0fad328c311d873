"""`sensorium ask`: a language model answers from what the collection holds. Must not know how it is asked."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from sensorium.cli import opening
from sensorium.cli.options import (
    BalanceName,
    BalanceOption,
    CollectionOption,
    DeviceOption,
    JsonOption,
    ModalityOption,
    NoHybridOption,
    RerankOption,
    WhereOption,
)
from sensorium.cli.search import search_options
from sensorium.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where the endpoint is read from if none is named: the variable that OpenAI's own client reads.
ENDPOINT_VARIABLE = "OPENAI_BASE_URL"


def run(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to answer.")],
    endpoint: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--endpoint", metavar="URL", envvar=ENDPOINT_VARIABLE, help="Of an OpenAI-compatible service, with /v1."
        ),
    ] = None,
    language_model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--llm", "--model", metavar="NAME", envvar="SENSORIUM_LLM", help="The language model to ask."),
    ] = None,
    api_key_env: Annotated[
        str, typer.Option("--api-key-env", metavar="NAME", help="The environment variable that holds the key.")
    ] = "OPENAI_API_KEY",
    collection: CollectionOption = None,
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, help="How many records to answer from.")] = 8,
    max_images: Annotated[int, typer.Option("--max-images", min=0, help="Most pictures to send.")] = 4,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Most tokens of what is sent, about.")] = 4000,
    modality: ModalityOption = None,
    where: WhereOption = None,
    rerank: RerankOption = None,
    no_hybrid: NoHybridOption = False,
    balance: BalanceOption = BalanceName.auto,
    device: DeviceOption = None,
    is_json: JsonOption = False,
) -> int:
    """Have a language model answer a question from the collection.

    What the search finds is sent to the endpoint, and nothing else. The answer appears as it is written, then the
    sources it was given. Keys are read from the environment and never stored.
    """
    if not question.strip():
        raise InputError("the question is empty.")
    _check_endpoint(endpoint, language_model)
    with closing(opening.open_collection(collection, device=device)) as opened:
        options = search_options(opened, modality, where, rerank, no_hybrid, balance)
        answer = _find_ask()(
            opened,
            question,
            model=language_model,
            endpoint=endpoint,
            api_key_env=api_key_env,
            top_k=top_k,
            max_images=max_images,
            max_tokens=max_tokens,
            on_text=_ignore if is_json else _write,
            **options,
        )
        if is_json:
            _print_json(question, answer, opened.path)
        else:
            _print_sources(answer)
    return 0


def _find_ask() -> Callable[..., Any]:
    from sensorium.collection.answering import ask

    return ask


def _check_endpoint(endpoint: str | None, language_model: str | None) -> None:
    if not endpoint:
        raise InputError(
            "no endpoint to ask. Name one that speaks the OpenAI protocol with --endpoint, such as "
            f"http://localhost:11434/v1, or in the environment variable {ENDPOINT_VARIABLE}."
        )
    if not language_model:
        raise InputError("no language model to ask. Name one that the endpoint has with --llm, or in SENSORIUM_LLM.")


def _write(text: str) -> None:
    from sensorium.cli.escaping import show

    sys.stdout.write(show(text, keep="\n\t"))
    sys.stdout.flush()


def _ignore(text: str) -> None:
    """Leave the parts of the answer alone: they are printed as a whole."""


def _print_sources(answer: Any) -> None:
    from rich.text import Text

    from sensorium.cli.output import output_console, print_line

    print_line("" if answer.text.endswith("\n") else "\n", keep="\n")
    if not answer.sources:
        print_line("The collection had nothing to answer from.")
        return
    print_line("Sources:")
    for source in answer.sources:
        line = _describe_source(source)
        if sys.stdout.isatty():
            output_console().print(line, soft_wrap=True)
        else:
            print(line.plain if isinstance(line, Text) else line)


def _describe_source(source: Any) -> Any:
    from rich.text import Text

    from sensorium.cli.output import linked

    place = str(source.place or "")
    return Text.assemble(
        f"  [{int(source.number)}] ", linked(source.path or source.key, source.path), f", {place}" if place else ""
    )


def _print_json(question: str, answer: Any, folder: Path) -> None:
    from sensorium.cli.output import print_json

    sources = [
        {
            "number": source.number,
            "path": None if source.path is None else os.fspath(source.path),
            "key": source.key,
            "place": str(source.place or ""),
        }
        for source in answer.sources
    ]
    print_json({"question": question, "collection": folder, "answer": answer.text, "sources": sources})
