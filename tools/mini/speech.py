"""Spoken words, made by synthesisers, kept as log-mel spectra.

`speak_all` has every emoji's name, common nouns, and the words that most pictures have said by many voices. The voice
slt of flite is heard in the test alone; festival's likeness of it is not heard at all. Needs espeak-ng, flite and
festival (`apt-get install espeak-ng flite festival festvox-kallpc16k festvox-kdlpc16k`). Must not know the network that
listens.
"""

from __future__ import annotations

import io
import json
import random
import re
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr
from tools.mini.melspectrum import RATE, WINDOW_S, compute_log_mel

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 7
WORKERS = 2
#: Words beside the emoji's names that are spoken, the commonest first.
MOST_OTHER_WORDS = 7000
#: Each emoji's name is said by espeak-ng so many times, each time by another voice, and each other word so many times.
ESPEAK_TIMES = {"name": 12, "noun": 4, "other": 3}
#: Of the other words, which are many, flite's voices say so many.
MOST_FLITE = 2300
_LANGUAGES = (
    "en-us", "en-us", "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbcwmd", "en-gb-x-gbclan", "en-029",
)  # fmt: skip
_VARIANTS = (
    "", "", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "croak", "whisper", "klatt",
    "klatt2", "klatt3", "klatt4", "klatt5", "klatt6", "Andrea", "Annie", "Alex", "Denis", "Gene", "Jacky", "Lee",
    "Mario", "Michael", "Steph", "belinda", "iven", "linda", "max", "norbert", "quincy", "rob", "steph2", "travis",
)  # fmt: skip
FLITE_VOICES = ("kal16", "awb", "rms")
TEST_VOICE = "slt"
FESTIVAL_VOICES = ("kal_diphone", "ked_diphone")


def choose_words(pictures: list[dict], nouns: list[str]) -> dict[str, list[str]]:
    """Choose what is said: the names of emoji, common nouns, and the other words that most pictures have."""
    trained = [line for line in pictures if line["split"] == "train"]
    names = sorted({name for line in trained if line["concept"] for name in line["names"] if is_sayable(name)})
    counts = Counter(word for line in trained for word in {*line["names"], *line["tags"]})
    nouns = [noun for noun in nouns if noun not in set(names)]
    taken = {*names, *nouns}
    others = [word for word, _ in counts.most_common() if word not in taken and is_sayable(word)]
    return {"name": names, "noun": nouns, "other": others[:MOST_OTHER_WORDS]}


def is_sayable(text: str) -> bool:
    """Tell whether a text is one to four plain words, short enough for the window."""
    return bool(re.fullmatch(r"[A-Za-z' -]{3,28}", text)) and len(text.split()) <= 4


def say_espeak(text: str, generator: random.Random) -> np.ndarray | None:
    """Say a text with espeak-ng, in a voice, pitch and rate drawn from the generator."""
    variant = generator.choice(_VARIANTS)
    voice = generator.choice(_LANGUAGES) + (f"+{variant}" if variant else "")
    pitch, rate = generator.randint(15, 85), generator.randint(110, 215)
    command = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(rate), "--stdout", text]
    return _read(subprocess.run(command, capture_output=True, check=False).stdout)


