"""Mixed results: recall@10 over all right answers of any modality, with balance "auto" and "off", beside the peer.

A collection of the built-in model with texts, pictures, spoken words and clips, asked with names, pictures, sounds and
clips of what is in it, and with first sentences of paragraphs, to which only a text can be right. The peer's
`semantic_search` ranks the same vectors by cosine, as "off" does. Claims: averaged over the four kinds of question that
have answers in several modalities, at least 1.15 times the recall of the peer; words alone at least 1.05 times; where
only texts can be right, at least 0.8 times, for balance has a price there. Other ways to calibrate are shown, and the
same on two and three cones of random vectors, which have a gap and no model: upright, the gap at right angles to what
tells things apart, as Zhang et al. (ICLR 2023) found it in trained models; and slanting, in any direction.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
from _measure import Pairs
from _mixed_collection import Asked, Mixed, fill
from _mixed_methods import CHOSEN, PLAIN, Scorer, make_cones, make_scorers
from _report import Report, read_options

from sensorium import Collection

_TOP = 10
_MIXED = ("words", "pictures", "sounds", "clips")
_TEXTS_ONLY = "first sentences"
_CONES = {"two cones": {"a": 0.7, "b": 2.5}, "three cones": {"a": 0.5, "b": 1.5, "c": 4.0}}
_CHECKED = 20


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the report."""
    options = read_options(__doc__, 1, arguments)
    report = Report("balance", "one ranking of several modalities", options)
    with tempfile.TemporaryDirectory() as folder, Collection.create(f"{folder}/mixed") as collection:
        mixed = fill(collection, options.small)
        agreeing = {mode: _find_agreement(collection, mixed, mode) for mode in (PLAIN, CHOSEN)}
    report.figure("records", sum(map(len, mixed.labels.values())))
    recalls = _compare_ways(report, mixed)
    peer = {kind: _ask_peer(mixed, asked) for kind, asked in mixed.asked.items()}
    pairs = {kind: Pairs([recalls[kind][CHOSEN]], [peer[kind]]) for kind in mixed.asked}
    for kind, pair in pairs.items():
        report.compare(f"recall@10, asked with {kind}", pair, "%", 100)
    average = Pairs([fmean(recalls[kind][CHOSEN] for kind in _MIXED)], [fmean(peer[kind] for kind in _MIXED)])
    report.compare("recall@10, average of the first four", average, "%", 100)
    for name, noises in _CONES.items():
        _show_cones(report, name, noises, is_upright=True)
        _show_cones(report, f"{name}, slant", noises, is_upright=False)
    report.claim("average of four kinds, times the peer's recall", average.share, at_least=1.15)
    report.claim("words, times the peer's recall", pairs["words"].share, at_least=1.05)
    report.claim("only texts are right, times the peer's recall", pairs[_TEXTS_ONLY].share, at_least=0.8)
    for mode, share in agreeing.items():
        report.claim(f"share of its first tens that search() gives, {mode}", share, at_least=0.95)
    report.finish()


def _compare_ways(report: Report, mixed: Mixed) -> dict[str, dict[str, float]]:
    """Print recall, recall within modalities and shares of each way; give kind -> way -> recall."""
    scorers = make_scorers(mixed.vectors)
    recalls: dict[str, dict[str, float]] = {}
    report.say(f"{'recall@10, %':18}" + "".join(f"{way:>17}" for way in scorers))
    for kind, asked in mixed.asked.items():
        found = {way: _ask(mixed, asked, scorer) for way, scorer in scorers.items()}
        recalls[kind] = {way: recall for way, (recall, _, _) in found.items()}
        report.say(f"{kind:18}" + "".join(f"{100 * recall:17.1f}" for recall, _, _ in found.values()))
        report.say(f"{'  one modality':18}" + "".join(f"{100 * within:17.1f}" for _, within, _ in found.values()))
        for place, name in enumerate(mixed.vectors):
            report.say(f"  {name:16}" + "".join(f"{100 * shares[place]:16.0f}%" for _, _, shares in found.values()))
    report.say(
        '("one modality": recall@10 of each modality searched by itself; below it, their shares of the first ten)'
    )
    return recalls


