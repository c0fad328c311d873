"""Make `models/mini/sample/` anew from the work folder: pictures of the vendor kept out of training, words, clips.

    python -m tools.mini.make_sample WORK

The pictures are FxEmojis (Mozilla, Apache-2.0), the words are said by flite's voice slt, the clips are made of pictures
of the sample. Must not be needed by anything else: the sample is shipped.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from PIL import Image
from tools.mini.clips import FRAMES_A_SECOND, make_clip
from tools.mini.data import list_pictures
from tools.mini.drawing import draw
from tools.mini.melspectrum import RATE
from tools.mini.sample import SAMPLE
from tools.mini.speech import TEST_VOICE, is_sayable, say_flite

SEED = 3
PICTURES, SOUNDS, CLIPS = 300, 80, 40
SIDE = 96


def make_sample(work: Path) -> None:
    """Write the files and their index."""
    found = {picture.names[0]: picture for picture, split in list_pictures(work) if split == "sample"}
    generator = np.random.default_rng(SEED)
    drawn = {}
    for name in generator.permutation(sorted(found)):
        pixels = draw(found[str(name)].svg, SIDE)
        if pixels is not None and len(drawn) < PICTURES:
            drawn[str(name)] = pixels
    for kind in ("pictures", "sounds", "clips"):
        shutil.rmtree(SAMPLE / kind, ignore_errors=True)
        (SAMPLE / kind).mkdir(parents=True)
    index: dict[str, dict[str, str]] = {"pictures": {}, "sounds": {}, "clips": {}}
    for name, pixels in sorted(drawn.items()):
        image = Image.fromarray(pixels)
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        file = f"{_slug(name)}.png"
        Image.alpha_composite(white, image).convert("RGB").save(SAMPLE / "pictures" / file, optimize=True)
        index["pictures"][file] = name
    sayable = [name for name in sorted(drawn) if is_sayable(name)]
    for name in sorted(str(name) for name in generator.choice(sayable, SOUNDS, replace=False)):
        file = f"{_slug(name)}.flac"
        soundfile.write(SAMPLE / "sounds" / file, say_flite(name, TEST_VOICE), RATE, subtype="PCM_16")
        index["sounds"][file] = name
    for name in sorted(str(name) for name in generator.choice(sorted(drawn), CLIPS, replace=False)):
        file = f"{_slug(name)}.mp4"
        _write_clip(SAMPLE / "clips" / file, make_clip(drawn[name], generator))
        index["clips"][file] = name
    (SAMPLE / "index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _write_clip(path: Path, frames: np.ndarray) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FRAMES_A_SECOND))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "24", "threads": "1"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    make_sample(Path(sys.argv[1]))
