"""Rows to and from Arrow tables. Must not know where tables are kept, nor SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from sensorium._optional import require
from sensorium.errors import InputError
from sensorium.store.columns import (
    BASE_COLUMNS,
    PLACE_COLUMNS,
    REQUIRED_COLUMNS,
    ColumnType,
    check_name,
    clean_text,
    clean_value,
    fit,
    new_columns,
)
from sensorium.store.rows import Place, Row

if TYPE_CHECKING:
    from sensorium.store.manifest import Manifest

RowT = TypeVar("RowT", bound=Row)
PURPOSE = "Keeping a collection on disk"


def arrow_type(column_type: ColumnType) -> Any:
    """Give the Arrow type of a column that is not the vector."""
    pa = require("pyarrow", PURPOSE)
    return {
        "text": pa.string,
        "whole": pa.int64,
        "number": pa.float64,
        "yes/no": pa.bool_,
        "time": lambda: pa.timestamp("us", "UTC"),
        "bytes": pa.large_binary,
    }[column_type]()


def base_schema(manifest: Manifest) -> Any:
    """Give the Arrow schema of a new collection's table."""
    pa = require("pyarrow", PURPOSE)
    vector = pa.list_(getattr(pa, manifest.dtype)(), manifest.dim)
    return pa.schema(
        [
            pa.field(name, vector if kind == "vector" else arrow_type(kind), nullable=name not in REQUIRED_COLUMNS)
            for name, kind in BASE_COLUMNS.items()
        ]
    )


def added_schema(columns: Mapping[str, ColumnType]) -> Any:
    """Give the Arrow schema of columns that are added for metadata."""
    pa = require("pyarrow", PURPOSE)
    return pa.schema([pa.field(name, arrow_type(kind)) for name, kind in columns.items()])