def _ask(mixed: Mixed, asked: Asked, scorer: Scorer) -> tuple[float, float, np.ndarray]:
    """Give mean recall@10 of all together, mean recall@10 in each modality by itself, and shares of the first ten."""
    together, alone = [], []
    shares = np.zeros(len(mixed.vectors))
    modalities = np.repeat(np.arange(len(mixed.labels)), [len(rows) for rows in mixed.labels.values()])
    for place, (query, label) in enumerate(zip(asked.vectors, asked.labels, strict=True)):
        scores, right = [], []
        for name, records in mixed.vectors.items():
            score = np.array(scorer(query, asked.modality, name, records), np.float64)
            is_right = mixed.labels[name] == label
            if asked.is_record and name == asked.modality:
                score[place], is_right[place] = -np.inf, False
            if is_right.any():
                alone.append(_find_recall(score, is_right))
            scores.append(score)
            right.append(is_right)
        if not np.concatenate(right).any():
            continue
        together.append(_find_recall(np.concatenate(scores), np.concatenate(right)))
        shares += np.bincount(modalities[_find_first(np.concatenate(scores))], minlength=len(shares))
    return fmean(together), fmean(alone), shares / shares.sum()


def _find_first(scores: np.ndarray) -> np.ndarray:
    return np.argsort(-scores, kind="stable")[:_TOP]


def _find_recall(scores: np.ndarray, right: np.ndarray) -> float:
    return float(right[_find_first(scores)].sum() / min(right.sum(), _TOP))


def _ask_peer(mixed: Mixed, asked: Asked) -> float:
    """Give mean recall@10 of the peer's search by cosine through everything."""
    from sentence_transformers.util import semantic_search

    labels = np.concatenate(list(mixed.labels.values()))
    starts = dict(zip(mixed.labels, np.cumsum([0, *map(len, mixed.labels.values())]), strict=False))
    found = semantic_search(asked.vectors, np.concatenate(list(mixed.vectors.values())), top_k=_TOP + 1)
    recalls = []
    for place, (hits, label) in enumerate(zip(found, asked.labels, strict=True)):
        own = starts[asked.modality] + place if asked.is_record else -1
        first = [hit["corpus_id"] for hit in hits if hit["corpus_id"] != own][:_TOP]
        wanted = int((labels == label).sum()) - asked.is_record
        if wanted:
            recalls.append(float((labels[first] == label).sum() / min(wanted, _TOP)))
    return fmean(recalls)


def _find_agreement(collection: Collection, mixed: Mixed, mode: str) -> float:
    """Give which share of the first ten of `search` is that of the arrays."""
    scorer = make_scorers(mixed.vectors)[mode]
    ids = [one for group in mixed.ids.values() for one in group]
    asked = mixed.asked["words"]
    agreeing = []
    for text, query in list(zip(asked.texts, asked.vectors, strict=True))[:_CHECKED]:
        scores = [scorer(query, "text", name, records) for name, records in mixed.vectors.items()]
        expected = {ids[place] for place in _find_first(np.concatenate(scores))}
        found = {result.id for result in collection.search(text, _TOP, hybrid=False, balance=mode)}  # type: ignore[arg-type]
        agreeing.append(len(expected & found) / len(expected))
    return fmean(agreeing)


def _show_cones(report: Report, name: str, noises: Mapping[str, float], *, is_upright: bool) -> None:
    """Print recall@10 of every way where each thing has two records in each modality."""
    vectors, shown = make_cones(1, noises, is_upright=is_upright)
    labels = {modality: shown.astype(str) for modality in vectors}
    mixed = Mixed(vectors, labels, {}, {})
    asked = [Asked(one, vectors[one], labels[one].tolist(), True, []) for one in vectors]
    found = {way: fmean(_ask(mixed, one, scorer)[0] for one in asked) for way, scorer in make_scorers(vectors).items()}
    report.say(f"{name:18}" + "".join(f"{100 * recall:17.1f}" for recall in found.values()))


if __name__ == "__main__":
    main()
