"""Text files: passages with offsets, the headings above them, and what is no text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorium.errors import MediaError, MediaLimitError
from sensorium.ingest import IngestSettings, Place, Record, SkippedFile, hash_text, text_files
from sensorium.ingest.sniff import Kind
from sensorium.ingest.text_files import read_text_file
from sensorium.media import open_source
from tests.ingest.made_files import make_origin

SMALL = IngestSettings(passage_characters=40, passage_overlap=10)


def read(data: bytes, kind: Kind = "text", cut: IngestSettings = SMALL) -> list[Record]:
    entries = list(read_text_file(open_source(data), kind, make_origin(cut)))
    assert all(isinstance(one, Record) for one in entries), entries
    return entries  # type: ignore[return-value]


@given(
    st.text(st.one_of(st.sampled_from("ab. \n\r"), st.characters(exclude_characters="\0", codec="utf-8")), min_size=1)
)
def test_every_character_of_a_file_is_in_a_record(text: str) -> None:
    entries = list(read_text_file(open_source(text.encode("utf-8-sig")), "text", make_origin(SMALL)))
    if not text.strip():
        assert [type(one) for one in entries] == [SkippedFile]
        return
    covered = 0
    for one in entries:
        assert isinstance(one, Record)
        place = one.place
        assert place.start is not None
        assert place.end is not None
        assert place.start <= covered < place.end
        assert text[place.start : place.end].strip() == one.text == one.content
        assert one.digest == hash_text(one.content)
        covered = place.end
    assert covered == len(text)
    assert len({one.id for one in entries}) == len(entries)


def test_offsets_count_new_lines_as_they_are(tmp_path: Path) -> None:
    (record,) = read("\ufeffone\r\ntwo\r\n".encode("utf-8"))
    assert record.place == Place(start=0, end=10)
    assert record.text == "one\r\ntwo"


def test_headings_are_kept_with_their_passage() -> None:
    text = "# Soups\n\nWords about all soups.\n\nMore words about them.\n\n## Cold\n\nGazpacho is cold.\n"
    records = read(text.encode(), "markdown", replace(SMALL, passage_overlap=0))
    assert [record.metadata.get("heading") for record in records] == [None, "Soups", "Soups"]
    assert records[1].content == f"Soups\n\n{records[1].text}"
    assert records[2].text is not None
    assert records[2].text.startswith("## Cold")
    assert "heading" not in read(text.encode())[1].metadata


def test_equal_passages_of_two_files_have_one_digest_and_two_ids() -> None:
    source = open_source(b"The same words.")
    one, other = (next(iter(read_text_file(source, "text", make_origin(SMALL, key)))) for key in ("a", "b"))
    assert isinstance(one, Record)
    assert isinstance(other, Record)
    assert one.digest == other.digest
    assert one.id != other.id


def test_a_page_has_offsets_into_its_words() -> None:
    page = "<!doctype html><title>Soups</title><h1>Cold soups are very good</h1><p>Gazpacho is eaten cold, with bread."
    records = read(page.encode(), "html", replace(SMALL, passage_overlap=0))
    assert [record.metadata["title"] for record in records] == ["Soups"] * len(records)
    assert records[0].text == "Cold soups are very good"
    assert records[1].content == f"Cold soups are very good\n\n{records[1].text}"
    assert "".join(record.text or "" for record in records).count("Gazpacho") == 1


def test_an_uncertain_encoding_is_noted() -> None:
    (record,) = read("Stra\u00dfe".encode("cp1252"))
    assert record.metadata["encoding"] == "cp1252"
    assert "read as cp1252" in str(record.metadata["encoding_note"])
    assert "encoding_note" not in read(b"Road")[0].metadata


@pytest.mark.parametrize(("data", "reason"), [(b" \n\t ", "no text"), (b"a" * 9000 + b"\0", "binary")])
def test_what_is_no_text_is_skipped(data: bytes, reason: str) -> None:
    (entry,) = read_text_file(open_source(data), "text", make_origin())
    assert isinstance(entry, SkippedFile)
    assert reason in entry.reason


def test_a_damaged_text_is_an_error() -> None:
    with pytest.raises(MediaError, match="damaged or cut off"):
        list(read_text_file(open_source(b"\xff\xfea"), "text", make_origin()))


def test_a_page_beyond_all_measure_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "MAX_PAGE_BYTES", 100)
    read(b"<p>x" * 25, "html")
    with pytest.raises(MediaLimitError, match="101 bytes"):
        list(read_text_file(open_source(b"<p>x" * 25 + b"y"), "html", make_origin()))


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3))
def test_ids_stay_when_more_is_written_behind(more: int) -> None:
    text = "Sentence number one is here. " * 9
    before = [record.id for record in read(text.encode())]
    after = [record.id for record in read((text + "And another sentence. " * more).encode())]
    assert after[: len(before)] == before
