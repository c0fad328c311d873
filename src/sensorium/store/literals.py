"""Values as SQL literals of the dialect that LanceDB reads. Must not know columns' meaning, or conditions."""

from __future__ import annotations

import math
from datetime import datetime

from sensorium.store.columns import SMALLEST_WHOLE


def quote_name(name: str) -> str:
    """Write the name of a column, which may be a word of SQL such as `end`."""
    return "`" + name.replace("`", "``") + "`"


def quote_text(value: str) -> str:
    """Write a string. Only the quote needs doubling: the dialect has no escapes, and takes control characters."""
    return "'" + value.replace("'", "''") + "'"


def write_whole(value: int) -> str:
    """Write a whole number of 64 bits. The smallest is spelled as a sum: its digits alone are one too many."""
    return f"({SMALLEST_WHOLE + 1} - 1)" if value == SMALLEST_WHOLE else str(value)


def write_number(value: float) -> str:
    """Write a broken number, infinity included; not NaN, which nothing equals."""
    if math.isinf(value):
        return f"CAST('{'-' if value < 0 else ''}inf' AS DOUBLE)"
    return repr(value + 0.0)


def write_truth(value: bool) -> str:
    """Write a truth value."""
    return "true" if value else "false"


def write_time(value: datetime) -> str:
    """Write a time in UTC, to the microsecond."""
    return f"timestamp '{value.isoformat()}'"
