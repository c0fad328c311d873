"""Fetch, draw and split everything the built-in model learns from and is tested on: the first step of the recipe.

    python -m tools.mini.data WORK [fetch | draw | texts | speech]

`WORK` is a folder of some gigabytes outside of the repository. Steps that are done are left alone. Needs npm, apt-get
(to download Debian's packages and for the synthesisers) and resvg-py; nothing here is needed to use the model.

What comes out, under `WORK/data`: `pictures.jsonl`, one line a picture, with its words, its split and its row;
`colour.npy` `[n, 80, 80, 4]` and `glyph.npy` `[n, 80, 80]`, uint8; `texts.json` and `texts.npy`, every word with its
text vector; `speech.jsonl` and `speech.npz`, spoken words as log-mel spectra.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tools.mini.concepts import choose_held_out, read_concepts, squash
from tools.mini.drawing import SIDE, crop_page, draw
from tools.mini.nouns import list_nouns
from tools.mini.pictures import Picture, list_clip_art, list_emoji, list_icons, read_names
from tools.mini.sets import PICTURES
from tools.mini.table import read_pictures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Folder -> npm package, for what is no picture set.
_NAME_PACKAGES = {
    "emojibase-data": "emojibase-data@17.0.0",
    "lucide-static": "lucide-static@1.62.0",
    "tabler-icons": "@tabler/icons@3.51.0",
    "phosphor-core": "@phosphor-icons/core@2.1.1",
    "simple-icons": "simple-icons@16.37.0",
}
_DEBIAN_PACKAGES = ("openclipart-svg", "tuxpaint-stamps-default", "wordnet-base", "wamerican-small")


def fetch(work: Path) -> None:
    """Download the packages from npm and Debian and unpack them; what is there already stays."""
    packages = {which.name: f"{which.package}@{which.version}" for which in PICTURES} | _NAME_PACKAGES
    for name, package in packages.items():
        folder = work / "sets" / name
        if folder.exists():
            continue
        with tempfile.TemporaryDirectory() as temporary:
            subprocess.run(["npm", "pack", "--silent", package], cwd=temporary, check=True, capture_output=True)
            (archive,) = Path(temporary).glob("*.tgz")
            with tarfile.open(archive) as tar:
                tar.extractall(temporary, filter="data")
            inner = next(path for path in Path(temporary).iterdir() if path.is_dir())
            shutil.copytree(inner, folder)
    for package in _DEBIAN_PACKAGES:
        folder = work / "sets" / package
        if folder.exists():
            continue
        with tempfile.TemporaryDirectory() as temporary:
            subprocess.run(["apt-get", "download", package], cwd=temporary, check=True, capture_output=True)
            (archive,) = Path(temporary).glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True)


def list_pictures(work: Path) -> Iterator[tuple[Picture, str]]:
    """List every picture with its split: "train", "sample", "held_out" or "test"; what is in none is left out."""
    sets = work / "sets"
    concepts = read_concepts(sets / "emojibase-data")
    names = read_names(sets, concepts)
    emoji = {which.name: list(list_emoji(sets, which, names)) for which in PICTURES if which.kind == "emoji"}
    drawn = {name: {picture.concept for picture in emoji[name]} for name in ("noto", "openmoji")}
    held_out = choose_held_out(concepts, {code for code in drawn["noto"] & drawn["openmoji"] if code})
    forbidden = {squash(concepts[code].name) for code in held_out}
    seen: set[str | None] = set()
    for which in PICTURES:
        if which.kind == "emoji" and which.role == "train":
            for picture in emoji[which.name]:
                if picture.concept not in held_out:
                    seen.add(picture.concept)
                    yield picture, "train"
                elif which.name == "noto" and picture.style == "plain":
                    yield picture, "held_out"
    for name, split in (("fxemoji", "sample"), ("openmoji", "test")):
        yield from ((picture, split) for picture in emoji[name] if picture.concept in seen)
    icons = (picture for which in PICTURES if which.kind != "emoji" for picture in list_icons(sets, which, names))
    clip_art = list_clip_art(sets / "openclipart-svg" / "usr" / "share" / "openclipart" / "svg")
    for picture in (*icons, *clip_art):
        if not any(squash(name) in forbidden for name in picture.names):
            yield picture, "train"


def _draw_one(task: tuple[Picture, str]) -> tuple[Picture, str, np.ndarray | None]:
    picture, split = task
    if picture.is_page:
        pixels = draw(picture.svg, 4 * SIDE)
        return picture, split, None if pixels is None else crop_page(pixels, SIDE)
    pixels = draw(picture.svg)
    if pixels is not None and picture.is_glyph and picture.style == "plain":
        pixels = pixels[..., 3]
    return picture, split, pixels


def draw_all(work: Path) -> None:
    """Draw every picture into two arrays, and write the table of them."""
    data = work / "data"
    if (data / "pictures.jsonl").exists():
        return
    data.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, list[np.ndarray]] = {"colour": [], "glyph": []}
    lines = []
    tasks = list(list_pictures(work))
    with ProcessPoolExecutor() as pool:
        for picture, split, pixels in pool.map(_draw_one, tasks, chunksize=64):
            if pixels is None:
                continue
            store = "colour" if pixels.ndim == 3 else "glyph"
            row = len(arrays[store])
            arrays[store].append(pixels)
            line = {"set": picture.set, "name": picture.name, "style": picture.style, "concept": picture.concept}
            words = {"names": picture.names, "tags": picture.tags}
            lines.append(json.dumps({**line, **words, "split": split, "store": store, "row": row}))
            if len(lines) % 5000 == 0:
                print(f"{len(lines)} of {len(tasks)} pictures", flush=True)
    for store, pictures in arrays.items():
        np.save(data / f"{store}.npy", np.stack(pictures))
    (data / "pictures.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def find_nouns(work: Path) -> list[str]:
    """List the common nouns that are spoken beside the words of pictures."""
    sets = work / "sets"
    spelling = sets / "wamerican-small" / "usr" / "share" / "dict" / "american-english-small"
    return list_nouns(sets / "wordnet-base" / "usr" / "share" / "wordnet", spelling)


def embed_texts(work: Path) -> None:
    """Give every word its vector by the text route, once: training never runs the text model."""
    data = work / "data"
    if (data / "texts.npy").exists():
        return
    from tools.mini.assemble import find_text_model

    from sensorium import SentenceTransformer

    pictured = {text for line in read_pictures(work) for text in (*line["names"], *line["tags"])}
    texts = sorted(pictured | set(find_nouns(work)))
    vectors = SentenceTransformer(str(find_text_model()), device="cpu").encode(texts, batch_size=256)
    np.save(data / "texts.npy", vectors.astype(np.float32))
    (data / "texts.json").write_text(json.dumps(texts), encoding="utf-8")


def main(arguments: Iterable[str]) -> None:
    """Run the steps asked for, or all of them in order."""
    from tools.mini.speech import speak_all

    steps = {"fetch": fetch, "draw": draw_all, "texts": embed_texts, "speech": speak_all}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("steps", nargs="*", choices=[*steps, []], default=[])
    asked = parser.parse_args(list(arguments))
    for name in asked.steps or steps:
        print(f"== {name}", flush=True)
        steps[name](asked.work)


if __name__ == "__main__":
    main(sys.argv[1:])
