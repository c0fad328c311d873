"""The demo runs on the shipped samples, says what it should, and fails when anything is wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from demo import media_table
from demo.agreement import Agreement, compare
from demo.agreement_table import agreement_lines
from demo.checkpoints import SMALL_CHECKPOINTS
from demo.media_table import Encoded, Failed
from demo.questions import Answer
from demo.sample_files import Question, SampleFile, SampleFiles, SamplesError
from demo.searches import ACROSS, CONTEXT, FILTERED, HYBRID, RERANKED
from demo.table import LINE_WIDTH, Column, Table

from sensorium.media import Part, Sample, Waveform
from tests.tiny.families import FAMILIES

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"

pytestmark = pytest.mark.timeout(600)


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m demo` in a fresh process, as `make demo` does."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "demo", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=540)


@pytest.fixture(scope="module")
def shipped() -> subprocess.CompletedProcess[str]:
    """The demo on `samples/`, run once."""
    return run_demo()


def copy_samples(folder: Path) -> Path:
    """Copy the texts, the questions and one file of each other kind."""
    for name in ("texts", "images/rocket.jpg", "sounds/crow.wav", "clips/cat-zoom.webm", "questions.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (SAMPLES / name).is_dir() else shutil.copy
        copy(SAMPLES / name, folder / name)
    return folder


class TestShippedSamples:
    def test_all_is_well(self, shipped):
        assert shipped.returncode == 0, shipped.stdout + shipped.stderr
        assert "5 of 5 answers right; 147 vectors of 31 files by 12 checkpoints" in shipped.stdout
        assert shipped.stdout.endswith("  All is well.\n")
        assert "WRONG" not in shipped.stdout

    def test_there_is_no_noise(self, shipped):
        assert shipped.stderr == ""

    def test_lines_are_plain_and_short(self, shipped):
        assert max(len(line) for line in shipped.stdout.splitlines()) <= LINE_WIDTH
        assert shipped.stdout.isascii()

    def test_every_search_of_the_collection_finds_its_file(self, shipped):
        found = [line for line in shipped.stdout.splitlines() if line.startswith("  right ")]
        for search in (*ACROSS, HYBRID, FILTERED, RERANKED):
            assert any(search.expected in line.split() for line in found), search
        _, _, context = shipped.stdout.partition(CONTEXT.title)
        assert f"] {CONTEXT.expected} characters" in context
        assert "left out, " not in shipped.stdout

    def test_every_answer_is_shown_with_its_score_and_a_runner_up(self, shipped):
        lines = shipped.stdout.splitlines()
        for question in SampleFiles.find(SAMPLES).questions:
            best, next_best = lines[lines.index(f"  {question.text}") + 1 :][:2]
            assert question.answer in best
            assert best.endswith("right")
            assert 1 > float(best.split()[0]) > float(next_best.split()[0]) > 0

    @pytest.mark.parametrize("checkpoint", SMALL_CHECKPOINTS, ids=lambda checkpoint: checkpoint.name)
    def test_each_family_encodes_every_file_it_takes(self, shipped, checkpoint):
        _, _, after = shipped.stdout.partition(f"  {checkpoint.title} (random weights)\n")
        rows = [line.split() for line in after.split("random weights")[0].splitlines()]
        wanted = [file.name for file in SampleFiles.find(SAMPLES).of(*checkpoint.media)]
        found = {row[0]: row for row in rows if row and row[0] in wanted}
        assert list(found) == wanted
        for row in found.values():
            assert row[-3] in ("tokens", "patches", "columns")
            assert int(row[-4]) > 0
            assert float(row[-2]) > 0
            assert row[-1] in ("(24,)", "(32,)", "(64,)")

    def test_sizes_are_those_of_the_files(self, shipped):
        assert "images/cat.png            image     451 x 300 pixels " in shipped.stdout
        assert "sounds/bell.flac          audio     6.72 s " in shipped.stdout
        assert "clips/deep-field-pan.mp4  video     4.00 s, 8 of 96 frames, 320 x 240 " in shipped.stdout

    def test_random_weights_are_said_to_mean_nothing(self, shipped):
        assert "THESE CHECKPOINTS HAVE RANDOM WEIGHTS" in shipped.stdout
        assert "their vectors mean nothing" in shipped.stdout

    def test_agreement_covers_every_checkpoint(self, shipped):
        _, _, table = shipped.stdout.partition("\n  checkpoint ")
        for checkpoint in SMALL_CHECKPOINTS:
            row = next(line for line in table.splitlines() if line.startswith(f"  {checkpoint.title}"))
            assert row.count("(") == len(checkpoint.media)
        assert "all-MiniLM-L6-v2" in table

    def test_what_the_peer_cannot_open_is_said(self, shipped):
        words = " ".join(shipped.stdout.split())
        assert "clips/cat-zoom.webm (Qwen2-VL, Qwen2.5-VL, Qwen3-VL, Qwen2.5-Omni, EmbeddingGemma 2)" in words
        assert "all 7 sounds (Whisper encoder, Router of towers): ValueError" in words

    def test_each_question_is_shown_before_and_after(self, shipped):
        _, _, part = shipped.stdout.partition("Retrieved by the real all-MiniLM-L6-v2, then reranked")
        part, _, _ = part.partition("Any modality for any other")
        lines = part.splitlines()
        for question in SampleFiles.find(SAMPLES).questions:
            rows = [line.split("|") for line in lines[lines.index(f"  query: {question.text}") + 1 :][:5]]
            before, after = [left.split() for left, _ in rows], [right.split() for _, right in rows]
            assert before[0][1:3] == [question.answer, "*"]
            assert [row[0] for row in before] == [row[0] for row in after] == ["1", "2", "3", "4", "5"]
            assert sorted(row[1] for row in before) == sorted(row[1] for row in after)
            places = {row[1]: int(row[0]) for row in before}
            for row in after:
                assert places[row[1]] - int(row[0]) == int(row[-1].replace("=", "0"))
        assert "  AFTER: Qwen3-Reranker (RANDOM WEIGHTS)" in part

    def test_rerankers_of_random_weights_are_said_to_mean_nothing(self, shipped):
        assert "THE RERANKER HAS RANDOM WEIGHTS" in shipped.stdout
        assert "THE ORDER AFTER MEANS NOTHING" in shipped.stdout
        assert "NEITHER ORDER MEANS ANYTHING" in shipped.stdout

    def test_every_modality_is_reranked(self, shipped):
        _, _, part = shipped.stdout.partition("Any modality for any other")
        part, _, _ = part.partition("Agreement with")
        right = " ".join(line.partition("|")[2] for line in part.splitlines())
        for file in SampleFiles.find(SAMPLES).of("image", "audio", "video"):
            assert file.name in right
        lines = part.splitlines()
        assert {"  query: images/astronaut.png", "  query: sounds/bell.flac"} <= set(lines)

    def test_scores_agree_and_work_was_shared(self, shipped):
        _, _, part = shipped.stdout.partition("Agreement of the rerankers' scores")
        rows = [line.split() for line in part.splitlines() if " x " in line and "queries" not in line]
        assert len(rows) == 8
        for row in rows:
            assert row[-5] == ("no" if row[0] == "BERT" else "yes")
            assert max(map(float, row[-4:-2])) <= 1e-4
            assert min(map(float, row[-2:])) > 0
        words = " ".join(part.split())
        assert "197 pairs scored by 5 rerankers" in words
        assert "BERT cross-encoder: pairs are computed one by one" in words
        assert "clips/cat-zoom.webm (Qwen3-VL-Reranker, jina-reranker-m0, Qwen2.5-Omni)" in words

    def test_a_broken_file_is_named(self, shipped):
        words = " ".join(shipped.stdout.split())
        assert "row 1, half-of-astronaut.png: all NaN" in words
        assert "report: input 1 (half-of-astronaut.png): the image is truncated or damaged" in words


class TestSomethingWrong:
    def test_wrong_answer_and_broken_file_fail_the_run(self, tmp_path):
        folder = copy_samples(tmp_path / "mine")
        questions = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
        questions[3]["answer"] = "texts/rocket.txt"
        (folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
        (folder / "images" / "torn.jpg").write_bytes((SAMPLES / "images" / "rocket.jpg").read_bytes()[:9000])
        result = run_demo("--samples", str(folder))
        assert result.returncode == 1
        assert result.stderr == ""
        words = " ".join(result.stdout.split())
        assert "4 of 5 answers right" in words
        assert f"WRONG: {questions[3]['question']!r} found texts/crow.txt" in words
        assert "images/torn.jpg image FAILED, see the summary" in words
        assert "WRONG: images/torn.jpg: the image is truncated" in words
        assert "(CLIP, SigLIP, SigLIP 2, Qwen2-VL" in words
        assert "WRONG: images/torn.jpg was not read: " in words
        assert "Words to picture: left out, " in words
        assert "Things that are wrong: 3." in words
        assert "All is well" not in words

    def test_a_folder_without_samples_is_refused(self, tmp_path):
        result = run_demo("--samples", str(tmp_path))
        assert result.returncode == 2
        assert f"{tmp_path / 'texts'} holds no files" in result.stderr
        assert "Traceback" not in result.stderr


class TestSampleFiles:
    def test_questions_must_be_a_list_of_questions(self, tmp_path):
        folder = copy_samples(tmp_path)
        (folder / "questions.json").write_text('[{"question": "Why?"}]', encoding="utf-8")
        with pytest.raises(SamplesError, match="is no list of"):
            SampleFiles.find(folder)

    def test_an_answer_must_be_one_of_the_texts(self, tmp_path):
        folder = copy_samples(tmp_path)
        (folder / "questions.json").write_text('[{"question": "Why?", "answer": "texts/why.txt"}]', encoding="utf-8")
        with pytest.raises(SamplesError, match=r"texts/why\.txt.*none of the texts"):
            SampleFiles.find(folder)


def test_every_family_that_takes_media_is_shown():
    """Further layouts of a family already shown are left out: the old CLIP, fused CLAP, the whole Whisper."""
    with_media = {family.name for family in FAMILIES if {"image", "audio", "video"} & set(family.modalities)}
    shown = {checkpoint.name for checkpoint in SMALL_CHECKPOINTS}
    assert with_media - shown == {"clip_legacy", "clap_fused", "whisper_full"}
    assert shown <= with_media


def make_row(vector: Any, name: str = "images/one.png", modality: str = "image") -> Encoded:
    """A row as `encode_file` makes it, with a given vector."""
    file = SampleFile(name, Path(name), modality)  # type: ignore[arg-type]
    sound = Waveform(np.zeros(8, np.float32), 16_000)
    sample = Sample("audio", (Part("audio", sound, is_loaded=True),))
    features = frozenset({"input_features"} if modality == "audio" else {"pixel_values"})
    return Encoded(file, "", "", 1.0, np.asarray(vector, np.float32), sample, features)


class FakePeer:
    """Gives one vector, or raises, whatever it is asked."""

    def __init__(self, vector: Any, fault: Exception | None = None, features: tuple[str, ...] = ()) -> None:
        self.vector, self.fault, self.features = np.asarray(vector, np.float32), fault, features

    def encode(self, value: Any) -> np.ndarray:
        if self.fault is not None:
            raise self.fault
        return self.vector

    def preprocess(self, values: list[Any]) -> dict[str, None]:
        return dict.fromkeys(self.features)


OURS: Any = SimpleNamespace(processor=None)


class TestCompare:
    def test_equal_vectors_agree(self):
        agreement = compare("CLIP", OURS, FakePeer([1.0, 2.0]), [make_row([1.0, 2.0])])
        assert agreement.problems == []
        assert agreement.differences == {"image": [0.0]}
        assert agreement.cell("image") == "0.0e+00 (1)"
        assert agreement.cell("audio") == "-"

    @pytest.mark.parametrize("theirs", [[1.0, 2.0001], [1.0, np.nan], [1.0], []])
    def test_other_vectors_are_a_problem(self, theirs):
        agreement = compare("CLIP", OURS, FakePeer(theirs), [make_row([1.0, 2.0])])
        assert len(agreement.problems) == 1
        assert "images/one.png: the vector is" in agreement.problems[0]
        assert not agreement.largest <= 1e-5

    def test_a_peer_that_raises_is_a_problem(self):
        peer = FakePeer([1.0, 2.0], ValueError("no such thing. More words."))
        agreement = compare("CLIP", OURS, peer, [make_row([1.0, 2.0])])
        assert agreement.problems == ["images/one.png: the peer gave no vector: ValueError: no such thing."]

    def test_a_path_taken_for_a_text_is_noted_and_no_problem(self):
        row = make_row([1.0, 2.0], "sounds/one.flac", "audio")
        agreement = compare("CLAP", OURS, FakePeer([1.0, 2.0], features=("input_ids",)), [row])
        assert [unread.reason for unread in agreement.unread] == ["took the path for a text, and encoded that"]
        assert agreement.problems == []

    def test_a_path_read_as_a_sound_is_not_noted(self):
        row = make_row([1.0, 2.0], "sounds/one.flac", "audio")
        agreement = compare("CLAP", OURS, FakePeer([1.0, 2.0], features=("input_features",)), [row])
        assert agreement.unread == []

    def test_the_table_shows_the_largest(self):
        agreement = Agreement("CLIP", {"image": [1e-7, 3e-6], "audio": [0.0]})
        lines = list(agreement_lines([agreement], SampleFiles.find(SAMPLES)))
        assert lines[2].split() == ["CLIP", "-", "3.0e-06", "(2)", "0.0e+00", "(1)", "-"]


class TestFindProblems:
    def test_good_rows_have_none(self):
        rows = [make_row([1.0, 2.0]), make_row([2.0, 1.0], "images/two.png")]
        assert media_table.find_problems(rows) == []

    @pytest.mark.parametrize(
        ("vector", "problem"),
        [([1.0, np.nan], "finite"), ([np.inf, 0.0], "finite"), ([[1.0, 2.0]], "finite"), ([3.0, 3.0], "constant")],
    )
    def test_a_bad_vector_is_one(self, vector, problem):
        (found,) = media_table.find_problems([make_row(vector)])
        assert problem in found

    def test_two_files_with_one_vector_are_one(self):
        rows = [make_row([1.0, 2.0]), make_row([1.0, 2.0], "images/two.png")]
        assert media_table.find_problems(rows) == ["images/two.png and images/one.png have the same vector."]

    def test_a_failure_is_one(self):
        failed = Failed(make_row([0.0]).file, "it is torn.")
        assert media_table.find_problems([failed]) == ["images/one.png: it is torn."]


class TestAnswer:
    QUESTION = Question("Why?", "images/one.png")

    def test_the_right_passage_is_right(self):
        one, two = make_row([0.0]).file, make_row([0.0], "images/two.png").file
        assert Answer(self.QUESTION, one, 0.6, two, 0.2).problem is None
        assert "not images/one.png" in (Answer(self.QUESTION, two, 0.6, one, 0.2).problem or "")

    def test_a_score_that_is_no_number_is_wrong(self):
        one, two = make_row([0.0]).file, make_row([0.0], "images/two.png").file
        assert not Answer(self.QUESTION, one, float("nan"), two, 0.2).is_right


class TestTable:
    def test_long_cells_are_cut_and_columns_line_up(self):
        table = Table(Column("name", 6), Column("n", 4, is_number=True))
        assert table.heading() == "  name       n\n  ------  ----"
        assert table.line("abcdefgh", "12") == "  abc...    12"

    def test_a_table_wider_than_a_line_is_refused(self):
        with pytest.raises(ValueError, match="the columns take 122 characters"):
            Table(Column("a", 60), Column("b", 58))
