"""A process that forks others, which index until they have done or are killed: `python -m ...crashing_indexer MODEL`.

It loads the model once and says `ready`. Told a `Job` as a line of JSON, it forks a child for it and says the child's
process number; told such a number, it waits for the child and says its exit status, below 0 the signal that ended it.
The child says in a file of its own what the collection acknowledged, as soon as the call that wrote it has returned.
LanceDB, which does not outlive a fork, is first imported by the child; most of what it imports in turn is there then.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorium.collection import Collection
    from sensorium.encoders import SentenceTransformer

#: What takes longest to import of what a child needs, and outlives a fork.
_IMPORTED_AHEAD = ("lance_namespace_urllib3_client", "pyarrow", "pypdfium2", "sensorium.collection.collection")
#: Exit status of a child that Ctrl-C has ended.
INTERRUPTED = 3


@dataclasses.dataclass(frozen=True)
class Job:
    """What a child does.

    Attributes:
        collection: Its folder; made if there is none.
        log: The file in which to say what was acknowledged.
        folders: To add; None to update.
        step_rows: Records that are committed together.
    """

    collection: str
    log: str
    folders: list[str] | None
    step_rows: int = 8


def index(job: Job, model: SentenceTransformer) -> int:
    """Do the job, and give the exit status."""
    from sensorium.collection import Collection, indexing

    indexing._STEP_ROWS = job.step_rows
    with open(job.log, "ab", buffering=0) as log:
        log.write(b"begin\n")
        is_there = os.path.isfile(os.path.join(job.collection, "manifest.json"))
        with (Collection.open if is_there else Collection.create)(job.collection, model) as collection:
            tell_acknowledged(collection, lambda line: log.write(f"{line}\n".encode()))
            try:
                collection.update() if job.folders is None else collection.add(job.folders)
            except KeyboardInterrupt:
                return INTERRUPTED
    return 0


def tell_acknowledged(collection: Collection, tell: Callable[[str], object]) -> None:
    """Tell `+ID` for each record and `=KEY` for each source once it is acknowledged, all of a commit in one line."""
    store, sources = collection.store, collection.store.sources
    write_rows, write_notes = store.write, sources.write

    def write_and_tell(rows: Iterable[Any]) -> int:
        listed = list(rows)
        count = write_rows(listed)
        tell("\t".join(f"+{row.id}" for row in listed))
        return count

    def note_and_tell(notes: Iterable[Any]) -> None:
        listed = list(notes)
        write_notes(listed)
        tell("\t".join(f"={note.key}" for note in listed))

    store.write, sources.write = write_and_tell, note_and_tell  # type: ignore[method-assign]


def serve(model_folder: str) -> None:
    """Do what the lines of the standard input tell."""
    from sensorium.encoders import SentenceTransformer

    model = SentenceTransformer(model_folder, device="cpu")
    for name in _IMPORTED_AHEAD:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    assert "lancedb" not in sys.modules
    print("ready", flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        if isinstance(told, int):
            print(os.waitstatus_to_exitcode(os.waitpid(told, 0)[1]), flush=True)
            continue
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os._exit(index(Job(**told), model))
        print(child, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