def read_columns(schema: Any) -> dict[str, ColumnType]:
    """Give name -> type of a table's columns.

    Raises:
        InputError: A column of a type that no collection has: another program made it.
    """
    pa = require("pyarrow", PURPOSE)
    kinds: dict[Any, ColumnType] = {
        pa.string(): "text",
        pa.int64(): "whole",
        pa.float64(): "number",
        pa.bool_(): "yes/no",
        pa.timestamp("us", "UTC"): "time",
        pa.large_binary(): "bytes",
    }
    columns: dict[str, ColumnType] = {}
    for column in schema:
        kind = "vector" if pa.types.is_fixed_size_list(column.type) else kinds.get(column.type)
        if kind is None:
            raise InputError(f"The table's column {column.name!r} has the type {column.type}, which no collection has.")
        columns[column.name] = kind
    return columns


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that were checked: one per id, metadata cleaned, vectors as one array.

    Attributes:
        rows: The rows, the last of each id, in order.
        metadata: Of each row, cleaned.
        vectors: `[rows, dim]` in the type they are stored in.
    """

    rows: list[Row]
    metadata: list[dict[str, Any]]
    vectors: np.ndarray

    @classmethod
    def check(cls, rows: Sequence[Row], manifest: Manifest) -> Batch:
        """Check rows before anything is written.

        Raises:
            InputError: A row that cannot be stored; `index` says which.
        """
        last = {row.id: index for index, row in enumerate(rows)}
        kept = [(index, rows[index]) for index in sorted(last.values())]
        vectors = np.empty((len(kept), manifest.dim), manifest.dtype)
        metadata = []
        for position, (index, row) in enumerate(kept):
            try:
                _check_fields(row)
                metadata.append({name: _clean_entry(name, value) for name, value in row.metadata.items()})
                vectors[position] = _check_vector(row.vector, manifest)
            except InputError as exc:
                exc.index, exc.source = index, row.path or str(row.id)
                raise
        return cls([row for _, row in kept], metadata, vectors)

    def new_columns(self, known: Mapping[str, ColumnType]) -> dict[str, ColumnType]:
        """Give what columns the metadata adds to `known`; see `columns.new_columns`."""
        return new_columns(zip((row.id for row in self.rows), self.metadata, strict=True), known)

    def as_table(self, schema: Any) -> Any:
        """Give the rows as an Arrow table.

        Args:
            schema: Of the table they are written to; it has a column for each name of metadata.

        Raises:
            InputError: Metadata that does not suit its column.
        """
        pa = require("pyarrow", PURPOSE)
        columns = read_columns(schema)
        arrays = []
        for name, kind in columns.items():
            if kind == "vector":
                arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(self.vectors.ravel()), self.vectors.shape[1]))
            else:
                arrays.append(pa.array(self._column(name, kind), schema.field(name).type))
        return pa.Table.from_arrays(arrays, schema=schema)

    def _column(self, name: str, kind: ColumnType) -> list[Any]:
        if name in PLACE_COLUMNS:
            values = [getattr(row.place, name) for row in self.rows]
            return [None if value is None else float(value) + 0.0 for value in values] if kind == "number" else values
        if name in BASE_COLUMNS:
            return [getattr(row, name) for row in self.rows]
        return [
            fit(values.get(name), kind, f"The metadata {name!r} of {row.id!r}")
            for row, values in zip(self.rows, self.metadata, strict=True)
        ]


def _clean_entry(name: str, value: Any) -> Any:
    check_name(name)
    return clean_value(value, f"The metadata {name!r}")


def _check_fields(row: Row) -> None:
    for name in ("id", "key", "path", "modality", "digest", "text"):
        value = getattr(row, name)
        if value is None and name not in REQUIRED_COLUMNS:
            continue
        if not isinstance(value, str) or (not value and name in REQUIRED_COLUMNS):
            raise InputError(f"A row's {name} must be text that is not empty, got {value!r}.")
        clean_text(value, f"The {name}")
    if row.thumbnail is not None and not isinstance(row.thumbnail, bytes):
        raise InputError(f"A thumbnail is an encoded file in bytes, got a {type(row.thumbnail).__name__}.")
    for name, kind in PLACE_COLUMNS.items():
        value = getattr(row.place, name)
        cleaned = clean_value(value, f"The place's {name}")
        if value is not None and (cleaned is None or isinstance(value, bool)):
            raise InputError(f"The place's {name} is {value!r}, which is no number.")
        fit(cleaned, kind, f"The place's {name}")


def _check_vector(vector: Any, manifest: Manifest) -> np.ndarray:
    if vector is None:
        raise InputError("A row without a vector cannot be written; it was read with with_vectors=False.")
    return check_vector(vector, manifest.dim, "The vector", manifest.dtype)


def check_vector(vector: Any, dim: int, name: str, dtype: str = "float32") -> np.ndarray:
    """Bring a vector to an array `[dim]` of `dtype`.

    Raises:
        InputError: Another shape, values that are not finite in `dtype`, or zeros alone, which have no direction.
    """
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(vector).astype(dtype, copy=False)
    except (TypeError, ValueError) as exc:
        raise InputError(f"{name} is not an array of numbers: {exc}.") from exc
    if array.shape != (dim,):
        raise InputError(f"{name} has the shape {list(array.shape)}; the collection's vectors have {[dim]}.")
    if not np.isfinite(array).all():
        raise InputError(f"{name} has values that are not finite numbers in {dtype}.")
    if not array.any():
        raise InputError(f"{name} is all zeros in {dtype}: it has no direction to compare.")
    return array


def rows_of(batch: Any, kind: type[RowT]) -> Iterator[RowT]:
    """Give the rows of an Arrow table or record batch.

    Args:
        batch: Columns of a collection's table; `score` and `text_score` may be among them.
        kind: `Row`, or `Hit` where there are scores.
    """
    own = {"id", "key", "path", "modality", "digest", "text", "thumbnail"}
    vectors = read_vectors(batch.column("vector")) if "vector" in batch.schema.names else None
    scores = {"score", "text_score"} & set(batch.schema.names)
    names = [name for name in batch.schema.names if name != "vector"]
    columns = [batch.column(name).to_pylist() for name in names]
    for position, values in enumerate(zip(*columns, strict=True)):
        fields = dict(zip(names, values, strict=True))
        given = {name: fields.pop(name) for name in own | scores if name in fields}
        place = Place(**{name: fields.pop(name, None) for name in PLACE_COLUMNS})
        metadata = {name: value for name, value in fields.items() if value is not None}
        vector = None if vectors is None else vectors[position]
        yield kind(place=place, metadata=metadata, vector=vector, **given)


def read_vectors(column: Any) -> np.ndarray:
    """Give a column of vectors as a float32 array `[rows, dim]` of its own."""
    pa = require("pyarrow", PURPOSE)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            chunks = [read_vectors(chunk) for chunk in column.chunks]
            return np.concatenate(chunks) if chunks else np.empty((0, column.type.list_size), np.float32)
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), column.type.list_size).astype(np.float32, copy=True)
