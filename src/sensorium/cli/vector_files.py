"""Vectors written as they come, in memory that does not grow: `.npy`, `.parquet`, and lines of JSON.

A file appears under its name when it is complete, and not at all if writing it was stopped. Must not know models.
"""

from __future__ import annotations

import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sensorium._optional import require
from sensorium.errors import InputError

if TYPE_CHECKING:
    import numpy as np

#: Bytes of the head of a `.npy` file: a multiple of 64, with room for any number of rows.
_NPY_HEAD = 128
#: Numbers in one group of rows of a `.parquet` file: 16 MB.
_NUMBERS_AT_ONCE = 4_000_000
_FEWEST_ROWS, _MOST_ROWS = 16, 10_000


class VectorFile(ABC):
    """Where rows go.

    Args:
        file: Open for writing bytes.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    @abstractmethod
    def write(self, name: str, vector: np.ndarray | None, error: str | None) -> None:
        """Write a row.

        Args:
            name: Of the input: its path, or the line.
            vector: `[dim]`; None if the input could not be used.
            error: Why it could not, or None.
        """

    @abstractmethod
    def finish(self, dim: int) -> None:
        """Write what is to be written at the end.

        Args:
            dim: Length of the vectors, which counts if there was none.
        """


class NpyFile(VectorFile):
    """A float32 array `[inputs, dim]`; rows of inputs that could not be used are NaN.

    Source:
        NumPy's NEP 1, format version 1.0: a magic string, the head's length, a dict padded with spaces. The head has a
        fixed size here, so that it can be written again when the number of rows is known.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self._rows = 0
        self._dim: int | None = None
        self._waiting = 0  # rows of NaN at the beginning, whose length is not known yet
        file.write(b"\0" * _NPY_HEAD)

    def write(self, name: str, vector: np.ndarray | None, error: str | None) -> None:
        self._rows += 1
        if vector is None:
            if self._dim is None:
                self._waiting += 1
            else:
                self._write_nan(1)
            return
        if self._dim is None:
            self._dim = len(vector)
            self._write_nan(self._waiting)
        self.file.write(vector.astype("<f4", copy=False).tobytes())

    def finish(self, dim: int) -> None:
        if self._dim is None:
            self._dim = dim
            self._write_nan(self._waiting)
        head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({self._rows}, {self._dim}), }}"
        length = _NPY_HEAD - 10
        self.file.seek(0)
        self.file.write(b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little"))
        self.file.write(head.ljust(length - 1).encode("ascii") + b"\n")

    def _write_nan(self, count: int) -> None:
        import numpy as np

        row = np.full(self._dim or 0, np.nan, "<f4").tobytes()
        for _ in range(count):
            self.file.write(row)


class JsonLines(VectorFile):
    """A line a row: `{"input": ..., "vector": [...]}`, or `{"input": ..., "error": "..."}`."""

    def write(self, name: str, vector: np.ndarray | None, error: str | None) -> None:
        if vector is None:
            line = json.dumps({"input": name, "error": error})
        else:
            # Nine digits give every float32 back.
            numbers = ", ".join(f"{number:.9g}" if number - number == 0 else "null" for number in vector.tolist())
            line = f'{{"input": {json.dumps(name)}, "vector": [{numbers}]}}'
        self.file.write(line.encode("ascii") + b"\n")
        if self.file is getattr(sys.stdout, "buffer", None):
            self.file.flush()

    def finish(self, dim: int) -> None:
        self.file.flush()


class ParquetFile(VectorFile):
    """The columns `input`, `vector` (a list of float32, null for inputs that could not be used) and `error`."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self._arrow: Any = require("pyarrow", "writing a .parquet file")
        self._writer: Any = None
        self._rows: list[tuple[str, np.ndarray | None, str | None]] = []
        self._most = _MOST_ROWS

    def write(self, name: str, vector: np.ndarray | None, error: str | None) -> None:
        # Parquet holds UTF-8 only: bytes of a path that are none stand as `\udcff`.
        self._rows.append((_as_utf8(name), vector, None if error is None else _as_utf8(error)))
        if vector is not None:
            self._most = max(_FEWEST_ROWS, min(_MOST_ROWS, _NUMBERS_AT_ONCE // max(1, len(vector))))
        if len(self._rows) >= self._most:
            self._write_group()

    def finish(self, dim: int) -> None:
        self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        pa = self._arrow
        import pyarrow.parquet as parquet

        kinds = [("input", pa.string()), ("vector", pa.list_(pa.float32())), ("error", pa.string())]
        schema = pa.schema([pa.field(name, kind) for name, kind in kinds])
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self.file, schema)
        columns = list(zip(*self._rows, strict=True)) or [[], [], []]
        arrays = [pa.array(list(column), kind) for column, (_, kind) in zip(columns, kinds, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
        self._rows = []


def _as_utf8(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


_FORMATS: dict[str, type[VectorFile]] = {".npy": NpyFile, ".parquet": ParquetFile, ".jsonl": JsonLines}


def check_name(name: str) -> None:
    """Check that a file of this name can be written, before anything is computed.

    Args:
        name: `-` for lines of JSON on standard output, or a path.

    Raises:
        InputError: Its ending is none of those there are, or its folder is not there.
        MissingExtraError: Its format needs a package that is not installed.
    """
    if name == "-":
        return
    path = Path(name)
    if path.suffix.lower() not in _FORMATS:
        known = ", ".join(sorted(_FORMATS))
        raise InputError(f"--output {name!r}: the ending says the format, and must be one of {known}; or - alone.")
    if path.is_dir():
        raise InputError(f"--output {name!r} is a folder. Name the file to write.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--output {name!r}: its folder is not there. Make it, or write elsewhere.")
    if path.suffix.lower() == ".parquet":
        require("pyarrow", "writing a .parquet file")


@contextmanager
def open_output(name: str) -> Iterator[VectorFile]:
    """Open where vectors go, for a `with` block in whose end the file gets its name, unless there was an error.

    Args:
        name: As for `check_name`.
    """
    if name == "-":
        yield JsonLines(sys.stdout.buffer)
        return
    path = Path(name).absolute()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    make: Callable[[IO[bytes]], VectorFile] = _FORMATS[path.suffix.lower()]
    try:
        with open(part, "xb") as file:
            yield make(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
