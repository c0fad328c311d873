"""Text from files as data inside a prompt: between marks that it cannot contain, and without what steers a chat model.

A file may hold instructions to a language model, written by whoever wrote the file. A fence does not make a model deaf
to them; it keeps the file from closing the fence itself, or from opening a turn of its own. Must not know results.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from hashlib import blake2b

#: Marks with which chat templates open and close turns: a server that reads them in a text would see a new turn. A
#: space between takes that from them and leaves them readable.
_TURN_MARKS = re.compile(
    r"<\||\|>|<<SYS>>|<</SYS>>|\[/?INST\]|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>|\[(?:BOS|EOS)\]", re.I
)
_ROLE_AT_LINE_START = re.compile(r"^(\s*)(system|assistant|user|developer|human)(\s*:)", re.I | re.M)
_SPACES = re.compile(r"\s+")
_LONGEST_CITATION = 300


def choose_mark(texts: Iterable[str]) -> str:
    """Choose a mark that stands in none of some texts: a digest of them, so that none can have foreseen it.

    Returns:
        16 hexadecimal digits, the same for the same texts.
    """
    held = list(texts)
    digest = blake2b(digest_size=8)
    for text in held:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    while any(digest.hexdigest() in text for text in held):
        digest.update(b"\1")
    return digest.hexdigest()


def fence(text: str, number: int, mark: str) -> str:
    """Put a text between marks.

    Args:
        text: What `defuse` gave.
        number: Of the source.
        mark: What `choose_mark` gave.
    """
    return f"<<<source {number} {mark}\n{text}\nsource {number} {mark}>>>"


def defuse(text: str) -> str:
    """Take from a text what chat templates read as turns, and characters that are not seen; line ends and tabs stay."""
    visible = "".join(one for one in text if one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co"))
    visible = _TURN_MARKS.sub(lambda match: f"{match[0][0]} {match[0][1:]}", visible)
    return _ROLE_AT_LINE_START.sub(r"\1\2 \3", visible)


def cite(key: str, place: str) -> str:
    """Give the name of a source on one line: `papers/report.pdf, page 2`."""
    name = _SPACES.sub(" ", defuse(key.replace("\n", " "))).strip()
    if len(name) > _LONGEST_CITATION:
        name = f"{name[: _LONGEST_CITATION - 1]}…"
    return f"{name}, {place}" if place else name
