"""The caller's metadata: checked before anything is read, and kept in the manifest for the next update.

Must not know records or files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sensorium.errors import InputError
from sensorium.store.columns import ColumnType, check_name, clean_value, fit, new_columns
from sensorium.store.rows import Metadata, MetadataValue

_TIME, _NUMBER = "time", "number"


def check_metadata(metadata: Mapping[str, Any] | None, columns: Mapping[str, ColumnType]) -> dict[str, MetadataValue]:
    """Check metadata against the columns that a collection has, and give it as it will be stored.

    Raises:
        InputError: A name or a value that cannot be stored, a value of another type than its column's, or more names
            than a collection can have.
    """
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise InputError(f"metadata must be a dict of names and values, got a {type(metadata).__name__}.")
    cleaned: dict[str, MetadataValue] = {}
    for name, value in metadata.items():
        check_name(name)
        where = f"The metadata {name!r}"
        cleaned[name] = clean_value(value, where)
        if name in columns:
            cleaned[name] = fit(cleaned[name], columns[name], where)
    new_columns([("The metadata", cleaned)], columns)
    return cleaned


def to_plain(metadata: Metadata) -> dict[str, Any]:
    """Give metadata as values that JSON can hold; times stand as `{"time": "2026-11-22T10:00:00+00:00"}`, infinite
    numbers as `{"number": "inf"}`."""
    return {name: _to_plain(value) for name, value in metadata.items()}


def from_plain(values: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """Build metadata from what `to_plain` gave."""
    return {name: _from_plain(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def _to_plain(value: MetadataValue) -> Any:
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    return {_NUMBER: repr(value)} if isinstance(value, float) and math.isinf(value) else value


def _from_plain(value: Mapping[str, str]) -> MetadataValue:
    return datetime.fromisoformat(value[_TIME]) if _TIME in value else float(value[_NUMBER])


def digest_metadata(metadata: Metadata) -> str:
    """Give a short digest of metadata, so that a change of it is seen; empty for none."""
    if not metadata:
        return ""
    data = json.dumps(to_plain(metadata), sort_keys=True).encode()
    return blake2b(data, digest_size=8).hexdigest()
