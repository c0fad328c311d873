"""Which pictures there are and what may be said of each: the listing that `data.py` draws and splits.

A picture's words are its names (what it is called) and its tags (what it is also found by). Must not draw anything.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.mini.concepts import Concept, plain_code, squash
from tools.mini.drawing import wrap_svg
from tools.mini.names import find_base, is_brand, is_wordy
from tools.mini.sets import PictureSet

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Icons of one set that show the same thing in different styles: so many are kept.
MOST_STYLES = 2
#: Clip art of one title: so many are kept, for some titles are on hundreds of files.
MOST_OF_A_TITLE = 4
#: Sets of flat, coloured emoji, which are drawn a second and third time in outlines.
_REDRAWN = frozenset({"noto", "noto-v1", "fluent-emoji-flat", "twemoji", "emojione", "streamline-emojis"})

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_CC = "{http://web.resource.org/cc/}"


@dataclass(frozen=True)
class Picture:
    """A picture to draw, and its words."""

    set: str
    name: str
    svg: str
    names: tuple[str, ...]
    tags: tuple[str, ...] = ()
    concept: str | None = None
    style: str = "plain"
    is_glyph: bool = False
    is_page: bool = False


@dataclass
class Names:
    """What is known of names across sets.

    Attributes:
        concepts: Code points -> concept.
        codes: Squashed name -> code points.
        brands: Squashed names of companies and products.
        tags: Set -> identifier -> tags.
    """

    concepts: dict[str, Concept]
    codes: dict[str, str]
    brands: frozenset[str]
    tags: dict[str, dict[str, list[str]]] = field(default_factory=dict)


def read_names(folder: Path, concepts: dict[str, Concept]) -> Names:
    """Read the names that sets agree on, and the tags of those that have them."""
    codes = {squash(concept.name): code for code, concept in concepts.items()}
    for name in ("noto", "twemoji", "fluent-emoji-flat", "noto-v1"):
        package = folder / name
        for code, identifier in json.loads((package / "chars.json").read_text(encoding="utf-8")).items():
            if plain_code(code) in concepts:
                codes.setdefault(squash(identifier), plain_code(code))
        aliases = json.loads((package / "icons.json").read_text(encoding="utf-8")).get("aliases", {})
        for alias, entry in aliases.items():
            if squash(entry["parent"]) in codes:
                codes.setdefault(squash(alias), codes[squash(entry["parent"])])
    brands = {squash(path.stem) for path in (folder / "simple-icons" / "icons").glob("*.svg")}
    lucide = json.loads((folder / "lucide-static" / "tags.json").read_text(encoding="utf-8"))
    tabler = json.loads((folder / "tabler-icons" / "icons.json").read_text(encoding="utf-8"))
    tags = {
        "lucide": lucide,
        "tabler": {name: [str(tag) for tag in icon.get("tags") or ()] for name, icon in tabler.items()},
        "ph": _read_phosphor(folder / "phosphor-core" / "dist" / "index.mjs"),
    }
    return Names(concepts, codes, frozenset(brands), tags)


def _read_phosphor(module: Path) -> dict[str, list[str]]:
    found = {}
    pattern = re.compile(r'name:\s*"([a-z0-9-]+)".*?tags:\s*\[(.*?)\]', re.DOTALL)
    for name, tags in pattern.findall(module.read_text(encoding="utf-8")):
        found[name] = [tag for tag in re.findall(r'"([^"]+)"', tags) if not tag.startswith("*")]
    return found


def list_emoji(folder: Path, which: PictureSet, names: Names) -> Iterator[Picture]:
    """List an emoji set's pictures of the concepts, in each style that the set is drawn in."""
    icons = json.loads((folder / which.name / "icons.json").read_text(encoding="utf-8"))
    chars = json.loads((folder / which.name / "chars.json").read_text(encoding="utf-8"))
    by_name = {identifier: plain_code(code) for code, identifier in chars.items()}
    styles = ("plain", "outlined", "lines") if which.name in _REDRAWN else ("plain",)
    for identifier, icon in icons["icons"].items():
        code = by_name.get(identifier) or names.codes.get(squash(re.sub(r"-\d+$", "", identifier)))
        if code not in names.concepts or icon.get("hidden"):
            continue
        concept = names.concepts[code]
        for style in styles:
            yield Picture(
                which.name,
                identifier,
                _svg(icons, icon, style),
                (concept.name,),
                concept.tags,
                code,
                style,
                is_glyph=not _is_coloured(icon["body"]),
            )


