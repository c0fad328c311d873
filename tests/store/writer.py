"""A process that writes into a collection until it has done, or is killed: `python -m tests.store.writer PATH NAME COUNT`.

It says `ready` when it can begin, begins when it is told a line, and says the number of each batch once it is
acknowledged. Batch k of writer w holds `BATCH` rows `w-k-0`, `w-k-1`, ..., and one row `shared-k` that every writer
writes; every tenth batch adds a column, every seventh removes the rows of the batch before.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import numpy as np

from sensorium.store import LanceStore, Row, SourceNote, UpkeepPolicy

BATCH = 8
DIM = 16


def vector_of(id: str) -> np.ndarray:
    """Give the vector of a row, which is the same in every process."""
    return np.random.default_rng(zlib.crc32(id.encode())).normal(size=DIM).astype(np.float32)


def rows_of(writer: str, batch: int) -> list[Row]:
    """Give the rows of a batch."""
    ids = [f"{writer}-{batch}-{number}" for number in range(BATCH)] + [f"shared-{batch}"]
    return [
        Row(
            id=id,
            key=f"{writer}-{batch}",
            modality="text",
            digest=id,
            vector=vector_of(id),
            text=f"words of {id}",
            metadata={f"added{batch // 10}": batch, "writer": writer},
        )
        for id in ids
    ]


def is_removed(batch: int, acknowledged: int) -> bool:
    """Tell whether a batch is gone once `acknowledged` is the last that was acknowledged."""
    return batch % 7 == 5 and batch < acknowledged


def write(path: Path, writer: str, count: int) -> None:
    """Write batches 0 to `count` - 1, or those that are missing of them."""
    print("ready", flush=True)
    sys.stdin.readline()
    with LanceStore.open(path, upkeep=UpkeepPolicy(pieces=9, growth=0)) as store:
        done = {note.key for note in store.sources.read()}
        for batch in range(count):
            if f"{writer}-{batch}" in done:
                continue
            if batch % 7 == 6:
                store.delete(where={"key": f"{writer}-{batch - 1}"})
            store.write(rows_of(writer, batch))
            store.sources.write([SourceNote(f"{writer}-{batch}", None, "stamp")])
            print(batch, flush=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
