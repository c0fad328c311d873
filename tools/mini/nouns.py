"""Common English nouns for things that can be seen, beside the words that pictures have: more words to be heard.

From WordNet's noun files, of lemmas that a small spelling list knows. Must not know sounds.
"""

from __future__ import annotations

import re
from pathlib import Path

#: WordNet's lexicographer files: animals, food and plants are taken whole, artefacts, bodies, natural objects and
#: phenomena where the word is met in that sense in WordNet's own counts. Source: lexnames(5WN) of WordNet 3.0.
_WHOLE = frozenset({5, 13, 20})
_COUNTED = frozenset({6, 8, 17, 19})
_LEAST_COUNT = 2
_NOUN = re.compile(r"[a-z]{3,14}")


def list_nouns(wordnet: Path, spelling: Path) -> list[str]:
    """List the nouns.

    Args:
        wordnet: Folder with `data.noun`, `index.noun` and `cntlist.rev`.
        spelling: A word a line.
    """
    known = set(spelling.read_text(encoding="utf-8").split())
    files = dict(re.findall(r"^(\d{8}) (\d\d) n ", (wordnet / "data.noun").read_text("latin-1"), re.MULTILINE))
    counted = _read_counted(wordnet / "cntlist.rev")
    chosen = set()
    for line in (wordnet / "index.noun").read_text("latin-1").splitlines():
        lemma, *fields = line.split(" ")
        if not _NOUN.fullmatch(lemma) or lemma not in known:
            continue
        senses = [int(files[offset]) for offset in fields if len(offset) == 8 and offset in files][:2]
        if any(sense in _WHOLE or (sense in _COUNTED and (lemma, sense) in counted) for sense in senses):
            chosen.add(lemma)
    return sorted(chosen)


def _read_counted(path: Path) -> set[tuple[str, int]]:
    counted = set()
    for line in path.read_text("latin-1").splitlines():
        key, _, count = line.split()
        lemma, sense = key.split("%")
        kind, file = sense.split(":")[:2]
        if kind == "1" and int(count) >= _LEAST_COUNT:
            counted.add((lemma, int(file)))
    return counted
