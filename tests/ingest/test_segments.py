"""Segments: every second is in one, whatever the length, the segment and the overlap."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.errors import MediaError
from sensorium.ingest.segments import check_seconds, plan_segments


@given(st.floats(0.001, 5000), st.floats(0.5, 60), st.floats(0, 0.9))
def test_every_second_is_in_a_segment(seconds: float, segment: float, share: float) -> None:
    overlap = share * segment
    spans = list(plan_segments(seconds, segment, overlap))
    assert spans[0][0] == 0
    assert spans[-1][1] == pytest.approx(seconds, abs=1e-6)
    for (start, end), (following, _) in pairwise(spans):
        assert start < following <= end
        assert end - following == pytest.approx(overlap, abs=1e-5)
        assert end - start == pytest.approx(segment, abs=1e-5)
    assert spans[-1][1] - spans[-1][0] <= segment + 0.011
    assert all(start < end for start, end in spans)


def test_segments_of_a_recording_that_grows_begin_where_they_did() -> None:
    before = [start for start, _ in plan_segments(61, 20, 2)]
    assert [start for start, _ in plan_segments(300, 20, 2)][: len(before)] == before


def test_a_length_beyond_all_measure_is_planned_as_it_is_taken() -> None:
    assert list(islice(plan_segments(1e12, 20, 0), 2)) == [(0.0, 20.0), (20.0, 40.0)]


@pytest.mark.parametrize(("seconds", "size"), [(0.0, 100), (1e-9, 100), (-1.0, 100), (float("nan"), 100), (1e6, 1000)])
def test_a_length_that_cannot_be_true_is_an_error(seconds: float, size: int) -> None:
    with pytest.raises(MediaError):
        check_seconds(seconds, size, "a")


def test_a_length_that_can_be_true_is_given_back() -> None:
    assert check_seconds(7200.0, 850_000, "a") == 7200.0
