"""Places: what they allow, how they are shown, and what tells them apart."""

from __future__ import annotations

import pytest

from sensorium.errors import InputError
from sensorium.ingest import Place


@pytest.mark.parametrize(
    ("place", "shown", "beginning"),
    [
        (Place(), "", None),
        (Place(page=3), "page 3", ("page", 3)),
        (Place(start=0, end=12), "characters 0-12", ("characters", 0)),
        (Place(start_s=0.0, end_s=20.0), "0:00-0:20", ("seconds", 0.0)),
        (Place(start_s=59.96, end_s=61.44), "1:00-1:01.4", ("seconds", 59.96)),
        (Place(start_s=3599, end_s=3725.5), "59:59-1:02:05.5", ("seconds", 3599)),
    ],
)
def test_a_place_is_shown_and_told_apart(place: Place, shown: str, beginning: object) -> None:
    assert str(place) == shown
    assert place.beginning == beginning
    assert Place.from_dict({**place.as_dict(), "other": 1}) == place


@pytest.mark.parametrize(
    "fields",
    [
        {"page": 0},
        {"page": 1, "start": 0, "end": 1},
        {"start": 5},
        {"end_s": 5.0},
        {"start": 5, "end": 4},
        {"start": -1, "end": 4},
        {"start_s": 0.0, "end_s": float("inf")},
        {"start_s": float("nan"), "end_s": 1.0},
        {"start": 0, "end": 1, "start_s": 0.0, "end_s": 1.0},
    ],
)
def test_what_is_no_place_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(InputError, match="is no place"):
        Place(**fields)
