"""`sensorium demo`: a small sample indexed into a folder that goes away again, and five questions across modalities.

Each question has an answer that is known; one that is not among the first results ends the command with an error. Must
not know how anything is found.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorium.cli import exit_codes, opening
from sensorium.cli.options import JsonOption

if TYPE_CHECKING:
    from sensorium.collection import Collection, SearchResult

#: How many results are shown, and may come before the expected one and it still counts as found.
SHOWN = 3
#: Of each kind of file, about so many are taken beside the answers.
_TAKEN = {"pictures": 48, "sounds": 24, "clips": 12}
#: Texts that are written beside the files: what there is on a shopping list, a sign, a page of a book for children.
_NOTES = {
    "anchor": "An anchor keeps a ship in its place.",
    "balloon": "A balloon for the birthday party.",
    "mushroom": "A mushroom that grows in the forest.",
    "penguin": "A penguin is a bird that swims.",
    "trumpet": "A trumpet is made of brass.",
    "umbrella": "Take an umbrella, it rains.",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question with a known answer.

    Attributes:
        title: From what to what.
        asked: Words, or a file of the sample.
        modality: Of the results.
        expected: The file that must be among them.
    """

    title: str
    asked: str
    modality: str
    expected: str
    is_file: bool = False


QUESTIONS: tuple[Question, ...] = (
    Question("words to picture", "cherries", "image", "pictures/cherries.png"),
    Question("words to sound", "a ghost", "audio", "sounds/ghost.flac"),
    Question("words to clip", "a water pistol", "video", "clips/water-pistol.mp4"),
    Question("picture to words", "pictures/mushroom.png", "text", "notes/mushroom.txt", True),
    Question("sound to picture", "sounds/paperclip.flac", "image", "pictures/paperclip.png", True),
)


def run(is_json: JsonOption = False) -> int:
    """Index a small sample and ask it five questions.

    Words, pictures, spoken words and short clips, with the built-in model; nothing is left behind.
    """
    from sensorium.cli.output import print_json, print_line, print_note
    from sensorium.hub.builtin import BUILTIN_NOTICE, builtin_sample

    print_note(BUILTIN_NOTICE)
    sample = Path(builtin_sample())
    with tempfile.TemporaryDirectory(prefix="sensorium-demo-") as folder:
        files = Path(folder, "files")
        take_sample(sample, files)
        with closing(_index(Path(folder, "collection"), files, is_json=is_json)) as collection:
            answers = [_ask(collection, question, files) for question in QUESTIONS]
    if is_json:
        print_json([_describe(*answer) for answer in answers])
    else:
        for answer in answers:
            _show(*answer)
    missed = [question.title for question, results in answers if not _is_found(question, results)]
    if missed:
        print_note(f"The expected file is not among the first {SHOWN}: {', '.join(missed)}.")
        return exit_codes.FAILED
    if not is_json:
        print_line("Every answer is among the first three. Now your own files: sensorium index FOLDER")
    return exit_codes.DONE


def take_sample(sample: Path, folder: Path) -> None:
    """Copy some files of a sample, all answers among them, and write the notes.

    Args:
        sample: With an `index.json` that lists pictures, sounds and clips.
        folder: Where to; made.
    """
    wanted = {name for question in QUESTIONS for name in (question.asked, question.expected)}
    listed: dict[str, dict[str, str]] = json.loads((sample / "index.json").read_text(encoding="utf-8"))
    for kind, most in _TAKEN.items():
        names = sorted(listed[kind])
        some = names[:: max(1, len(names) // most)]
        target = folder / kind
        target.mkdir(parents=True)
        for name in sorted({*some, *(name for name in names if f"{kind}/{name}" in wanted)}):
            shutil.copyfile(sample / kind / name, target / name)
    notes = folder / "notes"
    notes.mkdir()
    for name, text in _NOTES.items():
        (notes / f"{name}.txt").write_text(text + "\n", encoding="utf-8")


def _index(folder: Path, files: Path, *, is_json: bool) -> Collection:
    from sensorium.cli.output import count_of, print_line, show_seconds
    from sensorium.cli.progress import IndexingProgress
    from sensorium.ingest import IngestSettings

    collection = opening.create_collection(str(folder), model=None, settings=IngestSettings())
    try:
        with IndexingProgress(is_quiet=is_json) as progress:
            report = collection.add(str(files), on_progress=progress.update)
    except BaseException:
        collection.close()
        raise
    if not is_json:
        print_line(
            f"Indexed {count_of(report.files, 'file')} in {show_seconds(report.seconds)}: pictures, spoken words, "
            "clips and notes."
        )
    return collection


def _ask(collection: Collection, question: Question, files: Path) -> tuple[Question, list[SearchResult]]:
    asked = files / question.asked if question.is_file else question.asked
    return question, collection.search(asked, SHOWN, modality=question.modality)


def _is_found(question: Question, results: list[SearchResult]) -> bool:
    return any(result.key == question.expected for result in results)


def _show(question: Question, results: list[SearchResult]) -> None:
    from sensorium.cli.output import print_line
    from sensorium.cli.results import show_score

    print_line()
    print_line(f"{question.title}: {question.asked}")
    for rank, result in enumerate(results, 1):
        mark = "   <- expected" if result.key == question.expected else ""
        print_line(f"  {rank}. {show_score(result.score)}  {result.key}{mark}")


def _describe(question: Question, results: list[SearchResult]) -> dict[str, Any]:
    from sensorium.cli.results import describe_result

    return {
        "title": question.title,
        "query": question.asked,
        "expected": question.expected,
        "is_found": _is_found(question, results),
        "results": [describe_result(result, rank) for rank, result in enumerate(results, 1)],
    }
