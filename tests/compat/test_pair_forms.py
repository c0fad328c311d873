"""Every form in which pairs of texts may be given means what it means in the peer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.compat.peer import assert_same_results, score
from tests.compat.questions import DOCUMENTS, PAIRS, QUERY

Rerankers = Callable[[str], tuple[Any, Any]]

TEXT_FORMS = {
    "tuple": PAIRS[0],
    "list": list(PAIRS[0]),
    "array": np.array(PAIRS[0]),
    "array of objects": np.array(PAIRS[0], dtype=object),
    "numpy strings": tuple(np.str_(side) for side in PAIRS[0]),
    "list of tuples": PAIRS,
    "tuple of tuples": tuple(PAIRS),
    "list of lists": [list(pair) for pair in PAIRS],
    "2-D array": np.array(PAIRS),
    "2-D array of objects": np.array(PAIRS, dtype=object),
    "2-D array of one": np.array(PAIRS[:1]),
    "equal pairs": [PAIRS[0]] * 3 + [PAIRS[1]],
    "equal sides": [(DOCUMENTS[0], DOCUMENTS[0]), (DOCUMENTS[1], DOCUMENTS[0])],
    "empty texts": [("", ""), ("", DOCUMENTS[0]), (QUERY, "")],
    "one text": QUERY,
    "texts among pairs": [PAIRS[0], DOCUMENTS[1], PAIRS[2]],
    "text by name": {"text": QUERY},
}


@pytest.mark.parametrize("name", ["bert_ce", "bert_ce3", "qwen3_reranker_st"])
@pytest.mark.parametrize("form", TEXT_FORMS)
def test_forms_equal(rerankers: Rerankers, name: str, form: str) -> None:
    ours, theirs = rerankers(name)
    inputs = TEXT_FORMS[form]
    wanted = score(theirs, inputs)
    assert_same_results(score(ours, inputs), wanted)
    assert_same_results(score(ours, inputs, shared=False), wanted)


def test_a_column_of_a_table_equals(rerankers: Rerankers, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` is not needed to take its columns: they are told apart by their class."""

    class Column:
        def __init__(self, rows: list[Any]) -> None:
            self.rows = rows

        def __iter__(self) -> Iterator[Any]:
            return iter(self.rows)

        def __len__(self) -> int:
            return len(self.rows)

        def __getitem__(self, place: int) -> Any:
            return self.rows[place]

    table = ModuleType("datasets")
    table.Column = Column  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", table)
    ours, _ = rerankers("bert_ce")
    assert_same_results(score(ours, Column([list(pair) for pair in PAIRS])), score(ours, PAIRS))
    assert len(score(ours, Column([]))) == 0


def test_an_iterator_is_a_batch_here(rerankers: Rerankers) -> None:
    """The peer takes it for one input, and refuses it."""
    ours, theirs = rerankers("bert_ce")
    assert_same_results(score(ours, (pair for pair in PAIRS)), score(ours, PAIRS))
    assert_same_results(score(ours, zip(["a", "b"], ["c", "d"], strict=True)), score(ours, [("a", "c"), ("b", "d")]))
    with pytest.raises(ValueError, match="Unsupported input type: generator"):
        score(theirs, (pair for pair in PAIRS))


@pytest.mark.parametrize(
    "inputs",
    [
        None,
        5,
        ["one", "two", "three"],
        ["one"],
        [("a",)],
        [("a", "b", "c")],
        [[]],
        [(None, "a")],
        [("a", 5)],
        np.array([PAIRS]),
    ],
    ids=repr,
)
def test_both_refuse(rerankers: Rerankers, inputs: Any) -> None:
    for model in rerankers("bert_ce"):
        with pytest.raises(ValueError, match="Unsupported input type"):
            score(model, inputs)


@pytest.mark.parametrize(
    "inputs",
    [
        PAIRS[0], list(PAIRS[0]), PAIRS, [], (), QUERY, np.array(PAIRS[0]), np.array(PAIRS), np.array([]), np.zeros(3),
        {"text": "a"}, [{"role": "query", "content": "a"}], [[{"role": "query", "content": "a"}]], None, [[]], ["a"],
        np.empty((0, 2), dtype=object), np.array("a"), b"ab",
    ],
    ids=repr,
)  # fmt: skip
def test_single_or_batch_equals(rerankers: Rerankers, inputs: Any) -> None:
    ours, theirs = rerankers("bert_ce")
    assert ours.is_singular_input(inputs) is bool(theirs.is_singular_input(inputs))
