"""What lies in a folder laid out as `samples/`: texts, images, sounds, clips, and questions over the texts.

Must not know what becomes of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Modality = Literal["text", "image", "audio", "video"]

#: Modality -> the folder it lies in, which is also what the demo calls its files.
FOLDERS: dict[Modality, str] = {"text": "texts", "image": "images", "audio": "sounds", "video": "clips"}


class SamplesError(Exception):
    """The folder is not laid out as `samples/` is."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the name of the text that answers it, such as `"texts/crow.txt"`."""

    text: str
    answer: str


@dataclass(frozen=True, slots=True)
class SampleFile:
    """One file.

    Attributes:
        name: Its place in the folder, such as `"images/cat.png"`.
        path: Where it is.
        modality: What its folder says it is.
    """

    name: str
    path: Path
    modality: Modality

    @property
    def value(self) -> str:
        """What an encoder is given: the words of a text, the path of anything else."""
        return self.path.read_text(encoding="utf-8").strip() if self.modality == "text" else str(self.path)


@dataclass(frozen=True, slots=True)
class SampleFiles:
    """All of it: `files` sorted by modality and name, and `questions`."""

    files: tuple[SampleFile, ...]
    questions: tuple[Question, ...]

    @classmethod
    def find(cls, folder: Path) -> SampleFiles:
        """Look through a folder.

        Raises:
            SamplesError: A subfolder or the questions are missing or empty, there is but one text, or a question names
                none.
        """
        files = tuple(file for modality in FOLDERS for file in _find_files(folder, modality))
        questions = _read_questions(folder / "questions.json")
        names = {file.name for file in files if file.modality == "text"}
        if len(names) < 2:
            raise SamplesError(f"{folder} has one text. Questions need at least two to choose from.")
        for question in questions:
            if question.answer not in names:
                raise SamplesError(f"{question.text!r} is answered by {question.answer!r}, which is none of the texts.")
        return cls(files, questions)

    def of(self, *modalities: str) -> tuple[SampleFile, ...]:
        """Return the files of these modalities."""
        return tuple(file for file in self.files if file.modality in modalities)

    def __str__(self) -> str:
        return ", ".join(f"{len(self.of(modality))} {folder}" for modality, folder in FOLDERS.items())


def _find_files(folder: Path, modality: Modality) -> list[SampleFile]:
    inside = folder / FOLDERS[modality]
    paths = sorted(path for path in inside.iterdir() if path.is_file()) if inside.is_dir() else []
    if not paths:
        raise SamplesError(f"{inside} holds no files. Give a folder laid out as samples/.")
    return [SampleFile(f"{inside.name}/{path.name}", path, modality) for path in paths]


def _read_questions(path: Path) -> tuple[Question, ...]:
    try:
        questions = tuple(
            Question(entry["question"], entry["answer"]) for entry in json.loads(path.read_text(encoding="utf-8"))
        )
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise SamplesError(f'{path} is no list of {{"question", "answer"}}: {exc}') from exc
    if not questions:
        raise SamplesError(f"{path} holds no questions.")
    return questions