def say_flite(text: str, voice: str, stretch: float = 1.0) -> np.ndarray | None:
    """Say a text with one of flite's voices, drawn out by a factor."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.2f}", "-t", text, "-o", file.name]
        subprocess.run(command, capture_output=True, check=False)
        return _read(Path(file.name).read_bytes())


def say_festival(texts: list[str], voice: str) -> list[np.ndarray | None]:
    """Say texts with one of festival's voices, in one run of the program."""
    with tempfile.TemporaryDirectory() as folder:
        script = [f"(voice_{voice})"]
        for number, text in enumerate(texts):
            script.append(f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{folder}/{number}.wav")')
        subprocess.run(["festival", "--pipe"], input="\n".join(script), text=True, capture_output=True, check=False)
        files = [Path(folder) / f"{number}.wav" for number in range(len(texts))]
        return [_read(file.read_bytes()) if file.exists() else None for file in files]


def _read(wav: bytes) -> np.ndarray | None:
    if len(wav) < 1000:
        return None
    # espeak-ng writes to a pipe and so cannot state its length, which a reader of files minds.
    if wav[:4] == b"RIFF" and wav[4:8] == b"\x24\xf0\xff\x7f":
        samples, rate = np.frombuffer(wav[44:], "<i2").astype(np.float32) / 32768, int.from_bytes(wav[24:28], "little")
    else:
        samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=False)
    samples = soxr.resample(samples, rate, RATE) if rate != RATE else samples
    loud = np.flatnonzero(np.abs(samples) > 0.01 * max(float(np.abs(samples).max()), 1e-6))
    if len(loud) < RATE // 10:
        return None
    samples = samples[loud[0] : loud[-1] + 1]
    return samples[: int(RATE * WINDOW_S)].astype(np.float32)


def speak_all(work: Path) -> None:
    """Say every word by every voice of training, and the names by the test's voice, and store their spectra."""
    from tools.mini.data import find_nouns
    from tools.mini.table import read_pictures

    data = work / "data"
    if (data / "speech.jsonl").exists():
        return
    words = choose_words(read_pictures(work), find_nouns(work))
    store = _Store()
    jobs = list(_plan(words))
    with ThreadPoolExecutor(WORKERS) as pool:
        for job, spectrum in zip(jobs, pool.map(_say, jobs), strict=True):
            store.keep(spectrum, job)
            if len(store.rows) % 5000 == 0:
                print(f"{len(store.rows)} spoken words of {len(jobs)}", flush=True)
    for voice in FESTIVAL_VOICES:
        for start in range(0, len(words["name"]), 200):
            said = words["name"][start : start + 200]
            for word, sound in zip(said, say_festival(said, voice), strict=True):
                spectrum = None if sound is None else compute_log_mel(sound)
                store.keep(spectrum, Job("name", word, voice, 0.0))
    store.write(data)


@dataclass(frozen=True)
class Job:
    """A word to be said: of which kind, by which voice, and a number of which the voice makes its own use."""

    kind: str
    word: str
    voice: str
    number: float


def _plan(words: dict[str, list[str]]) -> Iterator[Job]:
    generator = random.Random(SEED)
    for kind, chosen in words.items():
        for word in chosen:
            for _ in range(ESPEAK_TIMES[kind]):
                yield Job(kind, word, "espeak", generator.random())
    for voice in FLITE_VOICES:
        for kind, chosen in words.items():
            for word in chosen[:MOST_FLITE]:
                yield Job(kind, word, voice, generator.uniform(0.85, 1.25))
    for word in words["name"]:
        yield Job("name", word, TEST_VOICE, 1.0)


def _say(job: Job) -> np.ndarray | None:
    is_espeak = job.voice == "espeak"
    sound = say_espeak(job.word, random.Random(job.number)) if is_espeak else say_flite(job.word, job.voice, job.number)
    return None if sound is None else compute_log_mel(sound)


class _Store:
    """The spectra so far, and a line about each."""

    def __init__(self) -> None:
        self.rows: list[np.ndarray] = []
        self.lines: list[str] = []

    def keep(self, spectrum: np.ndarray | None, job: Job) -> None:
        """Add a spectrum; one that could not be made is left out."""
        if spectrum is None:
            return
        self.rows.append(spectrum.astype(np.float16))
        line = {"text": job.word, "kind": job.kind, "voice": job.voice, "frames": spectrum.shape[1]}
        self.lines.append(json.dumps(line))

    def write(self, data: Path) -> None:
        """Write one array of all frames, and the lines."""
        np.save(data / "speech.npy", np.concatenate(self.rows, axis=1))
        (data / "speech.jsonl").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