def list_icons(folder: Path, which: PictureSet, names: Names) -> Iterator[Picture]:
    """List an icon set's pictures that are no brand's, a few styles of each."""
    icons = json.loads((folder / which.name / "icons.json").read_text(encoding="utf-8"))
    metadata = folder / which.name / "metadata.json"
    categories = json.loads(metadata.read_text(encoding="utf-8")).get("categories", {}) if metadata.exists() else {}
    marks = {icon for title, members in categories.items() if re.search("brand|logo", title, re.I) for icon in members}
    tags = names.tags.get(which.name, {})
    kept: dict[str, int] = defaultdict(int)
    for identifier, icon in sorted(icons["icons"].items(), key=lambda item: (squash(item[0][::-1]), item[0])):
        base = find_base(identifier)
        if icon.get("hidden") or identifier in marks or not is_wordy(base) or is_brand(identifier, base, names.brands):
            continue
        if kept[base] >= MOST_STYLES:
            continue
        kept[base] += 1
        own = tags.get(base.replace(" ", "-"), [])
        words = tuple(dict.fromkeys(str(tag).lower() for tag in own if len(str(tag)) > 2 and str(tag).lower() != base))
        yield Picture(
            which.name, identifier, _svg(icons, icon), (base,), words, is_glyph=not _is_coloured(icon["body"])
        )


def list_clip_art(folder: Path) -> Iterator[Picture]:
    """List the clip art that says of itself that it is in the public domain."""
    kept: dict[str, int] = defaultdict(int)
    for path in sorted(folder.rglob("*.svg")):
        try:
            text = path.read_text(encoding="utf-8")
            root = ElementTree.fromstring(text)
        except (UnicodeDecodeError, ElementTree.ParseError):
            continue
        licences = {element.get(_RDF + "resource", "") for element in root.iter(_CC + "license")}
        if not licences or any("publicdomain" not in licence.lower() for licence in licences):
            continue
        work = next(root.iter(_CC + "Work"), None)
        if work is None:
            continue
        title = (work.findtext(_DC + "title") or "").strip().lower()
        subject = work.find(_DC + "subject")
        said = [] if subject is None else [(item.text or "").strip().lower() for item in subject.iter(_RDF + "li")]
        title = " ".join(word for word in re.split(r"[^a-z]+", title) if len(word) > 1 and word != "svg")
        tags = tuple(dict.fromkeys(tag for tag in said if is_wordy(tag) and tag not in _NOT_SEEN))
        if not is_wordy(title) and not tags:
            continue
        first = (title,) if is_wordy(title) else tags[:1]
        kept[first[0]] += 1
        if kept[first[0]] > MOST_OF_A_TITLE:
            continue
        yield Picture("openclipart", str(path.relative_to(folder)), text, first, tags[:12], is_page=True)


#: Tags that say nothing of what a picture shows.
_NOT_SEEN = frozenset({"clip art", "clipart", "icon", "image", "externalsource", "svg", "media", "unsorted", "cartoon"})


def _svg(icons: dict[str, Any], icon: dict[str, Any], style: str = "plain") -> str:
    width = icon.get("width", icons.get("width", 16))
    height = icon.get("height", icons.get("height", 16))
    return wrap_svg(icon["body"], icon.get("left", 0), icon.get("top", 0), width, height, style)


def _is_coloured(body: str) -> bool:
    return bool(re.search(r"#[0-9a-fA-F]{3,8}\b|rgb\(|Gradient", body.replace("#000", "").replace("#fff", "")))
