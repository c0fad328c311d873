"""`sensorium encode`: rows in order, in every format, in bounded memory."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest

from sensorium.cli import encode
from sensorium.errors import InputError, MediaError
from tests.media.media_files import encode_image, noise_image


class FakeEncoder:
    """Vectors of three numbers: the length of the text, the position, a half; holds a window of inputs."""

    prompts = {"query": "q: "}  # noqa: RUF012

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.seen: list[Any] = []
        self.window = 4

    def encode_stream(self, inputs: Any, **options: Any) -> Iterator[Any]:
        self.given = options
        held: list[Any] = []
        for value in inputs:
            held.append(value)
            if len(held) == self.window:
                yield from self._rows(held, options)
                held = []
        yield from self._rows(held, options)

    def encode_document_stream(self, inputs: Any, **options: Any) -> Iterator[Any]:
        return self.encode_stream(inputs, **options, task="document")

    def _rows(self, held: list[Any], options: dict[str, Any]) -> Iterator[Any]:
        for value in held:
            self.seen.append(value)
            text = value.parts[0].value
            if text == "bad":
                if options["on_error"] == "raise":
                    raise MediaError("no good", index=len(self.seen) - 1)
                yield SimpleNamespace(index=0, embedding=None, error=MediaError("no good"))
                continue
            length = len(text) if isinstance(text, str) else -1
            vector = np.array([length, len(self.seen), 0.5], np.float32)
            yield SimpleNamespace(index=0, embedding=vector, error=None)

    def get_embedding_dimension(self) -> int:
        return 3


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> FakeEncoder:
    fake = FakeEncoder()
    monkeypatch.setattr(encode, "_load", lambda name, device: fake)
    return fake


def test_lines_to_json_lines(run: Any, encoder: FakeEncoder) -> None:
    ended = run("encode", stdin=b"ab\n\nphoto.jpg\r\nlast")
    assert ended.code == 0
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["input"] for row in rows] == ["ab", "", "photo.jpg", "last"]
    assert [row["vector"] for row in rows] == [[2, 1, 0.5], [0, 2, 0.5], [9, 3, 0.5], [4, 4, 0.5]]
    assert all(value.modality == "text" for value in encoder.seen)
    assert "built-in model" in ended.err
    assert "4 inputs" in ended.err


@pytest.mark.parametrize("ending", [".npy", ".parquet", ".jsonl"])
def test_formats_keep_order_and_name_what_failed(run: Any, encoder: FakeEncoder, workplace: Path, ending: str) -> None:
    Path("a.txt").write_text("abc")
    Path("b.png").write_bytes(encode_image(noise_image(), "PNG"))
    Path("c.bin").write_bytes(bytes(range(256)) * 4)
    Path("d.txt").write_text("bad")
    name = f"out{ending}"
    files = ["nowhere.png", "a.txt", "c.bin", "b.png", "d.txt", "a.txt", "gone.txt"]
    ended = run("encode", *files, "-o", name, "--on-error", "skip", "--model", "m")
    assert ended.code == 3
    assert ended.out == ""
    assert "4 inputs could not be used" in ended.err
    assert "built-in" not in ended.err
    firsts = [None, 3.0, None, -1.0, None, 3.0, None]
    if ending == ".npy":
        array = np.load(name)
        assert array.dtype == np.float32
        assert array.shape == (7, 3)
        assert np.isnan(array).all(axis=1).tolist() == [first is None for first in firsts]
        assert [None if np.isnan(row[0]) else row[0] for row in array] == firsts
    else:
        if ending == ".parquet":
            rows = parquet.read_table(name).to_pylist()
        else:
            rows = [json.loads(line) for line in Path(name).read_text().splitlines()]
        assert [row["input"] for row in rows] == files
        assert [row["vector"][0] if row.get("vector") else None for row in rows] == firsts
        assert [bool(row.get("error")) for row in rows] == [first is None for first in firsts]
    assert [entry for entry in os.listdir() if entry.endswith(".part")] == []


@pytest.mark.parametrize("ending", [".npy", ".parquet", ".jsonl"])
def test_nothing_usable(run: Any, encoder: FakeEncoder, ending: str) -> None:
    ended = run("encode", "x.png", "y.png", "-o", f"out{ending}", "--on-error", "skip")
    assert ended.code == 3
    if ending == ".npy":
        assert np.load("out.npy").shape == (2, 3)


def test_an_error_leaves_no_file_and_the_old_one(run: Any, encoder: FakeEncoder) -> None:
    Path("out.npy").write_bytes(b"old")
    ended = run("encode", "-o", "out.npy", stdin=b"a\nbad\nb\n")
    assert ended.code == 2
    assert "input 1" in ended.err
    assert Path("out.npy").read_bytes() == b"old"
    assert os.listdir() == ["out.npy"]
    Path("ok.txt").write_text("x")
    ended = run("encode", "ok.txt", "nowhere.txt", "-o", "out.npy")
    assert ended.code == 4
    assert "input 1 (nowhere.txt)" in ended.err


def test_options_go_on(run: Any, encoder: FakeEncoder) -> None:
    run("encode", "--query", "--normalize", "--batch-size", "7", stdin=b"x\n")
    assert encoder.given == {
        "prompt": None,
        "prompt_name": "query",
        "task": "query",
        "batch_size": 7,
        "normalize_embeddings": True,
        "on_error": "raise",
        "return_report": True,
    }
    run("encode", "--query", "--prompt", "p: ", stdin=b"x\n")
    assert encoder.given["prompt"] == "p: "
    assert "prompt_name" not in encoder.given
    run("encode", "--document", stdin=b"x\n")
    assert encoder.given["task"] == "document"


def test_paths_from_standard_input(run: Any, encoder: FakeEncoder) -> None:
    Path(os.fsdecode(b"\xff.txt")).write_text("four")
    ended = run("encode", "--paths", "-o", "out.jsonl", stdin=b"\xff.txt\n")
    assert ended.code == 0
    row = json.loads(Path("out.jsonl").read_text())
    assert os.fsencode(row["input"]) == b"\xff.txt"
    assert row["vector"][0] == 4
    run("encode", "--paths", "-o", "out.parquet", stdin=b"\xff.txt\n")
    assert parquet.read_table("out.parquet").to_pylist()[0]["input"] == "\\udcff.txt"


def test_memory_does_not_grow_with_the_lines(run: Any, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0
    write = encode._Encoding._write

    def watch(self: Any, *given: Any) -> None:
        nonlocal most
        most = max(most, len(self._under_way))
        write(self, *given)

    monkeypatch.setattr(encode._Encoding, "_write", watch)
    ended = run("encode", "-o", "out.npy", stdin=b"x\n" * 5000)
    assert ended.code == 0
    assert np.load("out.npy").shape == (5000, 3)
    assert most <= encoder.window


@pytest.mark.parametrize("count", [1, 20_001])
def test_parquet_in_groups(run: Any, encoder: FakeEncoder, count: int) -> None:
    assert run("encode", "-o", "out.parquet", stdin=b"x\n" * count).code == 0
    file = parquet.ParquetFile("out.parquet")
    assert file.metadata.num_rows == count
    assert file.metadata.num_row_groups == 1 + count // 10_001 if count == 1 else file.metadata.num_row_groups > 1


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["x.txt", "-o", "out.csv"], 2, ".npy"),
        (["x.txt", "-o", "out"], 2, ".npy"),
        (["x.txt", "-o", "no/out.npy"], 2, "folder"),
        (["x.txt", "-o", "folder.npy"], 2, "folder"),
        (["x.txt", "--query", "--document"], 2, "--document"),
        (["x.txt", "--paths"], 2, "--paths"),
        (["x.txt", "--batch-size", "0"], 2, "--batch-size"),
        (["x.txt", "--on-error", "weep"], 2, "weep"),
        (["nowhere.txt"], 4, "nowhere.txt"),
        (["folder.npy"], 4, "no such file"),
    ],
)
def test_wrong_arguments(run: Any, encoder: FakeEncoder, arguments: list[str], code: int, word: str) -> None:
    Path("x.txt").write_text("x")
    Path("folder.npy").mkdir()
    ended = run("encode", *arguments)
    assert ended.code == code
    assert word in ended.err
    assert ended.out == ""


def test_empty_standard_input(run: Any, encoder: FakeEncoder) -> None:
    ended = run("encode", stdin=b"")
    assert ended.code == 2
    assert "standard input is empty" in ended.err


def test_no_input_on_a_terminal(run: Any, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(closed=False, isatty=lambda: True))
    ended = run("encode")
    assert ended.code == 2
    assert "nothing to encode" in ended.err


def test_a_line_without_an_end(run: Any, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    from sensorium.cli import lines

    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 10)
    assert run("encode", stdin=b"0123456789\n").code == 2
    assert run("encode", stdin=b"012345678\n").code == 0


def test_a_package_that_is_missing(run: Any, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    ended = run("encode", "-o", "out.parquet", stdin=b"x\n")
    assert ended.code == 5
    assert "pip install" in ended.err


def test_pdf_is_no_single_input(run: Any, encoder: FakeEncoder) -> None:
    Path("a.pdf").write_bytes(b"%PDF-1.7\n")
    ended = run("encode", "a.pdf")
    assert ended.code == 2
    assert "many pages" in ended.err


def test_text_files_are_taken_whole(workplace: Path) -> None:
    from sensorium.cli.inputs import as_file

    text = "One sentence after another. " * 5000
    Path("long.txt").write_text(text)
    assert as_file("long.txt").parts[0].value.strip() == text.strip()
    Path("latin.txt").write_bytes("Ä word".encode("utf-16"))
    assert as_file("latin.txt").parts[0].value == "Ä word"
    Path("empty.txt").write_text("")
    with pytest.raises(InputError, match="empty"):
        as_file("empty.txt")
