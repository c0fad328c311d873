"""Conditions on rows, as SQL that holds nothing but what the caller meant.

A condition is an SQL expression, or a mapping from columns to what their values must be:

    {"modality": "image"}                     equal
    {"modality": ["image", "video"]}          one of these
    {"page": (3, 7)}                          from 3 to 7, both included; None leaves an end open
    {"year": {">=": 2020, "!=": 2022}}        all of these
    {"path": {"starts_with": "/photos/"}}     also "contains"; letter case counts
    {"camera": None}                          no value; {"!=": None}: any value

All entries must hold. Values are compared as Python compares them: 3 equals 3.0, whole numbers have no limit. `!=` is
also true of rows without a value, other comparisons never are. Must not know how a condition is run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np

from sensorium.errors import InputError
from sensorium.store.columns import LARGEST_WHOLE, SMALLEST_WHOLE, ColumnType, clean_text, clean_value
from sensorium.store.expressions import check_expression
from sensorium.store.faults import unknown_column
from sensorium.store.literals import quote_name, quote_text, write_number, write_time, write_truth, write_whole
from sensorium.store.protocol import Where

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
#: Values in one expression of `write_any_of`.
VALUES_AT_ONCE = 1000
TEXT_TESTS = ("starts_with", "contains")


def compile_where(where: Where | None, columns: Mapping[str, ColumnType]) -> str | None:
    """Turn a condition into an SQL expression that can be joined to others with `AND` in parentheses.

    Args:
        where: See the head of this file. None and an empty mapping: every row.
        columns: Name -> type of the table's columns.

    Returns:
        The expression, or None for every row.

    Raises:
        InputError: A column that is not there, a value that does not suit its column, or text that is no expression.
    """
    if where is None:
        return None
    if isinstance(where, str):
        check_expression(where)
        return where
    if not isinstance(where, Mapping):
        raise InputError(
            f"A condition is an SQL expression or a mapping of columns to values, got a {type(where).__name__}."
        )
    return join_all(_write_entry(name, wanted, columns) for name, wanted in where.items())


def join_all(parts: Iterable[str | None]) -> str | None:
    """Join expressions that must all hold; those that are None are left out."""
    kept = [f"({part})" for part in parts if part is not None]
    return " AND ".join(kept) or None


def _write_entry(name: str, wanted: Any, columns: Mapping[str, ColumnType]) -> str:
    if name not in columns:
        raise unknown_column(str(name), list(columns))
    column = _Column(name, columns[name])
    if isinstance(wanted, Mapping):
        if not wanted:
            raise InputError(f"The condition on {name!r} is empty. Use {{column: {{'>=': value}}}}, or leave it out.")
        return " AND ".join(f"({column.compare(operator, value)})" for operator, value in wanted.items())
    if isinstance(wanted, tuple):
        return column.between(wanted)
    if isinstance(wanted, (list, set, frozenset)):
        return column.one_of(wanted)
    return column.compare("=", wanted)


class _Column:
    """One column, and the SQL of what can be asked of it."""

    def __init__(self, name: str, kind: ColumnType) -> None:
        self.label = f"The condition on {name!r}"
        self.kind = kind
        self.sql = quote_name(name)

    def compare(self, operator: str, value: Any) -> str:
        if operator in TEXT_TESTS:
            return self._test_text(operator, value)
        if operator not in COMPARISONS:
            known = ", ".join(repr(one) for one in (*COMPARISONS, *TEXT_TESTS))
            raise InputError(f"{self.label} uses {operator!r}. There are: {known}.")
        if value is None or (isinstance(value, float) and math.isnan(value)):
            if operator not in ("=", "!="):
                raise InputError(f"{self.label}: nothing is {operator} {value!r}. Only = and != take it.")
            return f"{self.sql} IS {'NOT ' * (operator == '!=')}NULL"
        expression = self._compare_value("=" if operator == "!=" else operator, value)
        return f"{self.sql} IS NULL OR NOT ({expression})" if operator == "!=" else expression

    def between(self, ends: tuple[Any, ...]) -> str:
        if len(ends) != 2:
            raise InputError(f"{self.label} is a range, and needs 2 ends, got {len(ends)}. Use a list for `one of`.")
        parts = [self.compare(sign, end) for sign, end in zip((">=", "<="), ends, strict=True) if end is not None]
        return " AND ".join(f"({part})" for part in parts) or f"{self.sql} IS NOT NULL"

    def one_of(self, values: Any) -> str:
        expressions = dict.fromkeys(self.compare("=", value) for value in values)
        prefix = f"{self.sql} = "
        plain = [text.removeprefix(prefix) for text in expressions if text.startswith(prefix)]
        rest = [text for text in expressions if not text.startswith(prefix)]
        if plain:
            rest.insert(0, f"{self.sql} IN ({', '.join(plain)})")
        return " OR ".join(f"({text})" for text in rest) or "false"

    def _test_text(self, operator: str, value: Any) -> str:
        if self.kind != "text" or not isinstance(value, str):
            raise InputError(f"{self.label}: {operator!r} compares text with text, got {value!r} for {self.kind!r}.")
        return f"{operator}({self.sql}, {quote_text(clean_text(value, self.label))})"

    def _compare_value(self, operator: str, value: Any) -> str:
        value = self._clean(value)
        if self.kind == "whole":
            return _compare_whole(self.sql, operator, value)
        if self.kind == "number":
            return _compare_number(self.sql, operator, value)
        if self.kind == "yes/no" and operator != "=":
            raise InputError(f"{self.label}: truth values are equal or not, they have no order.")
        writers: dict[str, Callable[[Any], str]] = {"text": quote_text, "yes/no": write_truth, "time": write_time}
        return f"{self.sql} {operator} {writers[self.kind](value)}"

    def _clean(self, value: Any) -> Any:
        """Bring a value to the type of the column; whole numbers of any size stay as they are."""
        wanted: dict[str, tuple[type, ...]] = {
            "text": (str,),
            "whole": (int, float),
            "number": (int, float),
            "yes/no": (bool,),
            "time": (datetime,),
        }
        if isinstance(value, np.generic):
            value = value.item()
        if self.kind not in wanted:
            raise InputError(f"{self.label}: the column holds {self.kind}, and can only be compared with None.")
        is_suited = isinstance(value, wanted[self.kind]) and (self.kind == "yes/no" or not isinstance(value, bool))
        if not is_suited:
            hint = " Use a datetime with a zone." if isinstance(value, date) else ""
            raise InputError(f"{self.label} is {value!r}, but the column holds values of the type {self.kind!r}.{hint}")
        return value if self.kind in ("whole", "number") else clean_value(value, self.label)


def _compare_whole(sql: str, operator: str, value: float) -> str:
    """Compare a column of 64-bit whole numbers with any number; `value` is an int or a float, not NaN."""
    is_integral = isinstance(value, int) or value.is_integer()
    if operator == "=":
        fits = is_integral and SMALLEST_WHOLE <= value <= LARGEST_WHOLE
        return f"{sql} = {write_whole(int(value))}" if fits else "false"
    if value in (math.inf, -math.inf):
        return f"{sql} IS NOT NULL" if (value > 0) == operator.startswith("<") else "false"
    if operator.startswith("<"):
        highest = math.ceil(value) - 1 if operator == "<" else math.floor(value)
        if highest < SMALLEST_WHOLE:
            return "false"
        return f"{sql} <= {write_whole(min(highest, LARGEST_WHOLE))}"
    lowest = math.floor(value) + 1 if operator == ">" else math.ceil(value)
    return "false" if lowest > LARGEST_WHOLE else f"{sql} >= {write_whole(max(lowest, SMALLEST_WHOLE))}"


def _compare_number(sql: str, operator: str, value: float) -> str:
    """Compare a column of float64, which holds no NaN; a whole number beyond its range lies just below infinity."""
    try:
        return f"{sql} {operator} {write_number(float(value))}"
    except OverflowError:
        infinity = write_number(math.inf if value > 0 else -math.inf)
        if operator == "=":
            return "false"
        is_strict = (value > 0) == operator.startswith("<")
        return f"{sql} {operator[0]}{'' if is_strict else '='} {infinity}"


def modality_condition(modality: str | Sequence[str] | None) -> Mapping[str, Any] | None:
    """Give the condition that rows have this modality, or one of these; None for any."""
    if modality is None:
        return None
    return {"modality": modality if isinstance(modality, str) else list(modality)}


def write_any_of(column: str, values: Iterable[str]) -> Iterator[str]:
    """Give expressions that together hold for rows whose text column has one of many values, `VALUES_AT_ONCE` each.

    Raises:
        InputError: A value that is no text, or has no UTF-8 form.
    """
    if isinstance(values, str):
        raise InputError(f"Give a list of values for {column!r}, not the text {values!r}.")
    wanted = list(dict.fromkeys(values))
    for value in wanted:
        if not isinstance(value, str):
            raise InputError(f"The {column} must be text, got {value!r}.")
        clean_text(value, f"The {column}")
    for start in range(0, len(wanted), VALUES_AT_ONCE):
        written = ", ".join(quote_text(value) for value in wanted[start : start + VALUES_AT_ONCE])
        yield f"{quote_name(column)} IN ({written})"
