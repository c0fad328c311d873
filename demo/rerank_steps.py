"""The rerank steps of the demo: what is retrieved and reranked in which order, and what is printed around it.

Must not know how candidates are laid out, or scores compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.checkpoints import (
    BERT_RERANKER,
    JINA_RERANKER,
    MINILM_TITLE,
    OMNI_RERANKER,
    QWEN3_RERANKER,
    QWEN3_VL_RERANKER,
    SmallReranker,
    load_our_reranker,
    load_ours,
    load_their_reranker,
)
from demo.reranking import heading, rerank
from demo.sample_files import FOLDERS, SampleFile, SampleFiles
from demo.score_agreement import ScoreAgreement, Side, compare_scores
from demo.table import print_title
from sensorium.errors import SensoriumError

if TYPE_CHECKING:
    from sensorium import CrossEncoder, SentenceTransformer

#: Candidates that are found, reranked and shown, where there are too many files to show all.
_SHOWN = 5
#: Small encoders, by their names in `SMALL_CHECKPOINTS`, that find candidates for the rerankers of their kind.
_LOOKING, _LISTENING = "qwen3_vl", "qwen2_5_omni"


@dataclass(frozen=True, slots=True)
class _Finder:
    """An encoder, and what stands above the candidates that it finds."""

    model: SentenceTransformer
    title: str


class RerankSteps:
    """Retrieves and reranks, prints as it goes, and remembers what is wrong and how the scores compare."""

    def __init__(self, samples: SampleFiles, scratch: Path) -> None:
        """Prepare the steps.

        Args:
            samples: What is searched.
            scratch: Where the small checkpoints are, or are written to.
        """
        self.samples = samples
        self.agreements: list[ScoreAgreement] = []
        #: What is wrong, each behind the reranker with which.
        self.problems: list[tuple[str, str]] = []
        self._scratch = scratch
        self._loaded: dict[str, tuple[CrossEncoder, Any]] = {}

    def rerank_texts(self, minilm: SentenceTransformer) -> None:
        """Find passages for each question by the real MiniLM, and rerank them by a small reranker."""
        print_title(f"Retrieved by the real {MINILM_TITLE}, then reranked: questions over the texts")
        print(
            "  THE RERANKER HAS RANDOM WEIGHTS, so that nothing need be fetched: THE ORDER AFTER MEANS NOTHING, and\n"
            "  may well be the worse one. It only proves the machinery: retrieve_and_rerank(...) finds the nearest\n"
            "  passages and scores each again, read together with the question. A better order takes a reranker with\n"
            "  trained weights. *: answers the question. moved: places won (+) or lost (-)."
        )
        passages = self.samples.of("text")
        questions = [Side.from_text(question.text) for question in self.samples.questions]
        answers = [question.answer for question in self.samples.questions]
        self._compare(BERT_RERANKER, questions, passages)
        finder = _Finder(minilm, f"{MINILM_TITLE}, cosine")
        self._show(finder, QWEN3_RERANKER, questions, passages, _SHOWN, answers)

    def rerank_media(self, usable: Mapping[str, Sequence[SampleFile]]) -> None:
        """Rerank texts for a photograph, photographs and clips and sounds for a text, and photographs for a sound.

        Args:
            usable: Name of a small encoder -> the images, sounds and clips that it could encode.
        """
        print_title("Any modality for any other, retrieved by small encoders, then reranked by small rerankers")
        print(
            "  HERE BOTH HAVE RANDOM WEIGHTS: NEITHER ORDER MEANS ANYTHING. They only prove that photographs, sounds,\n"
            "  clips and texts are taken on either side."
        )
        question = [Side.from_text(self.samples.questions[0].text)]
        seen, heard = usable[_LOOKING], usable[_LISTENING]
        photographs = [Side.from_file(file) for file in seen if file.modality == "image"][:1]
        sounds = [Side.from_file(file) for file in heard if file.modality == "audio"][:1]
        texts = self.samples.of("text")
        looking = _Finder(load_ours(self._scratch / _LOOKING), "Qwen3-VL (RANDOM WEIGHTS)")
        self._show(looking, QWEN3_VL_RERANKER, photographs, texts, _SHOWN)
        self._show(looking, QWEN3_VL_RERANKER, question, seen, len(seen))
        self._compare(JINA_RERANKER, photographs, texts)
        self._compare(JINA_RERANKER, question, seen)
        listening = _Finder(load_ours(self._scratch / _LISTENING), "Qwen2.5-Omni (RANDOM WEIGHTS)")
        self._show(listening, OMNI_RERANKER, question, heard, len(heard))
        pictures = [file for file in heard if file.modality == "image"]
        self._show(listening, OMNI_RERANKER, sounds, pictures, _SHOWN)

    def _show(
        self,
        finder: _Finder,
        reranker: SmallReranker,
        queries: Sequence[Side],
        files: Sequence[SampleFile],
        wanted: int,
        answers: Sequence[str] = (),
    ) -> None:
        """Retrieve and rerank for each query, print both orders, and check them against scores pair by pair."""
        agreement = self._compare(reranker, queries, files)
        if agreement is None:
            return
        ours, _ = self._load(reranker)
        embeddings = finder.model.encode_document([file.value for file in files])
        print(f"\n{heading(finder.title, f'{reranker.title} (RANDOM WEIGHTS)')}")
        for i, query in enumerate(queries):
            ranking = rerank(
                query.value,
                files,
                encoder=finder.model,
                reranker=ours,
                embeddings=embeddings,
                wanted=wanted,
                answer=answers[i] if answers else None,
            )
            print(f"  query: {query.label}", *ranking.lines(), sep="\n", flush=True)
            problems = ranking.find_problems(agreement.unshared[i * len(files) :][: len(files)])
            self.problems += [(reranker.title, f"{query.label!r}: {problem}") for problem in problems]

    def _compare(
        self, reranker: SmallReranker, queries: Sequence[Side], files: Sequence[SampleFile]
    ) -> ScoreAgreement | None:
        """Compare the scores of every query with every file; None where there are no scores."""
        if not queries or not files:
            return None
        documents = [Side.from_file(file) for file in files]
        sides = [(query, document) for query in queries for document in documents]
        label = f"{_describe(queries)} x {_describe(documents)}"
        ours, theirs = self._load(reranker)
        try:
            agreement = compare_scores(reranker.title, label, ours, theirs, sides, is_sharing=reranker.is_sharing)
        except SensoriumError as exc:
            self.problems.append((reranker.title, f"{label}: {exc}"))
            return None
        self.agreements.append(agreement)
        self.problems += [(reranker.title, problem) for problem in agreement.problems]
        return agreement

    def _load(self, reranker: SmallReranker) -> tuple[CrossEncoder, Any]:
        """Return a reranker as Sensorium loads it and as the peer does, built and loaded when first asked for."""
        if reranker.name not in self._loaded:
            folder = reranker.build(self._scratch)
            self._loaded[reranker.name] = load_our_reranker(folder), load_their_reranker(folder)
        return self._loaded[reranker.name]


def _describe(sides: Sequence[Side]) -> str:
    """Count sides by modality: `"5 texts"`, `"10 images, 2 clips"`; more than two kinds are `"19 files"`."""
    numbers = {folder: sum(side.modality == modality for side in sides) for modality, folder in FOLDERS.items()}
    kinds = [f"{number} {folder if number > 1 else folder[:-1]}" for folder, number in numbers.items() if number]
    return ", ".join(kinds) if len(kinds) < 3 else f"{len(sides)} files"
