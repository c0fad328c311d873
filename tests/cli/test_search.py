"""`sensorium search` and `sensorium similar`."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sensorium.errors import InputError
from sensorium.ingest.place import Place
from tests.cli.fake_collection import make_result


def test_asks_with_words(run: Any, there: Any) -> None:
    there.results = [make_result(), make_result("/data/b.flac", modality="audio", place=Place(start_s=20, end_s=40))]
    ended = run("search", "a cat")
    assert ended.code == 0
    assert there.asked("search") == {
        "query": "a cat",
        "top_k": 10,
        "modality": None,
        "where": None,
        "hybrid": True,
        "balance": "auto",
    }
    head, *rows = [line.split("\t") for line in ended.out.splitlines()]
    assert head == ["#", "score", "modality", "path", "place", "snippet", "id"]
    assert rows[0] == ["1", "0.5000", "image", "/data/a.png", "", "", "0a1b"]
    assert rows[1][2:5] == ["audio", "/data/b.flac", "0:20-0:40"]
    assert ended.err == ""


def test_options_go_on(run: Any, there: Any) -> None:
    ended = run(
        *("search", "x", "-k", "3", "-m", "image", "--modality", "VIDEO", "--where", "year=2020", "--rerank", "r/r"),
        *("--no-hybrid", "--balance", "off", "--device", "cpu"),
    )
    assert ended.code == 0
    assert there.asked("search") == {
        "query": "x",
        "top_k": 3,
        "modality": ["image", "video"],
        "where": {"year": 2020},
        "reranker": "r/r",
        "hybrid": False,
        "balance": "off",
    }
    assert there.asked("open")["device"] == "cpu"


def test_a_file_is_asked_with(run: Any, there: Any, workplace: Path) -> None:
    (workplace / "cat.png").write_bytes(b"x")
    ended = run("search", "cat.png")
    assert there.asked("search")["query"] == Path("cat.png")
    assert "the file cat.png" in ended.err
    ended = run("search", "cat.png", "--text")
    assert there.asked("search")["query"] == "cat.png"
    assert "the file" not in ended.err


@pytest.mark.parametrize(
    ("query", "is_noted"),
    [("dog.png", True), ("pictures/dog", True), ("a dog", False), ("dog", False), ("dogs and/or cats", False)],
)
def test_a_mistyped_path_is_noted(run: Any, there: Any, query: str, is_noted: bool) -> None:
    assert ("no file" in run("search", query).err) is is_noted
    assert there.asked("search")["query"] == query
    assert "no file" not in run("search", query, "--text").err


def test_no_collection_yet(run: Any, workplace: Path) -> None:
    ended = run("search", "x")
    assert ended.code == 4
    assert "sensorium index" in ended.err
    assert str(workplace / ".sensorium") in ended.err


def test_nothing_is_found(run: Any, there: Any) -> None:
    ended = run("search", "x")
    assert ended.code == 0
    assert ended.out == ""
    assert "empty" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        ([], 2, "QUERY"),
        ([""], 2, "empty"),
        (["x", "--top-k", "0"], 2, "--top-k"),
        (["x", "--top-k", "many"], 2, "--top-k"),
        (["x", "--modality", "smell"], 2, "smell"),
        (["x", "--balance", "on"], 2, "--balance"),
        (["x", "--where", "year=soon"], 2, "whole numbers"),
        (["x", "--where", " "], 2, "--where"),
        (["x", "--text", "--file"], 2, "--text"),
        (["nowhere.png", "--file"], 4, "nowhere.png"),
        (["x", "-c", "nowhere"], 4, "nowhere"),
        (["x", "y"], 2, "y"),
        (["a\0b", "--file"], 4, "no such file"),
    ],
)
def test_wrong_arguments(run: Any, there: Any, arguments: list[str], code: int, word: str) -> None:
    ended = run("search", *arguments)
    assert ended.code == code
    assert word in ended.err
    assert ended.out == ""


def test_json(run: Any, there: Any, workplace: Path) -> None:
    when = datetime(2026, 5, 4, tzinfo=timezone.utc)
    there.results = [
        make_result("/data/\udcff\x1b.pdf", place=Place(page=3), thumbnail=b"jpg", metadata={"when": when})
    ]
    ended = run("search", "x", "--json")
    assert ended.code == 0
    assert ended.out.isascii()
    assert "\x1b" not in ended.out
    document = json.loads(ended.out)
    assert document["query"] == {"text": "x"}
    assert document["collection"] == str(workplace / ".sensorium")
    result = document["results"][0]
    assert result["path"] == "/data/\udcff\x1b.pdf"
    assert result["place"] == {"page": 3}
    assert result["place_text"] == "page 3"
    assert result["parts"] == {"cosine": 0.5}
    assert result["metadata"] == {"when": when.isoformat()}
    assert "thumbnail" not in result
    with_them = json.loads(run("search", "x", "--json", "--with-thumbnails").out)
    assert base64.b64decode(with_them["results"][0]["thumbnail"]) == b"jpg"


def test_nothing_found_is_json_too(run: Any, there: Any) -> None:
    assert json.loads(run("search", "x", "--json").out)["results"] == []


HOSTILE = [
    "[red]x[/].png",
    "\x1b]0;pwn\x07.png",
    "a\nb\t.png",
    "bad\udcff.png",
    "rtl\u202egnp.exe",
    ":smile:",
    "\x9b2J",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("is_terminal", [False, True])
def test_hostile_names(run: Any, there: Any, request: Any, name: str, is_terminal: bool) -> None:
    if is_terminal:
        request.getfixturevalue("terminal")
    there.results = [make_result(f"/d/{name}", snippet=f"see {name}", modality=name, metadata={"title": name})]
    ended = run("search", "x")
    assert ended.code == 0
    out = _without_styles(ended.out) if is_terminal else ended.out
    assert not set(out) & set("\x1b\x07\x9b\u202e\r")
    out.encode("utf-8")
    if not is_terminal:
        assert len(ended.out.splitlines()) == 2
        assert ended.out.splitlines()[1].count("\t") == 6
    for word in ("[red]x[/].png", ":smile:"):
        if word == name:
            assert word in out.replace("\n", "")


def _without_styles(text: str) -> str:
    """Take away what rich writes itself: colours and links, whose addresses are per cent encoded."""
    import re

    return re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;(id=[0-9]+)?;(file://[!-~]*)?\x1b\\", "", text)


def test_a_terminal_gets_a_table_with_links(run: Any, there: Any, terminal: None) -> None:
    there.results = [make_result("/d/ä b.png", snippet="words"), make_result(None)]
    ended = run("search", "x", "--ids")
    assert "\x1b]8;" in ended.out
    assert "file:///d/%C3%A4%20b.png" in ended.out
    assert "0a1b" in ended.out
    assert "0a1b" not in run("search", "x").out


def test_similar(run: Any, there: Any) -> None:
    there.results = [make_result()]
    ended = run("similar", "beef", "-k", "2", "-m", "image", "-w", "year=1", "--balance", "off")
    assert ended.code == 0
    assert there.asked("similar") == {
        "id": "beef",
        "top_k": 2,
        "modality": ["image"],
        "where": {"year": 1},
        "balance": "off",
    }
    assert "/data/a.png" in ended.out
    assert json.loads(run("similar", "beef", "--json").out)["query"] == {"id": "beef"}


def test_similar_to_a_file(run: Any, there: Any, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.cli.fake_collection import FakeStore

    (workplace / "a.png").write_bytes(b"x")
    run("similar", "a.png")
    assert there.asked("similar")["id"] == "a.png"
    entries = [SimpleNamespace(id="c"), SimpleNamespace(id="b")]
    asked: list[Any] = []
    monkeypatch.setattr(FakeStore, "entries", lambda self, where: asked.append(where) or iter(entries))
    run("similar", "a.png")
    assert there.asked("similar")["id"] == "b"
    assert asked == [{"path": str(workplace / "a.png")}]


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 2), (["x", "-k", "0"], 2), (["x", "-m", "smell"], 2), (["x", "-c", "no"], 4)]
)
def test_similar_wrong_arguments(run: Any, there: Any, arguments: list[str], code: int) -> None:
    assert run("similar", *arguments).code == code


def test_similar_unknown_id(run: Any, there: Any) -> None:
    there.raises = InputError("No record of the collection has the id 'x'.")
    assert run("similar", "x").code == 2
