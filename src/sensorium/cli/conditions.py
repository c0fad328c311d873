"""Metadata and conditions as they are typed in a shell: `year=2020`, `camera=Canon`, `year >= 2020 AND month = 5`.

Must not know how a condition is run.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from sensorium.errors import InputError

#: A name, an equals sign and a value with no space between name and sign; `==` is no such sign.
_PAIR = re.compile(r"([A-Za-z_]\w*)=(?!=)(.*)", re.DOTALL)
#: What shows that a value goes on as SQL: `AND` or `OR`, and behind it a comparison.
_GOES_ON = re.compile(r"\b(?:and|or)\b.*(?:[=<>]|\b(?:is|in|like|between)\b)", re.IGNORECASE | re.DOTALL)


def read_metadata(pairs: Iterable[str]) -> dict[str, Any]:
    """Read what `--metadata` got.

    Args:
        pairs: Each `name=value`. A value is a number, `true` or `false` where it reads as one, else text; in double
            quotes it is text whatever it looks like.

    Raises:
        InputError: No pair, or a name that comes twice.

    Example:
        >>> read_metadata(["year=2020", 'zip="01234"', "owner=Ada"])
        {'year': 2020, 'zip': '01234', 'owner': 'Ada'}
    """
    values: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise InputError(f"--metadata {pair!r} is no name=value, such as year=2020.")
        if name.strip() in values:
            raise InputError(f"--metadata names {name.strip()!r} twice. A record has one value of a name.")
        values[name.strip()] = _read_value(value)
    return values


def read_where(conditions: Iterable[str] | None, columns: Mapping[str, str]) -> Any:
    """Read what `--where` got, all of which must hold.

    Args:
        conditions: Each `name=value`, whose value is read as its column holds it, or an SQL expression. A name that
            comes several times must have any of its values.
        columns: Name -> type of what a condition may use.

    Returns:
        What `Collection.search` takes as `where`.

    Raises:
        InputError: A value that its column cannot hold, or an empty condition.
    """
    mapping: dict[str, Any] = {}
    expressions: list[str] = []
    for condition in conditions or ():
        if not condition.strip():
            raise InputError('--where is empty. Give name=value, or SQL such as "year >= 2020".')
        pair = _split_pair(condition)
        if pair is None:
            expressions.append(condition)
        else:
            name, value = pair
            mapping.setdefault(name, []).append(_read_for_column(name, value, columns.get(name)))
    plain = {name: values[0] if len(values) == 1 else values for name, values in mapping.items()}
    return _join(plain, expressions, columns)


def _split_pair(condition: str) -> tuple[str, str] | None:
    match = _PAIR.fullmatch(condition)
    if match is None:
        return None
    name, value = match.groups()
    is_sql = value[:1] in ("'", " ") or _GOES_ON.search(value) is not None
    return None if is_sql else (name, value)


def _join(plain: dict[str, Any], expressions: list[str], columns: Mapping[str, str]) -> Any:
    if not expressions:
        return plain or None
    if len(expressions) == 1 and not plain:
        return expressions[0]
    from sensorium.store.expressions import check_expression
    from sensorium.store.filters import compile_where, join_all

    for expression in expressions:
        check_expression(expression)
    return join_all([*expressions, compile_where(plain, columns)])  # type: ignore[arg-type]


def _read_value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        value = json.loads(text, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        return text
    is_plain = isinstance(value, (int, float, str)) and not (isinstance(value, float) and math.isinf(value))
    return value if is_plain else text


def _read_for_column(name: str, text: str, kind: str | None) -> Any:
    if kind is None:
        return _read_value(text)  # an unknown name, which the store refuses with those that there are
    if name == "path":
        return _show_path(text)
    quoted = _read_value(text)
    text = quoted if isinstance(quoted, str) else text
    try:
        return _READERS[kind](text) if kind in _READERS else text
    except (ValueError, KeyError) as exc:
        raise InputError(f"--where {name}={text!r}: {name!r} holds {_HOLDS[kind]}.") from exc


def _show_path(text: str) -> str:
    from sensorium.ingest.listing import show_path

    return show_path(os.path.abspath(os.path.expanduser(text)))


def _read_number(text: str) -> float:
    value = float(text)
    if math.isnan(value):
        raise ValueError("not a number")
    return value


def _read_time(text: str) -> datetime:
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time if time.tzinfo is not None else time.replace(tzinfo=timezone.utc)


_READERS: dict[str, Any] = {
    "whole": lambda text: int(text) if re.fullmatch(r"\s*[+-]?\d+\s*", text) else _read_number(text),
    "number": _read_number,
    "yes/no": lambda text: {"true": True, "false": False}[text.strip().lower()],
    "time": _read_time,
}
_HOLDS = {
    "whole": "whole numbers",
    "number": "numbers",
    "yes/no": "true or false",
    "time": "times, such as 2026-05-04T10:00:00Z",
}
