"""The demo's rerank step finds what is wrong: with the order, with shared work, with the peer's scores."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from demo.checkpoints import BERT_RERANKER, OMNI_RERANKER, QWEN3_RERANKER
from demo.rerank_steps import RerankSteps
from demo.reranking import Reranking, describe_move, heading
from demo.sample_files import Question, SampleFile, SampleFiles
from demo.score_agreement import ScoreAgreement, Side, compare_scores
from demo.score_table import score_lines
from demo.sharing_log import listen_to_sharing
from demo.table import LINE_WIDTH

from sensorium import InputError, RerankedHit

SCORES = np.array([0.2, 0.9, 0.5], np.float32)
SIMILARITIES = np.array([0.8, 0.3, 0.6], np.float32)


@pytest.fixture
def files(tmp_path: Path) -> list[SampleFile]:
    """Three texts."""
    paths = [tmp_path / f"{name}.txt" for name in ("bell", "cat", "crow")]
    for path in paths:
        path.write_text(f"About a {path.stem}.\n", encoding="utf-8")
    return [SampleFile(f"texts/{path.name}", path, "text") for path in paths]


@pytest.fixture
def hits(files) -> list[RerankedHit]:
    """The two nearest of the three, reranked: the second goes before the first."""
    return [
        RerankedHit(2, files[2].value, 0.6, 0.5, retrieval_rank=2, rerank_rank=1),
        RerankedHit(0, files[0].value, 0.8, 0.2, retrieval_rank=1, rerank_rank=2),
    ]


class TestReranking:
    def test_lines_show_both_orders(self, files, hits):
        ranking = Reranking(files, hits, SIMILARITIES, wanted=2, answer="texts/bell.txt")
        assert [line.split() for line in ranking.lines()] == [
            ["1", "texts/bell.txt", "*", "0.800", "|", "1", "texts/crow.txt", "0.500", "+1"],
            ["2", "texts/crow.txt", "0.600", "|", "2", "texts/bell.txt", "*", "0.200", "-1"],
        ]

    def test_columns_line_up_under_the_heading(self, files, hits):
        lines = heading("one", "another").splitlines() + Reranking(files, hits, SIMILARITIES, 2).lines()
        assert len({line.index("|") for line in lines if "|" in line}) == 1
        assert max(map(len, lines)) <= LINE_WIDTH

    def test_a_candidate_that_stays_has_not_moved(self, hits):
        assert describe_move(replace(hits[0], retrieval_rank=1)) == "="

    def test_a_right_ranking_has_no_problems(self, files, hits):
        assert Reranking(files, hits, SIMILARITIES, 2).find_problems(SCORES) == []
        assert Reranking(files, [], SIMILARITIES[:0], 2).find_problems(SCORES[:0]) == []

    def test_all_files_may_be_wanted_and_more(self, files, hits):
        more = [RerankedHit(1, files[1].value, 0.3, 0.9, retrieval_rank=3, rerank_rank=1)]
        more += [replace(hit, rerank_rank=hit.rerank_rank + 1) for hit in hits]
        assert Reranking(files, more, SIMILARITIES, 100).find_problems(SCORES) == []

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"rerank_score": 0.5002}, "1 scores are not those pair by pair, first texts/crow.txt: 0.5002, not 0.5."),
            ({"rerank_score": float("nan")}, "first texts/crow.txt: nan, not 0.5."),
            ({"rerank_score": None}, "first texts/crow.txt: None, not 0.5."),
            ({"document": "About a dog."}, "1 hits hold another document, first that of texts/crow.txt."),
            ({"retrieval_score": 0.61}, "the candidates are not the nearest files, in order."),
            ({"retrieval_score": float("nan")}, "the candidates are not the nearest files, in order."),
            ({"retrieval_rank": 3}, "the ranks before or after are not 1 to 2."),
            ({"rerank_rank": 3}, "the ranks before or after are not 1 to 2."),
        ],
    )
    def test_a_wrong_hit_is_a_problem(self, files, hits, change, problem):
        hits[0] = replace(hits[0], **change)
        found = Reranking(files, hits, SIMILARITIES, 2).find_problems(SCORES)
        assert problem in " ".join(found)

    def test_scores_that_rise_are_a_problem(self, files, hits):
        turned = [replace(hits[1], rerank_rank=1), replace(hits[0], rerank_rank=2)]
        (problem,) = Reranking(files, turned, SIMILARITIES, 2).find_problems(SCORES)
        assert problem == "the scores after do not fall: [0.2, 0.5]."

    def test_a_missing_hit_is_a_problem(self, files, hits):
        (problem,) = Reranking(files, hits[1:], SIMILARITIES, 2).find_problems(SCORES)
        assert problem == "the ranks before or after are not 1 to 2."

    def test_a_farther_file_in_the_place_of_a_nearer_one_is_a_problem(self, files, hits):
        hits[0] = RerankedHit(1, files[1].value, 0.3, 0.9, retrieval_rank=2, rerank_rank=1)
        (problem,) = Reranking(files, hits, SIMILARITIES, 2).find_problems(SCORES)
        assert problem == "the candidates are not the nearest files, in order."


class FakeReranker:
    """Gives each document the score that stands in it, moved where work is shared; says whether work is shared."""

    processor = SimpleNamespace(video_processor=None)

    def __init__(self, moved: float = 0.0, says: str = "sensorium.modules.sharing.scorer") -> None:
        self.moved, self.says = moved, says

    def predict(self, pairs: list[tuple[str, str]], shared: bool = True) -> np.ndarray:
        if shared and self.says:
            logging.getLogger(self.says).debug("it has no %s", "decoder")
        return np.array([float(document) + self.moved * shared for _, document in pairs], np.float32)


class FakePeer:
    """Gives the same scores, moved; or raises."""

    def __init__(self, moved: float = 0.0, fault: Exception | None = None) -> None:
        self.moved, self.fault = moved, fault

    def predict(self, pairs: list[tuple[str, str]]) -> np.ndarray:
        if self.fault is not None:
            raise self.fault
        return np.array([float(document) + self.moved for _, document in pairs], np.float32)


def compare_fakes(ours: Any, theirs: Any, documents: str = "0.25 0.5 0.75", is_sharing: bool = True) -> ScoreAgreement:
    sides = [(Side.from_text("Why?"), Side.from_text(document)) for document in documents.split()]
    return compare_scores("Fake", "1 text x 3 texts", ours, theirs, sides, is_sharing=is_sharing)


class TestCompareScores:
    def test_equal_scores_agree(self):
        agreement = compare_fakes(FakeReranker(), FakePeer())
        assert agreement.problems == []
        assert agreement.from_peer == [0.0, 0.0, 0.0]
        assert agreement.largest_from_peer == agreement.largest_from_unshared == 0
        assert agreement.has_shared
        assert agreement.obstacle is None
        assert min(agreement.milliseconds) > 0

    def test_other_scores_with_shared_work_are_a_problem(self):
        agreement = compare_fakes(FakeReranker(moved=2e-4), FakePeer(moved=2e-4))
        (problem,) = agreement.problems
        assert problem == "1 text x 3 texts: shared work moves a score by 2.0e-04 from that of shared=False."

    @pytest.mark.parametrize("moved", [2e-4, float("nan")])
    def test_other_scores_of_the_peer_are_a_problem(self, moved):
        agreement = compare_fakes(FakeReranker(), FakePeer(moved))
        (problem,) = agreement.problems
        assert problem == f"1 text x 3 texts: 3 scores are not the peer's, first 'Why?' with '0.25': {moved:.1e}."
        assert not agreement.largest_from_peer <= 1e-4

    def test_a_peer_that_raises_is_a_problem(self):
        agreement = compare_fakes(FakeReranker(), FakePeer(fault=KeyError(0)), "0.25 0.5")
        (problem,) = agreement.problems
        assert problem == "1 text x 3 texts: the peer gave 2 no score, first 'Why?' with '0.25': KeyError: 0."
        assert np.isnan(agreement.largest_from_peer)

    def test_scores_that_are_all_alike_prove_nothing(self):
        (problem,) = compare_fakes(FakeReranker(), FakePeer(), "0.5 0.5001 0.5002").problems
        assert "agreement proves nothing" in problem

    def test_nothing_shared_is_a_problem_where_it_should_be(self):
        (problem,) = compare_fakes(FakeReranker(says=""), FakePeer()).problems
        assert problem == "1 text x 3 texts: nothing was shared: no common beginning."
        assert compare_fakes(FakeReranker(says=""), FakePeer(), is_sharing=False).problems == []

    def test_the_reason_why_nothing_was_shared_is_kept(self):
        agreement = compare_fakes(FakeReranker(says="sensorium.encoders.score_running"), FakePeer(), is_sharing=False)
        assert agreement.obstacle == "it has no decoder"
        assert not agreement.has_shared


class TestScoreTable:
    def test_the_table_shows_the_largest(self):
        one = ScoreAgreement("BERT", "1 text x 2 texts", SCORES[:2], SCORES[:2], milliseconds=(3.0, 4.0))
        one.from_peer, one.obstacle = [1e-7, 3e-6], "it reads both ways"
        lines = list(score_lines([one], SampleFiles((), ())))
        (row,) = [line.split() for line in lines if line.startswith("  BERT ")]
        assert row[-6:] == ["2", "no", "3.0e-06", "0.0e+00", "3.0", "4.0"]
        assert "  BERT: it reads both ways." in lines
        assert max(len(line) for text in lines for line in text.splitlines()) <= LINE_WIDTH


class TestListenToSharing:
    def test_loggers_are_left_as_they_were(self):
        logger = logging.getLogger("sensorium.encoders.score_running")
        before = (logger.level, logger.propagate, list(logger.handlers))
        with pytest.raises(RuntimeError), listen_to_sharing() as log:
            logger.debug("because of %s", "rain")
            raise RuntimeError
        assert log.obstacles == ["because of rain"]
        assert (logger.level, logger.propagate, logger.handlers) == before


class TestRerankSteps:
    def test_a_reranker_that_fails_is_noted(self, tmp_path, files, monkeypatch):
        def fail(*arguments: Any, **more: Any) -> None:
            raise InputError("it is torn.", index=3)

        monkeypatch.setattr("demo.rerank_steps.compare_scores", fail)
        steps = RerankSteps(SampleFiles(tuple(files), (Question("Why?", files[0].name),)), tmp_path)
        steps.rerank_texts(None)  # type: ignore[arg-type]
        assert steps.problems == [
            (BERT_RERANKER.title, "1 text x 3 texts: input 3: it is torn."),
            (QWEN3_RERANKER.title, "1 text x 3 texts: input 3: it is torn."),
        ]
        assert steps.agreements == []

    def test_without_usable_media_there_is_nothing_to_rerank(self, tmp_path, files, monkeypatch, capsys):
        monkeypatch.setattr("demo.rerank_steps.load_ours", lambda folder: None)
        steps = RerankSteps(SampleFiles(tuple(files), (Question("Why?", files[0].name),)), tmp_path)
        steps.rerank_media({"qwen3_vl": [], "qwen2_5_omni": []})
        assert steps.problems == []
        assert OMNI_RERANKER.title not in capsys.readouterr().out
