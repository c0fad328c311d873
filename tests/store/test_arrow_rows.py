"""Rows are checked before anything is written, and come back as they went."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sensorium.errors import InputError
from sensorium.store import Place, Row
from sensorium.store.arrow_rows import Batch, base_schema, read_columns, read_vectors, rows_of
from sensorium.store.columns import BASE_COLUMNS
from tests.store.rows import DIM, make_manifest, make_row, make_vector

FULL = make_row(
    0,
    place=Place(start_s=1.5, end_s=20),
    metadata={"n": 1, "x": 0.5, "t": "ü", "b": False, "when": datetime(2020, 1, 1, tzinfo=timezone.utc)},
    thumbnail=b"\x00\xff",
)


def _as_table(rows: list[Row], dtype: str = "float32") -> Any:
    from sensorium.store.arrow_rows import added_schema

    manifest = make_manifest(dtype=dtype)
    batch = Batch.check(rows, manifest)
    schema = base_schema(manifest)
    for field in added_schema(batch.new_columns(read_columns(schema))):
        schema = schema.append(field)
    return batch.as_table(schema)


def _fields(row: Row) -> dict[str, Any]:
    return {
        name: getattr(row, name)
        for name in ("id", "key", "path", "place", "modality", "digest", "text", "metadata", "thumbnail")
    }


def test_rows_come_back_as_they_went() -> None:
    bare = make_row(1, path=None, text=None)
    back = list(rows_of(_as_table([FULL, bare]), Row))
    assert [_fields(row) for row in back] == [_fields(FULL), _fields(bare)]
    for row, original in zip(back, [FULL, bare], strict=True):
        assert row.vector.dtype == np.float32
        np.testing.assert_array_equal(row.vector, original.vector)


def test_half_precision_is_kept_as_such_and_read_as_float32() -> None:
    table = _as_table([FULL], "float16")
    assert table.schema.field("vector").type == pa.list_(pa.float16(), DIM)
    vectors = read_vectors(table.column("vector"))
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors[0], FULL.vector.astype(np.float16).astype(np.float32))


def test_vectors_of_several_chunks_and_of_none() -> None:
    table = pa.concat_tables([_as_table([make_row(number)]) for number in range(3)])
    expected = np.stack([make_vector(number) for number in range(3)])
    np.testing.assert_array_equal(read_vectors(table.column("vector")), expected)
    assert read_vectors(table.slice(0, 0).column("vector")).shape == (0, DIM)
    np.testing.assert_array_equal(read_vectors(table.slice(1, 1).column("vector")), expected[1:2])


def test_columns_left_out_are_left_empty() -> None:
    (row,) = rows_of(_as_table([FULL]).select(["id", "key", "modality", "digest"]), Row)
    assert row.vector is None
    assert row.place == Place()


def test_the_last_row_of_an_id_counts() -> None:
    batch = Batch.check([make_row(0, text="old"), make_row(1), make_row(0, text="new")], make_manifest())
    assert [(row.id, row.text) for row in batch.rows] == [("row-1", make_row(1).text), ("row-0", "new")]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"vector": None}, "without a vector"),
        ({"vector": np.ones(DIM + 1)}, r"shape \[9\]; the collection's vectors have \[8\]"),
        ({"vector": np.ones((1, DIM))}, "shape"),
        ({"vector": np.full(DIM, np.nan)}, "not finite"),
        ({"vector": np.full(DIM, 1e300)}, "not finite"),
        ({"vector": np.zeros(DIM)}, "no direction"),
        ({"vector": "vector"}, "not an array of numbers"),
        ({"id": ""}, "id must be text"),
        ({"id": 3}, "id must be text"),
        ({"key": None}, "key must be text"),
        ({"path": 3}, "path must be text"),
        ({"text": "\ud800"}, "UTF-8"),
        ({"thumbnail": "text"}, "encoded file in bytes"),
        ({"place": Place(page="1")}, "page"),
        ({"place": Place(page=True)}, "no number"),
        ({"place": Place(start_s=float("nan"), end_s=1)}, "no number"),
        ({"metadata": {"id": "x"}}, "every row has that column"),
        ({"metadata": {"n": 2**70}}, "64 bits"),
    ],
)
def test_rows_that_cannot_be_stored_say_which_they_are(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Batch.check([make_row(0), make_row(1, **{"path": "/b.txt", **fields})], make_manifest())
    assert caught.value.index == 1


def test_vectors_that_float16_cannot_hold_are_refused() -> None:
    for value in (1e5, 1e-9):
        with pytest.raises(InputError, match="float16"):
            Batch.check([make_row(0, vector=np.full(DIM, value))], make_manifest(dtype="float16"))


def test_tables_of_other_programs_are_refused() -> None:
    with pytest.raises(InputError, match="'odd' has the type date32"):
        read_columns(pa.schema([pa.field("odd", pa.date32())]))


def test_every_base_column_is_in_the_schema() -> None:
    assert read_columns(base_schema(make_manifest())) == BASE_COLUMNS
