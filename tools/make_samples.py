"""Make `samples/` anew: photographs and sounds copied from packages that carry them, clips made from the photographs.

The text passages and `questions.json` are written by hand and left alone. Photographs come from scikit-image
(`pip install -e '.[samples]'`), sounds from Debian's package `sonic-pi-samples`, by `apt-get download` and `dpkg -x`,
or given with `--sounds`. `samples/LICENSES.md` is written from the tables below, with one digest a file, so that the
list cannot differ from what was copied. Must not be needed by anything else: `samples/` is shipped.

    python tools/make_samples.py [--sounds FOLDER]
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import skimage
import soundfile
from PIL import Image

SAMPLES = Path(__file__).parents[1] / "samples"
PHOTOGRAPHS = Path(skimage.__file__).parent / "data"
SOUND_PACKAGE = "sonic-pi-samples"
SOUND_VERSION = "3.2.2~repack-8"

CC0 = "CC0 1.0"
PUBLIC_DOMAIN = "public domain"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file comes from.

    Attributes:
        name: Path below `samples/`.
        source: File name in the source package, or what it was made from.
        author: As the source package names them.
        licence: As the source package states it.
        shows: What it shows or sounds like.
    """

    name: str
    source: str
    author: str
    licence: str
    shows: str


IMAGES = (
    Origin("images/astronaut.png", "astronaut.png", "NASA", PUBLIC_DOMAIN, "the astronaut Eileen Collins"),
    Origin("images/photographer.png", "camera.png", "Lav Varshney", CC0, "a man with a camera on a tripod"),
    Origin("images/cat.png", "chelsea.png", "Stefan van der Walt", CC0, "a tabby cat"),
    Origin("images/coffee.png", "coffee.png", "Rachel Michetti", CC0, "an espresso in a red cup"),
    Origin("images/rocket.jpg", "rocket.jpg", "SpaceX", PUBLIC_DOMAIN, "a Falcon 9 with DSCOVR before launch"),
    Origin("images/deep-field.jpg", "hubble_deep_field.jpg", "NASA", PUBLIC_DOMAIN, "the Hubble eXtreme Deep Field"),
    Origin("images/bricks.png", "brick.png", "CC0Textures (Bricks25)", CC0, "a brick wall"),
    Origin("images/grass.png", "grass.png", "linolafett", CC0, "grass from above"),
    Origin("images/gravel.png", "gravel.png", "CC0Textures (Gravel04)", CC0, "gravel from above"),
    Origin("images/retina.jpg", "retina.jpg", "Mikael Häggström", CC0, "the retina of a left eye"),
)

SOUNDS = (
    Origin("sounds/crow.wav", "misc_crow.flac", "davidworksonline", CC0, "a crow"),
    Origin("sounds/bell.flac", "perc_bell.flac", "AlaskaRobotics", CC0, "a bell"),
    Origin("sounds/piano.flac", "ambi_piano.flac", "Rutger Muller", CC0, "a piano"),
    Origin("sounds/choir.flac", "ambi_choir.flac", "Exsomniel", CC0, "a choir"),
    Origin("sounds/tabla.flac", "loop_tabla.flac", "lezaarth", CC0, "a tabla"),
    Origin("sounds/till.flac", "perc_till.flac", "Zott820", CC0, "a cash register"),
    Origin("sounds/drum-roll.flac", "drum_roll.flac", "Heigh-hoo", CC0, "a drum roll"),
)

CLIPS = (
    Origin("clips/deep-field-pan.mp4", "images/deep-field.jpg", "NASA", PUBLIC_DOMAIN, "a pan across the deep field"),
    Origin(
        "clips/cat-zoom.webm",
        "images/cat.png, sounds/piano.flac",
        "Stefan van der Walt; Rutger Muller",
        CC0,
        "a zoom onto the cat, with the piano",
    ),
)


def fetch_sounds(folder: Path) -> Path:
    """Download and unpack the Debian package of the sounds; return the folder that holds them."""
    subprocess.run(["apt-get", "download", f"{SOUND_PACKAGE}={SOUND_VERSION}"], cwd=folder, check=True)
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg", "-x", str(package), str(folder / "unpacked")], check=True)
    return folder / "unpacked" / "usr" / "share" / "sonic-pi" / "samples"


def copy_images() -> None:
    """Copy the photographs, byte for byte."""
    for origin in IMAGES:
        shutil.copyfile(PHOTOGRAPHS / origin.source, SAMPLES / origin.name)


def copy_sounds(folder: Path) -> None:
    """Copy the sounds, byte for byte, or sample for sample where the suffix asks for WAV."""
    for origin in SOUNDS:
        target = SAMPLES / origin.name
        if target.suffix == ".wav":
            array, rate = soundfile.read(folder / origin.source, dtype="int16")
            soundfile.write(target, array, rate, subtype="PCM_16")
        else:
            shutil.copyfile(folder / origin.source, target)


