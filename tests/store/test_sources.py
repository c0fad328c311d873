"""Notes on sources are kept one per key."""

from __future__ import annotations

import pytest

from sensorium.errors import InputError
from sensorium.store import LanceStore, SourceNote

READ = SourceNote("a.txt", "/files/a.txt", "12 bytes, monday")
BROKEN = SourceNote("O'Brien.jpg", None, "9 bytes, tuesday", "truncated: 'unexpected end'")


def test_notes_come_back_as_they_went(store: LanceStore) -> None:
    store.sources.write([BROKEN, READ])
    with LanceStore.open(store.path) as again:
        assert sorted(again.sources.read(), key=lambda note: note.key) == [BROKEN, READ]
        assert list(again.sources.read(only_unreadable=True)) == [BROKEN]
        assert (again.sources.count(), again.sources.count(only_unreadable=True)) == (2, 1)


def test_the_last_note_of_a_source_counts(store: LanceStore) -> None:
    mended = SourceNote(BROKEN.key, None, "10 bytes, friday")
    store.sources.write([BROKEN, READ, BROKEN])
    store.sources.write([mended])
    assert sorted(store.sources.read(), key=lambda note: note.key) == [mended, READ]


def test_notes_are_removed_by_key(store: LanceStore) -> None:
    store.sources.write([BROKEN, READ])
    assert store.sources.delete([BROKEN.key, BROKEN.key, "absent"]) == 1
    assert list(store.sources.read()) == [READ]
    assert store.sources.delete([]) == 0


def test_nothing_is_written_for_no_notes(store: LanceStore) -> None:
    store.sources.write([])
    assert store.sources.count() == 0


@pytest.mark.parametrize(
    "note",
    [SourceNote("", None, "s"), SourceNote("k", None, 3), SourceNote("k", "\ud800", "s"), SourceNote(3, None, "s")],
)
def test_notes_that_cannot_be_stored_are_refused(store: LanceStore, note: SourceNote) -> None:
    with pytest.raises(InputError):
        store.sources.write([READ, note])
    assert store.sources.count() == 0


def test_they_go_with_the_store(store: LanceStore) -> None:
    store.sources.write([READ])
    store.optimize()
    assert list(store.sources.read()) == [READ]
    store.close()
    with pytest.raises(Exception, match="closed"):
        store.sources.count()
