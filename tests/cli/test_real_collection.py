"""The command line with a real collection, the built-in model, and files of the samples."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorium.cli import main
from sensorium.hub.builtin import builtin_model, builtin_sample

_PICTURES = ("cherries", "anchor", "penguin", "cloud")
_HOSTILE = "[red]\x1b]0;pwn\x07\n\u202e.png"


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `files` of every kind, one of them broken, and the `collection` made of them."""
    folder = tmp_path_factory.mktemp("things")
    files = folder / "files"
    files.mkdir()
    sample = Path(builtin_sample())
    for name in _PICTURES:
        shutil.copy(sample / "pictures" / f"{name}.png", files)
    shutil.copy(sample / "sounds" / "ghost.flac", files)
    shutil.copy(sample / "clips" / "pushpin.mp4", files)
    shutil.copy(sample / "pictures" / "fire.png", files / _HOSTILE)
    (files / "note.txt").write_text("The zeppelin landed near the anchor.")
    data = (sample / "pictures" / "rose.png").read_bytes()
    (files / "broken.png").write_bytes(data[: len(data) // 2])
    before = dict(os.environ)
    try:
        code = main(["index", str(files), "-c", str(folder / "collection"), "--metadata", "year=2020"])
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert code == 3
    return folder


@pytest.fixture
def ask(things: Path, run: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command on that collection."""
    return lambda command, *rest, **options: run(command, *rest, "-c", str(things / "collection"), **options)


def test_the_same_command_again_does_nothing(things: Path, ask: Any) -> None:
    ended = ask("index", str(things / "files"), "--metadata", "year=2020", "--json")
    report = json.loads(ended.out)
    assert report["computed"] == 0
    assert report["records"] == 0


def test_info(ask: Any) -> None:
    values = json.loads(ask("info", "--json").out)
    assert values["model_id"] == "sensorium-mini"
    assert values["modalities"] == {"audio": 1, "image": 5, "text": 1, "video": 1}
    assert values["unreadable"] == 1
    assert values["unreadable_files"][0]["key"] == "broken.png"
    assert "year" in values["metadata_columns"]
    assert "broken.png" in ask("info").out


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (["cherries", "-m", "image"], "cherries.png"),
        (["a ghost", "-m", "audio"], "ghost.flac"),
        (["a pushpin", "-m", "video"], "pushpin.mp4"),
        (["zeppelin"], "note.txt"),
        (["cherries", "-m", "image", "--where", "year=2020"], "cherries.png"),
        (["cherries", "--where", "year >= 2020 AND modality = 'image'"], "cherries.png"),
    ],
)
def test_search(ask: Any, arguments: list[str], key: str) -> None:
    ended = ask("search", *arguments, "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["results"][0]["key"] == key


def test_search_with_a_file(ask: Any, things: Path) -> None:
    ended = ask("search", str(things / "files" / "penguin.png"), "--json", "-k", "1", "--with-thumbnails")
    result = json.loads(ended.out)["results"][0]
    assert result["key"] == "penguin.png"
    assert result["thumbnail"]
    assert "the file" in ended.err


def test_hostile_names_come_out_harmless(ask: Any) -> None:
    ended = ask("search", "fire", "-m", "image")
    assert "[red]␛]0;pwn␇␊\\u202e.png" in ended.out
    assert not set(ended.out) & set("\x1b\x07\u202e")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["x", "--where", "smell=3"], 2),
        (["x", "--where", "year = = 3"], 2),
        (["x", "--where", "year=soon"], 2),
        (["x", "--where", "1=1) OR (1=1"], 2),
        (["x", "--rerank", "no/such-model"], 4),
    ],
)
def test_search_wrong_arguments(ask: Any, arguments: list[str], code: int) -> None:
    ended = ask("search", *arguments)
    assert ended.code == code
    assert ended.err.startswith("Error: ")
    assert "Traceback" not in ended.err


def test_similar(ask: Any, things: Path) -> None:
    by_file = json.loads(ask("similar", str(things / "files" / "cherries.png"), "--json").out)
    name = by_file["query"]["id"]
    assert all(result["id"] != name for result in by_file["results"])
    assert json.loads(ask("similar", name, "--json").out)["results"] == by_file["results"]
    assert ask("similar", "no-such-id").code == 2


def test_rm_and_back_again(ask: Any, things: Path) -> None:
    path = str(things / "files" / "cloud.png")
    assert ask("rm", "--path", path, stdin=b"").code == 2
    assert json.loads(ask("rm", "--path", path, "--yes", "--json").out)["removed"] == 1
    assert json.loads(ask("info", "--json").out)["modalities"]["image"] == 4
    assert "no such record" in ask("rm", "--path", path, "--yes").out
    assert ask("index", path, "--metadata", "year=2020").code == 0
    assert json.loads(ask("info", "--json").out)["modalities"]["image"] == 5
    assert ask("rm", "--where", "smell=3", "--yes").code == 2


def test_another_model_names_both(ask: Any, things: Path, tiny: Any) -> None:
    folder = str(tiny("clip"))
    ended = ask("index", str(things / "files"), "--model", folder)
    assert ended.code == 6
    assert "sensorium-mini" in ended.err
    assert folder in ended.err


def test_what_is_no_collection(run: Any, workplace: Path) -> None:
    (workplace / "full").mkdir()
    (workplace / "full" / "x.txt").write_text("x")
    assert run("info", "-c", "full").code == 4
    assert run("index", "full", "-c", "full").code == 6
    (workplace / "full" / "manifest.json").write_text("{")
    assert run("info", "-c", "full").code == 6


def test_encode_gives_the_vectors_of_the_library(run: Any, things: Path) -> None:
    from sensorium.encoders import SentenceTransformer

    files = [str(things / "files" / name) for name in ("ghost.flac", "broken.png", "cherries.png", "note.txt")]
    assert run("encode", *files, "-o", "out.npy", "--on-error", "skip").code == 3
    array = np.load("out.npy")
    assert array.shape == (4, 384)
    assert np.isnan(array[1]).all()
    model = SentenceTransformer(builtin_model())
    expected = model.encode([files[0], files[2], Path(files[3]).read_text()])
    np.testing.assert_allclose(array[[0, 2, 3]], expected, atol=1e-5)
    ended = run("encode", "--query", "--model", "sensorium-mini", stdin=b"a cat.png\n")
    row = json.loads(ended.out)
    np.testing.assert_allclose(row["vector"], model.encode_query("a cat.png"), atol=1e-6)


def test_rank(run: Any, tiny: Any) -> None:
    from tests.tiny.reranker_families import RERANKERS_BY_NAME

    name = next(iter(RERANKERS_BY_NAME))
    ended = run("rank", "a cat", "a dog", "a tabby cat", "--model", str(tiny(name)), "--json")
    assert ended.code == 0
    results = json.loads(ended.out)["results"]
    assert {result["document"] for result in results} == {"a dog", "a tabby cat"}
    assert results[0]["score"] >= results[1]["score"]


def test_demo(run: Any) -> None:
    ended = run("demo")
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.count("<- expected") == 5


def test_map(ask: Any, run: Any, things: Path, workplace: Path) -> None:
    ended = run("map", str(things / "collection"), "-o", "page.html", "--method", "pca")
    assert ended.code == 0, ended.err
    page = (workplace / "page.html").read_text(encoding="utf-8")
    assert "<html" in page
    assert "\x1b" not in page


class _Service(BaseHTTPRequestHandler):
    """An endpoint that answers every chat with two words, in pieces."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in ("It is ", "[red]\x1b[31m."):
            delta = {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
            event = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", **delta}
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """The address of such an endpoint."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def test_ask(ask: Any, service: str) -> None:
    os.environ["OPENAI_API_KEY"] = "sk-secret"
    ended = ask("ask", "What landed near the anchor?", "--endpoint", service, "--llm", "m")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("It is [red]␛[31m.")
    assert "Sources:" in ended.out
    assert "note.txt" in ended.out
    assert "sk-secret" not in ended.out + ended.err


def test_from_the_shell(things: Path) -> None:
    command = [sys.executable, "-m", "sensorium", "search", "zeppelin", "-k", "1"]
    environment = {**os.environ, "SENSORIUM_COLLECTION": str(things / "collection")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
    head, row = done.stdout.splitlines()
    assert head.split("\t")[3] == "path"
    assert row.split("\t")[3] == str(things / "files" / "note.txt")
