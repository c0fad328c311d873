"""What the pictures show: Unicode's emoji with their names and tags, and which of them no picture of training may show.

Country flags, skin tones and the keycap components are no concepts here. Must not know how pictures are drawn.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

#: Concepts kept from every set, drawn with this seed among those that the tests' and training's sets both show.
HELD_OUT = 207
HELD_OUT_SEED = 20261122

#: Of emojibase's groups: 2 are components (skin tones, hair); of 9, the flags, the subgroups of countries are left out.
_COMPONENTS = 2
_FLAGS = 9


@dataclass(frozen=True)
class Concept:
    """An emoji: its code points, its name, and the words that are said of it."""

    code: str
    name: str
    tags: tuple[str, ...]


def read_concepts(emojibase: Path) -> dict[str, Concept]:
    """Read the emoji of an unpacked `emojibase-data`, by code points without variation selectors."""
    concepts: dict[str, Concept] = {}
    for entry in json.loads((emojibase / "en" / "data.json").read_text(encoding="utf-8")):
        group = entry.get("group")
        name = entry["label"].replace("’", "'")
        is_country = group == _FLAGS and name.startswith("flag: ")
        if group is None or group == _COMPONENTS or is_country:
            continue
        code = plain_code(entry["hexcode"])
        tags = tuple(dict.fromkeys(tag for tag in entry.get("tags", ()) if tag != name))
        concepts[code] = Concept(code, name, tags)
    return concepts


def plain_code(code: str) -> str:
    """Bring code points to one spelling: upper case, dashes, no variation selector."""
    return "-".join(part for part in re.split(r"[-_ ]", code.upper()) if part != "FE0F")


def squash(name: str) -> str:
    """Return a name's letters and digits alone, by which two spellings of one name are the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("’", ""))


def choose_held_out(concepts: dict[str, Concept], drawn_by_both: set[str]) -> set[str]:
    """Choose the concepts that are kept from every set, among those that can be tested.

    Two concepts of one squashed name, or that are the man's, woman's or person's form of another, go together nowhere:
    a form of a person is never held out, because its sisters would show it.
    """
    plain = [code for code in sorted(drawn_by_both) if "-200D-" not in code and code in concepts]
    return set(random.Random(HELD_OUT_SEED).sample(plain, HELD_OUT))
