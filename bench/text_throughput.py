"""2,000 texts of log-normal length through all-MiniLM-L6-v2, at least as fast as the peer.

Half of the texts are longer than 20 words, one in a hundred is longer than 160; all differ. Both models live in one
process, use the same threads and the default batch size, and have encoded before the clock starts.
"""

from __future__ import annotations

from collections.abc import Sequence

from _checkpoints import find_minilm
from _inputs import make_texts
from _measure import Pairs, alternate, largest_difference, timed
from _peers import load_sides
from _report import Report, read_options

_LIMIT = 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    options = read_options(__doc__, 5, arguments)
    ours, peer = load_sides(find_minilm())
    texts = make_texts(24 if options.small else 2000)
    report = Report("text_throughput", f"{len(texts)} texts of log-normal length through all-MiniLM-L6-v2", options)

    for model in (ours, peer):
        model.encode(texts[:64])
    sides = {"ours": timed(lambda: ours.encode(texts)), "peer": timed(lambda: peer.encode(texts))}
    times = alternate(sides, options.runs)
    pairs = Pairs(times["ours"], times["peer"])
    report.compare(f"{len(texts)} texts", pairs)
    report.figure("texts a second", len(texts) / min(pairs.ours))
    difference = largest_difference(ours.encode(texts), peer.encode(texts))
    report.claim("times as fast as the peer", pairs.speed_up, at_least=_LIMIT)
    report.claim("largest difference of the vectors", difference, at_most=1e-5)
    report.finish()


if __name__ == "__main__":
    main()
