"""`sensorium ask`, with an answering function that stands for the real one."""

from __future__ import annotations

import json
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sensorium.errors import InputError
from sensorium.ingest.place import Place

_GIVEN = ("ask", "What is it?", "--endpoint", "http://localhost:1/v1", "--llm", "small")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Put an answering function behind `ask`; what it was given is in `.given`."""
    note = SimpleNamespace(given=None, text="It is [red]x[/].\n\tYes\x1b]0;pwn\x07\r\n", sources=(), error=None)

    def ask(collection: Any, question: str, *, on_text: Any = None, **options: Any) -> Any:
        note.given = {"question": question, **options}
        if note.error is not None:
            raise note.error
        for start in range(0, len(note.text), 5):
            on_text(note.text[start : start + 5])
        return SimpleNamespace(text=note.text, sources=note.sources)

    module = ModuleType("sensorium.collection.answering")
    module.ask = ask  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sensorium.collection.answering", module)
    return note


def _source(number: int, name: str) -> SimpleNamespace:
    return SimpleNamespace(number=number, path=f"/d/{name}", key=name, place=Place(page=number))


def test_streams_the_answer_and_prints_the_sources(run: Any, there: Any, asked: Any) -> None:
    asked.sources = (_source(1, "a.pdf"), _source(2, "b\x1b.pdf"))
    ended = run(*_GIVEN, "-k", "3", "--max-images", "0", "--max-tokens", "99", "-m", "image", "-w", "year=1")
    assert ended.code == 0
    assert asked.given == {
        "question": "What is it?",
        "model": "small",
        "endpoint": "http://localhost:1/v1",
        "api_key_env": "OPENAI_API_KEY",
        "top_k": 3,
        "max_images": 0,
        "max_tokens": 99,
        "modality": ["image"],
        "where": {"year": 1},
        "hybrid": True,
        "balance": "auto",
    }
    assert ended.out.startswith("It is [red]x[/].\n\tYes␛]0;pwn␇")
    assert "Sources:\n  [1] /d/a.pdf, page 1\n  [2] /d/b␛.pdf, page 2\n" in ended.out


def test_json(run: Any, there: Any, asked: Any) -> None:
    asked.sources = (_source(1, "a.pdf"),)
    document = json.loads(run(*_GIVEN, "--json").out)
    assert document["question"] == "What is it?"
    assert document["answer"] == asked.text
    assert document["sources"] == [{"number": 1, "path": "/d/a.pdf", "key": "a.pdf", "place": "page 1"}]


def test_no_sources(run: Any, there: Any, asked: Any) -> None:
    assert "nothing to answer from" in run(*_GIVEN).out


def test_endpoint_and_model_from_the_environment(run: Any, there: Any, asked: Any) -> None:
    os.environ["OPENAI_BASE_URL"] = "http://there/v1"
    os.environ["SENSORIUM_LLM"] = "large"
    assert run("ask", "x", "--api-key-env", "MY_KEY").code == 0
    assert (asked.given["endpoint"], asked.given["model"]) == ("http://there/v1", "large")
    assert asked.given["api_key_env"] == "MY_KEY"


def test_a_key_is_never_shown(run: Any, there: Any, asked: Any) -> None:
    os.environ["OPENAI_API_KEY"] = "sk-secret"
    asked.error = InputError("refused")
    ended = run(*_GIVEN)
    assert ended.code == 2
    assert "sk-secret" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["x"], 2, "--endpoint"),
        (["x", "--endpoint", "http://h/v1"], 2, "--llm"),
        ([" ", "--endpoint", "http://h/v1", "--llm", "m"], 2, "empty"),
        (["x", "--endpoint", "http://h/v1", "--llm", "m", "-c", "no"], 4, "no"),
        (["x", "--max-tokens", "0"], 2, "--max-tokens"),
        (["x", "-k", "0"], 2, "--top-k"),
        ([], 2, "QUESTION"),
    ],
)
def test_wrong_arguments(run: Any, there: Any, asked: Any, arguments: list[str], code: int, word: str) -> None:
    ended = run("ask", *arguments)
    assert ended.code == code
    assert word in ended.err
    assert asked.given is None
