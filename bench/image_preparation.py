"""64 JPEG files of 12 megapixels through a CLIP ViT-B/32-shaped random model: at least 1.1 times as fast as the peer.

Both sides are given paths. The vectors must be within 1e-5 of the peer's, at length 1. With
`MediaSettings(reduced_jpeg=True)`, which decodes a JPEG at a fraction of its size where the model needs no more, at
least 2.5 times as fast, with a cosine of at least 0.995 for every photograph; the cosine between different photographs
is printed beside it, to hold that against. So is the time of the network alone, which no preparation can go below.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _checkpoints import build_clip_b32
from _inputs import make_photographs
from _measure import Pairs, alternate, largest_difference, smallest_cosine, timed, typical_cosine
from _peers import load_sides
from _report import Report, read_options

_COUNT, _SIZE = 64, (4000, 3000)
_SMALL_COUNT, _SMALL_SIZE = 4, (800, 600)
_LIMIT, _LIMIT_REDUCED, _LIMIT_COSINE = 1.1, 2.5, 0.995


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    options = read_options(__doc__, 5, arguments)
    with tempfile.TemporaryDirectory() as folder:
        count, size = (_SMALL_COUNT, _SMALL_SIZE) if options.small else (_COUNT, _SIZE)
        paths = make_photographs(Path(folder), count, size)
        ours, peer = load_sides(build_clip_b32(Path(folder) / "clip", options.small))
        title = f"{count} JPEG files of {size[0]} x {size[1]} through a random CLIP"
        report = Report("image_preparation", title, options)
        report.figure("size of a file", sum(Path(path).stat().st_size for path in paths) / count / 1e6, "MB")
        _measure(report, ours, peer, paths, options.runs)
    report.finish()


def _measure(report: Report, ours, peer, paths: list[str], runs: int) -> None:
    from sensorium.media.limits import MediaSettings

    full, reduced = MediaSettings(), MediaSettings(reduced_jpeg=True)

    def encode_ours(settings: MediaSettings):
        ours.media = settings
        return ours.encode(paths, normalize_embeddings=True)

    def encode_peer():
        return peer.encode(paths, normalize_embeddings=True)

    exact, nearly, theirs = encode_ours(full), encode_ours(reduced), encode_peer()  # which warms up, too
    sides = {
        "ours": timed(lambda: encode_ours(full)),
        "reduced": timed(lambda: encode_ours(reduced)),
        "peer": timed(encode_peer),
    }
    times = alternate(sides, runs)
    pairs, reduced_pairs = Pairs(times["ours"], times["peer"]), Pairs(times["reduced"], times["peer"])
    report.compare("images, full decode", pairs)
    report.compare("images, reduced_jpeg=True", reduced_pairs)
    report.figure("images a second, full decode", len(paths) / min(pairs.ours))
    report.figure("network alone, all images", _time_network(ours, peer, paths, runs), "s")
    report.figure("median cosine between different photographs", typical_cosine(theirs))
    report.claim("times as fast as the peer", pairs.speed_up, at_least=_LIMIT)
    report.claim("largest difference of the vectors", largest_difference(exact, theirs), at_most=1e-5)
    report.claim("times as fast as the peer, reduced", reduced_pairs.speed_up, at_least=_LIMIT_REDUCED)
    report.claim("smallest cosine to the peer's, reduced", smallest_cosine(nearly, theirs), at_least=_LIMIT_COSINE)


def _time_network(ours, peer, paths: list[str], runs: int) -> float:
    """Return the median time of the forward passes of all images, on the peer's features and in its batches of 32."""
    import torch

    features = peer.preprocess(paths[:32])
    batches = [features] * (len(paths) // len(paths[:32]))

    def compute():
        with torch.inference_mode():
            for batch in batches:
                ours(dict(batch))

    measure = timed(compute)
    return statistics.median(measure() for _ in range(runs))


if __name__ == "__main__":
    main()
