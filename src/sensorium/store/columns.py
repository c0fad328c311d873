"""The columns of a collection's table: which there are, what type metadata gets, and what names it may have.

Types are plain words here, so that conditions can be checked without Arrow. Must not know rows, tables or SQL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, Literal, TypeAlias

import numpy as np

from sensorium.errors import InputError

ColumnType: TypeAlias = Literal["text", "whole", "number", "yes/no", "time", "bytes", "vector"]

PLACE_COLUMNS: dict[str, ColumnType] = {
    "page": "whole",
    "start_s": "number",
    "end_s": "number",
    "start": "whole",
    "end": "whole",
}
#: Columns that every table has, in order.
BASE_COLUMNS: dict[str, ColumnType] = {
    "id": "text",
    "key": "text",
    "path": "text",
    **PLACE_COLUMNS,
    "modality": "text",
    "digest": "text",
    "text": "text",
    "thumbnail": "bytes",
    "vector": "vector",
}
REQUIRED_COLUMNS = frozenset({"id", "key", "modality", "digest", "vector"})
#: More would make every write slower; a collection that needs them has names that are really values.
MAX_METADATA_COLUMNS = 256

SMALLEST_WHOLE, LARGEST_WHOLE = -(2**63), 2**63 - 1
_NAME = re.compile(r"[^\W\d_]\w{0,63}")


def check_name(name: str) -> None:
    """Check that `name` may name a column of metadata.

    Raises:
        InputError: It is taken by a column of our own, or is not a word that SQL can spell without quotes.
    """
    if name in BASE_COLUMNS:
        raise InputError(f"Metadata cannot be named {name!r}: every row has that column. Choose another name.")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise InputError(
            f"Metadata cannot be named {name!r}: a name begins with a letter, and holds at most 64 letters, digits "
            "and underscores."
        )


def clean_value(value: Any, where: str) -> str | int | float | bool | datetime | None:
    """Bring one value of metadata to the form it is stored in.

    Args:
        value: A string, number, truth value, time or None; NumPy's scalars too.
        where: What holds it, for the error.

    Returns:
        The value; None for NaN, UTC for a time, 0.0 for -0.0, which compare as users expect.

    Raises:
        InputError: Another type, a whole number beyond 64 bits, a time without a zone, text that has no UTF-8 form.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not SMALLEST_WHOLE <= value <= LARGEST_WHOLE:
            raise InputError(f"{where} is {value}, a whole number of more than 64 bits. Store it as text.")
        return int(value)
    if isinstance(value, float):
        return None if math.isnan(value) else float(value) + 0.0
    if isinstance(value, str):
        return clean_text(value, where)
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise InputError(f"{where} is {value!r}, a time without a zone. Say which: replace(tzinfo=timezone.utc).")
        return _to_utc(value, where)
    raise InputError(
        f"{where} is a {type(value).__name__}; metadata may be text, numbers, truth values, times with a zone, or None."
    )


def _to_utc(value: datetime, where: str) -> datetime:
    try:
        return value.astimezone(timezone.utc)
    except OverflowError as exc:
        raise InputError(f"{where} is {value!r}, which lies outside the years 1 to 9999 in UTC.") from exc


def clean_text(value: str, where: str) -> str:
    """Check that text can be stored.

    Raises:
        InputError: It holds half a surrogate pair, as names of files do that are not in the system's encoding.
    """
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise InputError(
            f"{where} is {value!r}, which has no UTF-8 form ({exc.reason}). Replace such characters before storing it."
        ) from exc
    return str(value)


def type_of(value: str | int | float | bool | datetime) -> ColumnType:
    """Give the type of the column that a cleaned value begins."""
    if isinstance(value, bool):
        return "yes/no"
    if isinstance(value, int):
        return "whole"
    if isinstance(value, float):
        return "number"
    return "text" if isinstance(value, str) else "time"


def fit(value: Any, column_type: ColumnType, where: str) -> Any:
    """Fit a cleaned value to its column: whole numbers may stand in a column of numbers, nothing else changes type.

    Raises:
        InputError: It does not suit the column.
    """
    if value is None:
        return None
    own = type_of(value)
    if own == column_type:
        return value
    if own == "whole" and column_type == "number":
        return float(value)
    if own == "number" and column_type == "whole" and value.is_integer() and abs(value) < 2**63:
        return int(value)
    raise InputError(
        f"{where} is {value!r} ({own}), but the column holds values of the type {column_type!r}, as its first value "
        "did. Use another name for values of another type."
    )


def new_columns(
    metadata: Iterable[tuple[str, Mapping[str, Any]]], known: Mapping[str, ColumnType]
) -> dict[str, ColumnType]:
    """Find what columns cleaned metadata adds.

    Args:
        metadata: Pairs of what holds it, for errors, and its values by name.
        known: The columns that are there.

    Returns:
        Name -> type, of those that are not there. A name with both whole and broken numbers holds numbers.

    Raises:
        InputError: A name that metadata may not have, values of several types, or too many names.
    """
    added: dict[str, ColumnType] = {}
    for where, values in metadata:
        for name, value in values.items():
            if name in known or value is None:
                continue
            own = type_of(value)
            if name not in added:
                check_name(name)
                added[name] = own
            elif {own, added[name]} == {"whole", "number"}:
                added[name] = "number"
            elif own != added[name]:
                raise InputError(
                    f"{where}: the metadata {name!r} is {value!r} ({own}), and {added[name]!r} in another row of the "
                    "same call. Use another name for values of another type."
                )
    if len(added) + len(known) - len(BASE_COLUMNS) > MAX_METADATA_COLUMNS:
        raise InputError(
            f"The collection would have more than {MAX_METADATA_COLUMNS} names of metadata; {sorted(added)[:5]} ... "
            "are new. Put what varies into values instead of names."
        )
    return added