def crop(image: Image.Image, box: tuple[float, float, float, float], size: tuple[int, int]) -> np.ndarray:
    """Cut `box` (left, upper, right, lower) out of an image; uint8 `[height, width, 3]` of `size` (width, height)."""
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, box=box))


def pan_frames(image: Image.Image, count: int, size: tuple[int, int]) -> list[np.ndarray]:
    """Move a window of the wanted size from the upper left to the lower right."""
    width, height = size
    frames = []
    for step in np.linspace(0.0, 1.0, count):
        left, upper = step * (image.width - width), step * (image.height - height)
        frames.append(crop(image, (left, upper, left + width, upper + height), size))
    return frames


def zoom_frames(image: Image.Image, count: int, size: tuple[int, int]) -> list[np.ndarray]:
    """Close in on the middle, from the largest window of the wanted shape down to half of it."""
    scale = min(image.width / size[0], image.height / size[1])
    frames = []
    for step in np.linspace(1.0, 0.5, count):
        width, height = size[0] * scale * step, size[1] * scale * step
        left, upper = (image.width - width) / 2, (image.height - height) / 2
        frames.append(crop(image, (left, upper, left + width, upper + height), size))
    return frames


def write_clip(path: Path, frames: list[np.ndarray], fps: int, codec: str, sound: Path | None = None) -> None:
    """Encode frames, and a sound if there is one. One thread and bit-exact flags: one machine gives one file."""
    height, width, _ = frames[0].shape
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        video = container.add_stream(codec, rate=fps, options={"crf": "32", "flags": "+bitexact"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.thread_count = 1
        audio = container.add_stream("libopus", rate=48000) if sound is not None else None
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(video.encode(None))
        if sound is not None and audio is not None:
            audio.codec_context.flags |= av.codec.context.Flags.bitexact
            with av.open(str(sound)) as source:
                for piece in source.decode(audio=0):
                    container.mux(audio.encode(piece))
            container.mux(audio.encode(None))


def make_clips() -> None:
    """Make the two clips out of the photographs."""
    deep_field = Image.open(SAMPLES / "images/deep-field.jpg").convert("RGB")
    write_clip(SAMPLES / CLIPS[0].name, pan_frames(deep_field, 96, (320, 240)), 24, "libx264")
    cat = Image.open(SAMPLES / "images/cat.png").convert("RGB")
    frames = zoom_frames(cat, 60, (320, 208))
    write_clip(SAMPLES / CLIPS[1].name, frames, 20, "libvpx-vp9", SAMPLES / "sounds/piano.flac")


def write_licences() -> None:
    """Write `LICENSES.md` from the tables."""
    lines = [
        "# Where the samples come from, and their licences",
        "",
        "Written by `tools/make_samples.py`; do not edit. Every file is in the public domain or under CC0 1.0",
        "(creativecommons.org/publicdomain/zero/1.0), by the word of the package it was taken from, but for the texts.",
        "",
        "| file | shows | source | author | licence | SHA-256, beginning |",
        "|---|---|---|---|---|---|",
    ]
    packages = (
        (IMAGES, f"scikit-image {skimage.__version__}, `skimage/data/{{}}`"),
        (SOUNDS, f"Debian {SOUND_PACKAGE} {SOUND_VERSION}, `{{}}` (from freesound.org)"),
        (CLIPS, "made here by moving a window over `{}`; not filmed"),
    )
    for origins, source in packages:
        for origin in origins:
            digest = hashlib.sha256((SAMPLES / origin.name).read_bytes()).hexdigest()
            where = source.format(origin.source)
            lines.append(
                f"| {origin.name} | {origin.shows} | {where} | {origin.author} | {origin.licence} | `{digest[:16]}` |"
            )
    lines += [
        "",
        "The astronaut, the deep field (NASA) and the rocket (SpaceX) were released into the public domain by those",
        "who took them, as scikit-image records beside each. `sounds/crow.wav` has the FLAC file's samples; every",
        "other photograph and sound is the package's file, byte for byte.",
        "",
        "`texts/*.txt`, `notes/*.txt`, `questions.json` and `papers/` were written for Sensorium and share its "
        "licence,",
        "Apache-2.0. `pictograms/` is copied from `models/mini/sample` by `tools/make_mixed_samples.py`: FxEmojis by "
        "Mozilla,",
        "Apache-2.0; their names said by flite's voice slt; its own LICENSES.md says more.",
    ]
    (SAMPLES / "LICENSES.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sounds", type=Path, help="folder with the FLAC files of sonic-pi-samples")
    sounds: Path | None = parser.parse_args().sounds
    for name in ("images", "sounds", "clips"):
        (SAMPLES / name).mkdir(parents=True, exist_ok=True)
    copy_images()
    with tempfile.TemporaryDirectory() as folder:
        copy_sounds(sounds or fetch_sounds(Path(folder)))
    make_clips()
    write_licences()


if __name__ == "__main__":
    main()
