"""The attribution file of the package, written from the list of sets, so that none is forgotten."""

from __future__ import annotations

from pathlib import Path

from tools.mini.sets import OTHERS, PICTURES

_HEAD = """# Attribution

The weights of `sensorium-mini` were trained by the Sensorium project on the sets below. None of their files is in this
package. The weights of the text route are those of all-MiniLM-L6-v2, unchanged but for half precision. Pictures under a
Creative Commons licence were drawn at 80 pixels, recoloured, outlined, turned and cropped for training.
"""

_TITLES = {
    "train": "Trained on",
    "names": "Names and tags read from",
    "sample": "Kept out of training; pictures of it, drawn at 96 pixels, are a sample shipped with Sensorium",
    "test": "Used as tests alone, neither trained on nor shipped",
}


def write_attribution(path: Path) -> None:
    """Write the file."""
    path.write_text(make_attribution(), encoding="utf-8")


def make_attribution() -> str:
    """Make the file's text: one table for each use of a set."""
    parts = [_HEAD]
    for role, title in _TITLES.items():
        rows = [
            f"| [{which.name}]({which.address}) | {which.author} | {which.licence} | {which.package} {which.version} |"
            if which.address
            else f"| {which.name} | {which.author} | {which.licence} | {which.package} {which.version} |"
            for which in PICTURES
            if which.role == role
        ]
        rows += [
            f"| [{which.name}]({which.address}) | {which.author} | {which.licence} | {which.package} |"
            for which in OTHERS
            if which.role == role
        ]
        parts.append("\n".join([f"## {title}\n", "| set | by | licence | from |", "|---|---|---|---|", *rows]) + "\n")
    parts.append(_LICENCES)
    return "\n".join(parts)


_LICENCES = """## The licences

MIT <https://spdx.org/licenses/MIT>, ISC <https://spdx.org/licenses/ISC>, Apache-2.0
<https://www.apache.org/licenses/LICENSE-2.0>, CC0-1.0 <https://creativecommons.org/publicdomain/zero/1.0/>, CC-BY-3.0
<https://creativecommons.org/licenses/by/3.0/>, CC-BY-4.0 <https://creativecommons.org/licenses/by/4.0/>, CC-BY-SA-4.0
<https://creativecommons.org/licenses/by-sa/4.0/> (tests alone), GPL-2.0 and GPL-3.0
<https://www.gnu.org/licenses/> (tests and a synthesiser alone).
"""
