"""Whether a caller's SQL expression can stand in parentheses beside conditions of ours without reaching around them.

LanceDB reads `a = 1) OR (b = 2` as two expressions, and drops what follows a semicolon or a comment in silence. Such
text is refused; whether the rest makes sense, LanceDB says. Must not know columns or values.
"""

from __future__ import annotations

import re

from sensorium.errors import InputError

# A quoted piece, in which a doubled quote stands for itself; or one sign that matters outside of quotes.
_PIECE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|--|/\*|[()'\"`;$\\#]")
_REFUSED = {
    ";": "holds a semicolon outside of quotes",
    "--": "holds a comment",
    "/*": "holds a comment",
    "#": "holds '#' outside of quotes",
    "$": "holds '$' outside of quotes",
    "\\": "holds a backslash outside of quotes",
    "'": "has a quote that is not closed; inside of text, double it: 'O''Brien'",
    '"': "has a quote that is not closed",
    "`": "has a quote that is not closed",
}


def check_expression(text: str) -> None:
    """Check that `text` is one expression by its quotes and parentheses.

    Raises:
        InputError: It is empty, has open quotes or parentheses, or holds comments or several statements.
    """
    if not text.strip():
        raise InputError("The condition is empty. Leave it out to mean every row.")
    depth = 0
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece in _REFUSED:
            raise InputError(f"The condition {text!r} {_REFUSED[piece]}.")
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth < 0:
            break
    if depth:
        raise InputError(f"The condition {text!r} has parentheses that do not match.")
