"""Names of the compatible interface that this release does not implement, each saying so by a named error."""

from __future__ import annotations

from typing import Any, NoReturn

from sensorium.errors import NotBuiltError


def refuse(what: str) -> NoReturn:
    """Raise the error for a part of the interface that is not built."""
    raise NotBuiltError(f"{what} is not built yet. The feature table of the README says what is.")


class SparseEncoder:
    """Encodes texts as sparse vectors. Not built yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse("SparseEncoder")


class MultiVectorEncoder:
    """Encodes inputs as one vector a token. Not built yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse("MultiVectorEncoder")
