"""A caller's SQL stays inside the parentheses it is put in."""

from __future__ import annotations

import pytest

from sensorium.errors import InputError
from sensorium.store import LanceStore
from sensorium.store.expressions import check_expression
from tests.store.rows import ids_of


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("id = 'a') OR (id = 'b'", "parentheses"),
        ("(id = 'a'", "parentheses"),
        ("id = 'a'; DELETE FROM rows", "semicolon"),
        ("id = 'a' -- rest", "comment"),
        ("id = 'a' /* rest", "comment"),
        ("id = 'O'Brien'", "quote"),
        ('"id = 1', "quote"),
        ("`id = 1", "quote"),
        ("id = $$a$$", r"\$"),
        ("id = 'a' # rest", "#"),
        ("id = a\\'", "backslash"),
    ],
)
def test_text_that_could_reach_around_its_parentheses_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "id = 'a)('",
        "id = 'O''Brien; -- no comment'",
        "`end` > 3 AND (page = 1 OR page IS NULL)",
        "path LIKE '%\\%'",
        "id IN ('a', 'b')",
    ],
)
def test_expressions_pass(text: str) -> None:
    check_expression(text)


def test_an_expression_does_not_weaken_the_modality(store: LanceStore) -> None:
    query = next(store.scan(with_vectors=True)).vector
    hits = store.search(query, 20, where="id = 'row-1' OR id = 'row-2'", modality="image")
    assert [hit.id for hit in hits] == ["row-2"]


def test_expressions_are_read_as_sql(store: LanceStore) -> None:
    assert ids_of(store, "id LIKE 'row-1%' AND modality = 'image'") == [f"row-{n}" for n in (10, 12, 14, 16, 18)]
    assert store.count("digest = 'digest-3'") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modalty = 'image'", "Did you mean 'modality'"),
        ("page = 'x'", "cannot be used"),
        ("page >", "cannot be used"),
        ("id IN (SELECT id FROM rows)", "cannot be used"),
    ],
)
def test_expressions_that_cannot_be_run_are_the_callers_fault(store: LanceStore, text: str, message: str) -> None:
    for use in (store.count, lambda where: list(store.entries(where)), lambda where: store.delete(where=where)):
        with pytest.raises(InputError, match=message):
            use(text)
    with pytest.raises(InputError, match=message):
        store.search([1.0] * 8, 3, where=text)
    with pytest.raises(InputError, match=message):
        store.search_text("fox", 3, where=text)
