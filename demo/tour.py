"""The walk through the demo: what is encoded in which order, and what is printed around the tables.

Must not know how a file is measured, a question answered, candidates reranked, or vectors and scores compared.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from demo import media_table, questions
from demo.agreement import Agreement, compare
from demo.agreement_table import agreement_lines
from demo.broken_file import encode_broken_batch
from demo.checkpoints import (
    BERT_RERANKER,
    MINILM_TITLE,
    SMALL_CHECKPOINTS,
    SmallCheckpoint,
    load_our_reranker,
    load_ours,
    load_theirs,
)
from demo.collection_steps import CollectionSteps
from demo.media_table import Encoded
from demo.pictograms import Pictograms
from demo.rerank_steps import RerankSteps
from demo.sample_files import SampleFile, SampleFiles
from demo.score_agreement import ScoreAgreement
from demo.score_table import score_lines
from demo.table import paragraph, print_title
from sensorium.hub import BUILTIN_NOTICE, builtin_model

if TYPE_CHECKING:
    from sensorium import SentenceTransformer


class Tour:
    """One run of the demo. It prints as it goes, and remembers what is wrong."""

    def __init__(self, folder: Path, samples: SampleFiles, peer: str, sheet: Path) -> None:
        """Prepare a walk.

        Args:
            folder: What becomes a collection.
            samples: What of it is encoded file by file.
            peer: The peer's name and version, for the text.
            sheet: Where the contact sheet is written.
        """
        self.folder = folder
        self.samples = samples
        self.sheet = sheet
        self.peer = peer
        #: What is wrong, and with which checkpoints.
        self.problems: dict[str, list[str]] = {}
        self.agreements: list[Agreement] = []
        self.scores: list[ScoreAgreement] = []
        self.vectors = 0
        self.right_answers = 0

    def walk(self, minilm: Path) -> None:
        """Go through all of it.

        Args:
            minilm: Folder of the real all-MiniLM-L6-v2.
        """
        with tempfile.TemporaryDirectory(prefix="sensorium-demo-") as name:
            scratch = Path(name)
            builtin = load_ours(Path(builtin_model()))
            self._search_collection(builtin, scratch)
            self._search_pictograms(builtin)
            model = load_ours(minilm)
            self._encode_texts(model, minilm)
            rows = self._encode_media(scratch)
            self._break_a_file(scratch, SMALL_CHECKPOINTS[0], rows[SMALL_CHECKPOINTS[0].name])
            self._rerank(scratch, model, rows)
        self._show_agreement()

    def conclude(self, seconds: float) -> int:
        """Print the summary, and return the exit status."""
        largest = _largest(agreement.largest for agreement in self.agreements)
        print_title("Summary")
        print(
            paragraph(
                f"{self.right_answers} of {len(self.samples.questions)} answers right; {self.vectors} vectors of "
                f"{len(self.samples.files)} files by {len(self.agreements)} checkpoints; largest difference from "
                f"{self.peer} {largest:.1e}."
            )
        )
        print(
            paragraph(
                f"{sum(len(each.scores) for each in self.scores)} pairs scored by "
                f"{len({each.title for each in self.scores})} rerankers; largest difference from the same "
                f"{_largest(each.largest_from_peer for each in self.scores):.1e}, of shared work from none shared "
                f"{_largest(each.largest_from_unshared for each in self.scores):.1e}."
            )
        )
        print(f"  {seconds:.0f} s.")
        for problem, titles in self.problems.items():
            print(paragraph(f"WRONG: {problem} ({', '.join(titles)})"))
        print("  All is well." if not self.problems else f"  Things that are wrong: {len(self.problems)}.")
        return 1 if self.problems else 0

    def _note(self, title: str, problems: Sequence[str]) -> None:
        for problem in problems:
            self.problems.setdefault(problem, []).append(title)

    def _search_collection(self, model: SentenceTransformer, scratch: Path) -> None:
        print_title(f"A folder of mixed files, {self.folder.name}/, as a collection of the built-in model")
        print(paragraph(BUILTIN_NOTICE))
        room = scratch / "first"
        room.mkdir()
        steps = CollectionSteps(self.folder, room, model, load_our_reranker(BERT_RERANKER.build(room)))
        steps.run()
        self._note("the collection", steps.problems)

    def _search_pictograms(self, model: SentenceTransformer) -> None:
        print_title("Words, pictures, spoken words and clips it was not trained on, by the built-in model")
        step = Pictograms(model, Path(builtin_model()).parent / "figures.json")
        step.write_sheet(self.sheet)
        print(paragraph(f"Of models/mini/sample, none of which it was trained on. Look at them: {self.sheet}"))
        print(*step.lines(), sep="\n", flush=True)
        self._note("sensorium-mini", step.find_problems())

    def _encode_texts(self, model: SentenceTransformer, minilm: Path) -> None:
        passages = self.samples.of("text")
        print_title(f"Texts, by the real {MINILM_TITLE}")
        print(media_table.heading())
        rows = self._encode_files(MINILM_TITLE, model, passages)
        self._compare(MINILM_TITLE, model, minilm, rows)
        print_title("Questions over these texts: the best passage and the runner-up, by cosine")
        print(questions.heading())
        for answer in questions.answer_questions(model, self.samples.questions, passages):
            print(*answer.lines(), sep="\n")
            self.right_answers += answer.is_right
            if answer.problem is not None:
                self._note(MINILM_TITLE, [answer.problem])

    def _encode_media(self, scratch: Path) -> dict[str, list[Encoded]]:
        print_title("Images, sounds and clips, by small checkpoints of every family that takes them")
        print(
            "  THESE CHECKPOINTS HAVE RANDOM WEIGHTS, so that nothing need be fetched: their vectors mean nothing.\n"
            "  They only prove the machinery: every file is opened, prepared as the family wants it, and computed.\n"
            "  The model saw: tokens of a sequence (its chat template's included), patches of an image tower, or\n"
            "  columns of an audio tower's spectrogram. ms: for that file alone, opened and decoded, when warm.\n"
        )
        print(media_table.heading())
        return {checkpoint.name: self._encode_with(checkpoint, scratch) for checkpoint in SMALL_CHECKPOINTS}

    def _encode_with(self, checkpoint: SmallCheckpoint, scratch: Path) -> list[Encoded]:
        folder = checkpoint.build(scratch)
        model = load_ours(folder)
        files = self.samples.of(*checkpoint.media)
        print(f"  {checkpoint.title} (random weights)")
        rows = self._encode_files(checkpoint.title, model, files)
        self._compare(checkpoint.title, model, folder, rows)
        return rows

    def _encode_files(self, title: str, model: SentenceTransformer, files: Sequence[SampleFile]) -> list[Encoded]:
        # The first file of a kind makes libraries load, which the times should not show.
        for first in {file.modality: file for file in reversed(files)}.values():
            media_table.encode_file(model, first)
        rows = []
        for file in files:
            rows.append(media_table.encode_file(model, file))
            print(rows[-1].line(), flush=True)
        self._note(title, media_table.find_problems(rows))
        encoded = [row for row in rows if isinstance(row, Encoded)]
        self.vectors += len(encoded)
        return encoded

    def _compare(self, title: str, model: SentenceTransformer, folder: Path, rows: Sequence[Encoded]) -> None:
        agreement = compare(title, model, load_theirs(folder), rows)
        self._note(title, agreement.problems)
        self.agreements.append(agreement)

    def _break_a_file(self, scratch: Path, checkpoint: SmallCheckpoint, rows: Sequence[Encoded]) -> None:
        if not rows:
            return  # every image failed, which is noted already
        print_title(
            f'A broken file in a batch, by {checkpoint.title}: encode(..., on_error="skip", return_report=True)'
        )
        batch = encode_broken_batch(load_ours(scratch / checkpoint.name), [row.file for row in rows], scratch)
        for line in [*batch.rows, *(f"report: {sentence}" for sentence in batch.sentences)]:
            print(paragraph(line))
        if batch.problem is not None:
            self._note(checkpoint.title, [batch.problem])

    def _rerank(self, scratch: Path, minilm: SentenceTransformer, rows: Mapping[str, Sequence[Encoded]]) -> None:
        steps = RerankSteps(self.samples, scratch)
        steps.rerank_texts(minilm)
        steps.rerank_media({name: [row.file for row in encoded] for name, encoded in rows.items()})
        self.scores = steps.agreements
        for title, problem in steps.problems:
            self._note(title, [problem])

    def _show_agreement(self) -> None:
        print_title(f"Agreement with {self.peer} on the same checkpoints")
        for line in agreement_lines(self.agreements, self.samples):
            print(line)
        print_title(f"Agreement of the rerankers' scores with {self.peer}, and of shared work with none shared")
        for line in score_lines(self.scores, self.samples):
            print(line)


def _largest(values: Iterable[float]) -> float:
    """Return the largest; NaN if one is, or if there is none."""
    return float(np.max([*values] or [np.nan]))
