"""Ids and digests: fixed for all time, and apart where they must be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.errors import MediaError, MissingMediaError
from sensorium.ingest import Place, hash_file, hash_text
from sensorium.ingest.identity import derive_digest, make_id
from sensorium.media import open_source

PLACES = st.one_of(
    st.just(Place()),
    st.builds(lambda page: Place(page=page), st.integers(1, 50)),
    st.builds(lambda start: Place(start=start, end=start + 9), st.integers(0, 50)),
    st.builds(lambda start: Place(start_s=float(start), end_s=start + 9.0), st.integers(0, 50)),
)


def test_ids_and_digests_are_the_same_on_every_machine() -> None:
    # Collections on disk rest on these: a change here orphans their vectors.
    assert make_id("a/ö.txt", Place(start=3, end=9), "ab") == "0b50b9b5b49310624bfa4a65b54d59f4"
    assert hash_text("Grüße") == "ce7ddacff05b42a5ff4312dc7ee6f6f1"
    assert hash_file(open_source(b"bytes")) == "6ea7442bc44abc453a57f9153dda1bd6"
    assert derive_digest("ab", "page", 3, 1000) == "7428e36a85a3032b568f09f79489fe78"


@given(st.lists(st.tuples(st.text(max_size=3), PLACES, st.sampled_from(["x", "y"])), max_size=20))
def test_ids_are_equal_only_for_one_key_place_and_way_of_cutting(whats: list[tuple[str, Place, str]]) -> None:
    ids = {make_id(*what) for what in whats}
    assert len(ids) == len({(key, place.beginning, cut) for key, place, cut in whats})


def test_what_is_written_behind_changes_no_id() -> None:
    assert make_id("a", Place(start=3, end=9), "x") == make_id("a", Place(start=3, end=90), "x")


def test_a_file_and_its_bytes_have_one_digest(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9000
    (tmp_path / "a").write_bytes(data)
    assert hash_file(open_source(tmp_path / "a")) == hash_file(open_source(data))
    assert hash_text("bytes") != hash_file(open_source(b"bytes"))


def test_a_lone_surrogate_has_a_digest() -> None:
    assert hash_text("\ud800") != hash_text("?")


def test_a_file_that_is_written_to_meanwhile_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 10)
    source = open_source(path)
    fstat, asked = os.fstat, []

    def write_before_second(descriptor: int) -> os.stat_result:
        asked.append(descriptor)
        if len(asked) == 3:  # the first is of opening
            path.write_bytes(b"x" * 11)
        return fstat(descriptor)

    monkeypatch.setattr(os, "fstat", write_before_second)
    with pytest.raises(MediaError, match="was written to"):
        hash_file(source)


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    source = open_source(path)
    path.unlink()
    with pytest.raises(MissingMediaError):
        hash_file(source)
