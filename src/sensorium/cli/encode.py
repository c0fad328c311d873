"""`sensorium encode`: files or lines become vectors, one a row, in their order. Must not know how they are computed."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from sensorium.cli import exit_codes, opening
from sensorium.cli.inputs import as_file, as_text
from sensorium.cli.options import DeviceOption
from sensorium.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from sensorium.cli.vector_files import VectorFile

#: Inputs that could not be used, listed one by one.
_MOST_LISTED = 20


class OnErrorName(str, Enum):
    """What `--on-error` takes."""

    stop = "raise"
    skip = "skip"


def run(
    files: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(metavar="[FILE]...", help="Files; none, or -: the lines of standard input, each a text."),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help=".npy, .parquet or .jsonl; - for JSON lines here.")
    ] = "-",
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--model", metavar="ID", help="Name or folder of the model; the built-in one by default."),
    ] = None,
    are_paths: Annotated[bool, typer.Option("--paths", help="The lines of standard input are paths of files.")] = False,
    is_query: Annotated[
        bool, typer.Option("--query", help="They are queries: use the model's prompt for them.")
    ] = False,
    is_document: Annotated[bool, typer.Option("--document", help="They are documents: likewise.")] = False,
    prompt: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--prompt", metavar="TEXT", help="Put this before each input instead."),
    ] = None,
    normalize: Annotated[bool, typer.Option("--normalize", help="Bring vectors to length 1.")] = False,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Most inputs in one pass.")] = 32,
    on_error: Annotated[
        OnErrorName, typer.Option("--on-error", help="What to do with an input that cannot be used.")
    ] = OnErrorName.stop,
    device: DeviceOption = None,
) -> int:
    """Turn files, or lines of text, into vectors.

    Rows are in the order of the inputs, and memory does not grow with their number. With --on-error skip an input that
    cannot be used has a row all the same: of NaN in .npy, without a vector but with a reason in the others.
    """
    from sensorium.cli.output import print_note
    from sensorium.cli.vector_files import check_name, open_output
    from sensorium.hub.builtin import BUILTIN_ID, BUILTIN_NOTICE, builtin_model

    if is_query and is_document:
        raise InputError("--query and --document exclude each other.")
    check_name(output)
    names, total, make = _read_inputs(files or [], are_paths)
    if model is None:
        print_note(f"{BUILTIN_NOTICE} `sensorium models` lists them.")
    encoder = _load(builtin_model() if model in (None, BUILTIN_ID) else str(model), device)
    options = {"prompt": prompt, "batch_size": batch_size, "normalize_embeddings": normalize}
    stream = encoder.encode_document_stream if is_document else encoder.encode_stream
    if is_query:
        options |= _for_queries(encoder, prompt)
    run_of = _Encoding(make, is_skipping=on_error is OnErrorName.skip)
    with open_output(output) as file:
        run_of.run(stream, names, total, options, file)
        file.finish(encoder.get_embedding_dimension() or 0)
    run_of.tell(output)
    return exit_codes.SOME_UNREADABLE if run_of.failed else exit_codes.DONE


def _load(name: str, device: str | None) -> Any:
    opening.hide_bars(name)
    from sensorium.encoders import SentenceTransformer

    return SentenceTransformer(name, device=device)


def _read_inputs(files: list[str], are_paths: bool) -> tuple[Iterable[str], int | None, Callable[[str], Any]]:
    """Give the names of the inputs, their number if it is known, and what makes an input of a name."""
    if files and files != ["-"]:
        if are_paths:
            raise InputError("--paths is about the lines of standard input. Name files, or send their paths.")
        return [os.path.expanduser(file) for file in files], len(files), as_file
    from sensorium.cli.lines import read_lines

    return read_lines("encode", are_paths=are_paths), None, as_file if are_paths else as_text


def _for_queries(encoder: Any, prompt: str | None) -> dict[str, Any]:
    """Give what `encode_query` adds to a call, since there is no stream of that name."""
    has_own = prompt is None and "query" in encoder.prompts
    return {"task": "query", **({"prompt_name": "query"} if has_own else {})}


class _Encoding:
    """One run: names go in, rows come out in their order, with what failed among them.

    Args:
        make: Makes an input of a name.
        is_skipping: An input that cannot be used is reported, and the run goes on.
    """

    def __init__(self, make: Callable[[str], Any], *, is_skipping: bool) -> None:
        self._make = make
        self._is_skipping = is_skipping
        # Names on their way through the model, as many as it holds at a time; with the reason if they never went in.
        self._under_way: deque[tuple[str, str | None]] = deque()
        self.count = 0
        self.dim = 0
        self.failed: list[tuple[str, str]] = []
        self.failures = 0
        self._begun = time.monotonic()

    def run(
        self,
        stream: Callable[..., Iterator[Any]],
        names: Iterable[str],
        total: int | None,
        options: dict[str, Any],
        file: VectorFile,
    ) -> None:
        """Encode everything into a file."""
        from sensorium.cli.progress import IndexingProgress
        from sensorium.collection.results import IndexProgress

        on_error = "skip" if self._is_skipping else "raise"
        rows = stream(self._feed(names), on_error=on_error, return_report=True, **options)
        with IndexingProgress("Encoding") as progress:
            for row in rows:
                self._write_failed(file)
                name, _ = self._under_way.popleft()
                error = None if row.error is None else str(row.error.reason)
                self._write(file, name, None if error is not None else row.embedding, error)
                progress.update(
                    IndexProgress(
                        files=self.count, records=self.count, unreadable=self.failures, total_files=total, current=name
                    )
                )
            self._write_failed(file)

    def _feed(self, names: Iterable[str]) -> Iterator[Any]:
        for index, name in enumerate(names):
            try:
                value = self._make(name)
            except InputError as exc:
                if not self._is_skipping:
                    exc.index = index
                    raise
                self._under_way.append((name, exc.reason))
                continue
            self._under_way.append((name, None))
            yield value

    def _write_failed(self, file: VectorFile) -> None:
        """Write the rows of inputs that never went into the model and are next."""
        while self._under_way and self._under_way[0][1] is not None:
            name, reason = self._under_way.popleft()
            self._write(file, name, None, reason)

    def _write(self, file: VectorFile, name: str, vector: np.ndarray | None, error: str | None) -> None:
        file.write(name, vector, error)
        self.count += 1
        if vector is not None:
            self.dim = len(vector)
        if error is not None:
            self.failures += 1
            if len(self.failed) < _MOST_LISTED:
                self.failed.append((name, error))

    def tell(self, output: str) -> None:
        """Say what was done, on standard error."""
        from sensorium.cli.output import count_of, print_note, show_seconds

        where = "" if output == "-" else f" into {output}"
        seconds = show_seconds(time.monotonic() - self._begun)
        print_note(f"Encoded {count_of(self.count, 'input')}{where} in {seconds}, {self.dim} dimensions.")
        if self.failures:
            print_note(f"{count_of(self.failures, 'input')} could not be used:")
            for name, reason in self.failed:
                print_note(f"  {' '.join(name.split())[:200]}: {reason}")
            if self.failures > len(self.failed):
                print_note(f"  ... and {self.failures - len(self.failed):,} more.")
