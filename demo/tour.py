"""The walk through the demo: what is encoded in which order, and what is printed around the tables.

Must not know how a file is measured, a question answered or two vectors compared.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from demo import media_table, questions
from demo.agreement import TOLERANCE, Agreement, compare, crops_at_random
from demo.broken_file import encode_broken_batch
from demo.checkpoints import MINILM_TITLE, SMALL_CHECKPOINTS, SmallCheckpoint, load_ours, load_theirs
from demo.media_table import Encoded
from demo.sample_files import FOLDERS, SampleFile, SampleFiles
from demo.table import Column, Table, paragraph

if TYPE_CHECKING:
    from sensorium import SentenceTransformer

_AGREEMENT_TABLE = Table(Column("checkpoint", 18), *(Column(folder, 14) for folder in FOLDERS.values()))


class Tour:
    """One run of the demo. It prints as it goes, and remembers what is wrong."""

    def __init__(self, samples: SampleFiles, peer: str) -> None:
        """Prepare a walk.

        Args:
            samples: What is encoded.
            peer: The peer's name and version, for the text.
        """
        self.samples = samples
        self.peer = peer
        self.problems: list[str] = []
        self.agreements: list[Agreement] = []
        self.randomly_cropped: list[str] = []
        self.vectors = 0
        self.right_answers = 0

    def walk(self, minilm: Path) -> None:
        """Go through all of it.

        Args:
            minilm: Folder of the real all-MiniLM-L6-v2.
        """
        with tempfile.TemporaryDirectory(prefix="sensorium-demo-") as name:
            scratch = Path(name)
            self._encode_texts(minilm)
            self._encode_media(scratch)
            self._break_a_file(scratch)
        self._show_agreement()

    def conclude(self, seconds: float) -> int:
        """Print the summary, and return the exit status."""
        largest = max((agreement.largest for agreement in self.agreements), default=0.0)
        _print_title("Summary")
        print(
            paragraph(
                f"{self.right_answers} of {len(self.samples.questions)} answers right; {self.vectors} vectors of "
                f"{len(self.samples.files)} files by {len(self.agreements)} checkpoints; largest difference from "
                f"{self.peer} {largest:.1e}; {seconds:.0f} s."
            )
        )
        for problem in self.problems:
            print(paragraph(f"WRONG: {problem}"))
        print("  All is well." if not self.problems else f"  {len(self.problems)} things are wrong.")
        return 1 if self.problems else 0

    def _encode_texts(self, minilm: Path) -> None:
        model = load_ours(minilm)
        passages = self.samples.of("text")
        _print_title(f"Texts, by the real {MINILM_TITLE}")
        print(media_table.heading())
        rows = self._encode_files(MINILM_TITLE, model, passages)
        self.agreements.append(compare(MINILM_TITLE, model, load_theirs(minilm), rows))
        _print_title("Questions over these texts: the best passage and the runner-up, by cosine")
        print(questions.heading())
        for answer in questions.answer_questions(model, self.samples.questions, passages):
            print(*answer.lines(), sep="\n")
            self.right_answers += answer.is_right
            if answer.problem is not None:
                self.problems.append(answer.problem)

    def _encode_media(self, scratch: Path) -> None:
        _print_title("Images, sounds and clips, by small checkpoints of every family that takes them")
        print(
            "  THESE CHECKPOINTS HAVE RANDOM WEIGHTS, so that nothing need be fetched: their vectors mean nothing.\n"
            "  They only prove the machinery: every file is opened, prepared as the family wants it, and computed.\n"
            "  The model saw: tokens of a sequence (its chat template's included), patches of an image tower, or\n"
            "  columns of an audio tower's spectrogram. ms: the file alone, opening and decoding included, when warm.\n"
        )
        print(media_table.heading())
        for checkpoint in SMALL_CHECKPOINTS:
            self._encode_with(checkpoint, scratch)

    def _encode_with(self, checkpoint: SmallCheckpoint, scratch: Path) -> None:
        folder = checkpoint.build(scratch)
        model = load_ours(folder)
        if crops_at_random(model):
            self.randomly_cropped.append(checkpoint.title)
        files = self.samples.of(*(name for name in ("image", "audio", "video") if model.supports(name)))
        print(f"  {checkpoint.title} (random weights)")
        rows = self._encode_files(checkpoint.title, model, files)
        self.agreements.append(compare(checkpoint.title, model, load_theirs(folder), rows))

    def _encode_files(self, title: str, model: SentenceTransformer, files: Sequence[SampleFile]) -> list[Encoded]:
        for first in {file.modality: file for file in reversed(files)}.values():
            media_table.encode_file(
                model, first
            )  # the first of a kind loads libraries, which the times should not show
        rows = []
        for file in files:
            rows.append(media_table.encode_file(model, file))
            print(rows[-1].line(), flush=True)
        self.problems += media_table.find_problems(title, rows)
        encoded = [row for row in rows if isinstance(row, Encoded)]
        self.vectors += len(encoded)
        return encoded

    def _break_a_file(self, scratch: Path) -> None:
        checkpoint = SMALL_CHECKPOINTS[0]
        _print_title(
            f'A broken file in a batch, by {checkpoint.title}: encode(..., on_error="skip", return_report=True)'
        )
        batch = encode_broken_batch(load_ours(scratch / checkpoint.name), self.samples.of("image"), scratch)
        for line in [*batch.rows, *(f"report: {sentence}" for sentence in batch.sentences)]:
            print(paragraph(line))
        if batch.problem is not None:
            self.problems.append(batch.problem)

    def _show_agreement(self) -> None:
        _print_title(f"Agreement with {self.peer} on the same checkpoints")
        print(f"  Largest difference in any dimension (how many inputs); {TOLERANCE:.0e} is allowed.\n")
        print(_AGREEMENT_TABLE.heading())
        for agreement in self.agreements:
            print(_AGREEMENT_TABLE.line(agreement.title, *(agreement.cell(modality) for modality in FOLDERS)))
            self.problems += agreement.problems
        print("\n  It was given texts, image files, and sounds and clips as Sensorium had decoded them.")
        if self.randomly_cropped:
            print(
                paragraph(
                    f"{', '.join(self.randomly_cropped)}: on the part of each sound that fits into the model's window. "
                    "Of a longer one the peer takes a part at random on every call, Sensorium always the same."
                )
            )
        self._show_unread()

    def _show_unread(self) -> None:
        """Say which sounds and clips the peer could not have opened itself, with whom and why."""
        by_reason: dict[str, tuple[set[str], set[str]]] = {}
        for agreement in self.agreements:
            for unread in agreement.unread:
                titles, names = by_reason.setdefault(unread.reason, (set(), set()))
                titles.add(agreement.title)
                names.add(unread.name)
        if by_reason:
            print("\n  Given the path instead, it did not read these files here:")
        order = [agreement.title for agreement in self.agreements]
        for reason, (titles, names) in by_reason.items():
            files = ", ".join(sorted(names))
            print(paragraph(f"{files} ({', '.join(sorted(titles, key=order.index))}): {reason}.", indent="    "))


def _print_title(text: str) -> None:
    print(f"\n{text}\n{'=' * len(text)}", flush=True)
