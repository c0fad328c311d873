"""`sensorium rank`, `models` and `demo`."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sensorium.cli import demo, rank
from sensorium.cli.model_facts import KNOWN_MODELS, read_facts
from sensorium.errors import CheckpointError, MediaError
from tests.cli.fake_collection import make_result
from tests.media.media_files import encode_image, noise_image


@pytest.fixture
def reranker(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A reranker that prefers long texts, and cannot take `bad`."""
    note = SimpleNamespace(given=None)

    def score(query: Any, documents: list[Any], **options: Any) -> Any:
        note.given = (query, documents, options)
        values = [document.parts[0].value for document in documents]
        errors = [SimpleNamespace(index=i, error=MediaError("no\x1b")) for i, one in enumerate(values) if one == "bad"]
        ranking = [
            {"corpus_id": i, "score": float("nan") if one == "bad" else float(len(str(one)))}
            for i, one in enumerate(values)
        ]
        ranking.sort(key=lambda entry: (entry["score"] != entry["score"], -entry["score"]))
        return SimpleNamespace(ranking=ranking[: options["top_k"]], errors=errors)

    monkeypatch.setattr(rank, "_make_reranker", lambda model, device: SimpleNamespace(rank=score))
    return note


def test_rank(run: Any, reranker: Any) -> None:
    Path("a.png").write_bytes(encode_image(noise_image(), "PNG"))
    ended = run("rank", "query", "short", "a longer text", "a.png", "bad", "--model", "m")
    assert ended.code == 3
    rows = [line.split("\t") for line in ended.out.splitlines()[1:]]
    assert rows == [["1", "13.0000", "a longer text"], ["2", "5.0000", "short"], ["3", "5.0000", "a.png"]]
    assert "bad: no␛" in ended.err
    assert [document.modality for document in reranker.given[1]] == ["text", "text", "image", "text"]
    run("rank", "a.png", "a.png", "--text", "--model", "m")
    query, documents, _ = reranker.given
    assert (query.modality, documents[0].modality) == ("text", "text")


def test_rank_lines(run: Any, reranker: Any) -> None:
    Path("a.png").write_bytes(encode_image(noise_image(), "PNG"))
    ended = run("rank", "a.png", "--model", "m", "--json", "-k", "1", stdin=b"a.png\nlonger line\n")
    assert ended.code == 0
    query, documents, _ = reranker.given
    assert (query.modality, documents[0].modality) == ("image", "text")
    document = json.loads(ended.out)
    assert document["query"] == "a.png"
    assert document["results"] == [{"rank": 1, "index": 1, "score": 11.0, "document": "longer line"}]
    assert document["errors"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["q", "d"], 2, "--model"),
        ([], 2, "QUERY"),
        (["", "d", "--model", "m"], 2, "empty"),
        (["q", "d", "--model", "m", "-k", "0"], 2, "--top-k"),
        (["q", "--model", "m"], 2, "standard input is empty"),
    ],
)
def test_rank_wrong_arguments(run: Any, reranker: Any, arguments: list[str], code: int, word: str) -> None:
    ended = run("rank", *arguments, stdin=b"")
    assert ended.code == code
    assert word in ended.err


def test_models(run: Any) -> None:
    ended = run("models")
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 1 + len(KNOWN_MODELS)
    assert [one["name"] for one in json.loads(run("models", "--json").out)] == [one.name for one in KNOWN_MODELS]


def test_models_are_those_of_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    rows = {line.split("`")[1]: line for line in readme.splitlines() if line.startswith("| `") and "GB" in line}
    vectors = {model.name: model for model in KNOWN_MODELS if model.role == "vectors"}
    assert set(rows) == set(vectors) - {"sensorium-mini"}
    for name, row in rows.items():
        assert vectors[name].memory in row


def test_check_of_the_builtin_model(run: Any) -> None:
    facts = json.loads(run("models", "--check", "sensorium-mini", "--json").out)
    assert facts["takes"] == ["text", "image", "audio", "video"]
    assert facts["kind"] == "vectors"
    assert facts["weight_bytes"] > 10_000_000
    assert "text, image, audio, video" in run("models", "--check", "sensorium-mini").out


@pytest.mark.parametrize("name", ["bert", "clip", "clap", "qwen3_vl", "router"])
def test_check_says_what_the_model_itself_says(tiny: Any, name: str) -> None:
    from sensorium.encoders import SentenceTransformer

    folder = str(tiny(name))
    model = SentenceTransformer(folder)
    facts = read_facts(folder)
    assert set(facts.takes) == {one for one in model.modalities if isinstance(one, str)} - {"message"}
    assert facts.weight_bytes > 0


def test_check_of_what_is_not_there(run: Any) -> None:
    ended = run("models", "--check", "no/such-model")
    assert ended.code == 4
    assert "no/such-model" in ended.err


@pytest.mark.parametrize("text", ["[]", "{", '[{"path": 3}]', "[3]"])
def test_check_of_broken_files(run: Any, workplace: Path, text: str) -> None:
    folder = workplace / "model"
    folder.mkdir()
    (folder / "modules.json").write_text(text)
    if text == "[]":
        assert read_facts(str(folder)).takes == ("text",)
        return
    with pytest.raises(CheckpointError):
        read_facts(str(folder))
    assert run("models", "--check", str(folder)).code == 1


def test_sample_of_the_demo(workplace: Path) -> None:
    from sensorium.hub.builtin import builtin_sample

    demo.take_sample(Path(builtin_sample()), workplace / "files")
    for question in demo.QUESTIONS:
        assert (workplace / "files" / question.expected).is_file()
        assert not question.is_file or (workplace / "files" / question.asked).is_file()
    assert 60 < sum(path.is_file() for path in (workplace / "files").rglob("*")) < 150


def test_demo(run: Any, fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def search(self: Any, query: Any, top_k: int, *, modality: str) -> list[Any]:
        right = next(one for one in demo.QUESTIONS if str(query).endswith(one.asked) and one.modality == modality)
        return [make_result("/x/other.png", key="other.png"), make_result(f"/x/{right.expected}", key=right.expected)]

    monkeypatch.setattr(fake, "search", search)
    ended = run("demo")
    assert ended.code == 0
    assert ended.out.count("<- expected") == 5
    assert "built-in model" in ended.err
    assert all(answer["is_found"] for answer in json.loads(run("demo", "--json").out))


def test_demo_that_misses_fails(run: Any, fake: Any) -> None:
    fake.results = [make_result("/x/other.png", key="other.png")]
    ended = run("demo")
    assert ended.code == 1
    assert "sound to picture" in ended.err
    assert run("demo", "extra").code == 2
