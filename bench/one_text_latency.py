"""`encode("hello")` takes at most the peer's time: one short text must not pay for the machinery.

The two sides take turns call by call, after a warm-up, so that both meet the same neighbours. A text of a sentence's
length is timed the same way, and nothing is claimed of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from _checkpoints import find_minilm
from _measure import Pairs, alternate, largest_difference, timed
from _peers import load_sides
from _report import Report, read_options

_TEXTS = {
    "one word": "hello",
    "one sentence": "A tabby is not a breed of cat but a pattern of its coat: stripes, swirls or spots.",
}
_WARM_UP = 20
_LIMIT = 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    options = read_options(__doc__, 300, arguments)
    ours, peer = load_sides(find_minilm())
    report = Report("one_text_latency", "encode of one text through all-MiniLM-L6-v2", options)
    found: dict[str, Pairs] = {}
    for what, text in _TEXTS.items():
        sides = {
            "ours": timed(lambda text=text: ours.encode(text)),
            "peer": timed(lambda text=text: peer.encode(text)),
        }
        alternate(sides, 1 if options.small else _WARM_UP)
        times = alternate(sides, options.runs)
        found[what] = Pairs(times["ours"], times["peer"])
        report.compare(what, found[what], "ms", 1000)
    texts = list(_TEXTS.values())
    difference = largest_difference(ours.encode(texts), peer.encode(texts))
    report.claim("share of the peer's time, one word", found["one word"].share, at_most=_LIMIT)
    report.claim("largest difference of the vectors", difference, at_most=1e-5)
    report.finish()


if __name__ == "__main__":
    main()
