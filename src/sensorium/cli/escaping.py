"""The one place where text from outside becomes text that a terminal can be given.

File names, snippets, metadata, messages of errors, names and answers of models may hold escape sequences that move the
cursor, rename the window or turn the reading order around. Each such character is replaced by a visible one. Rich
markup needs no escaping here, because `output` never reads text as markup. Must not know what the text is.
"""

from __future__ import annotations

import unicodedata

#: Without these, emoji and the scripts of India and Persia fall apart; they move nothing.
_JOINERS = "\u200c\u200d"
_FIRST_PICTURE = 0x2400  # of the Unicode block "Control Pictures": U+2400 stands for NUL, and so on
_DELETE, _DELETE_PICTURE = 0x7F, "\u2421"
#: Bytes of a file name that are not UTF-8, as Python holds them (PEP 383).
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF
#: Control and format characters, surrogates, and the separators of lines and paragraphs.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def show(text: object, *, keep: str = "") -> str:
    r"""Give text in a form that is safe to print: on one line, and without a way to command the terminal.

    Args:
        text: Anything; made a string first.
        keep: Control characters that may stay, such as `"\n\t"` for an answer of several lines. A carriage return
            before a new line that stays is dropped.

    Returns:
        The text with control characters as pictures (`␛`), bytes that are no UTF-8 as `\xff`, and what changes the
        reading order, other format characters and surrogates as `\u202e`.

    Example:
        >>> print(show("a\x1b[31m.jpg"))
        a␛[31m.jpg
    """
    string = str(text)
    if string.isprintable():
        return string
    if "\n" in keep:
        string = string.replace("\r\n", "\n")
    return "".join(one if one.isprintable() or one in keep else _show_character(one) for one in string)


def _show_character(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(_FIRST_PICTURE + code)
    if code == _DELETE:
        return _DELETE_PICTURE
    if _FIRST_BYTE <= code <= _LAST_BYTE:
        return f"\\x{code - 0xDC00:02x}"
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if character in _JOINERS or category not in _HARMFUL:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
