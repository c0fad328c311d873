"""What a text or a picture costs in a language model's context, estimated. Must not know what it is for.

Source: OpenAI's guides: about four characters of English a token; a picture costs 85 tokens and 170 for each tile of
512 by 512 pixels, after it was scaled to a shorter side of at most 768. Other models count otherwise; the estimate is
meant to be too high rather than too low.
"""

from __future__ import annotations

import math

_CHARACTERS_A_TOKEN = 4
#: From here on (CJK radicals) scripts take about a token a character.
_WIDE = 0x2E80
_TILE = 512
_A_PICTURE, _A_TILE = 85, 170
#: Longest side of a picture that is sent.
MAX_SIDE = 768


def count_tokens(text: str) -> int:
    """Estimate the tokens of a text."""
    wide = sum(ord(one) >= _WIDE for one in text)
    return wide + math.ceil((len(text) - wide) / _CHARACTERS_A_TOKEN)


def cut_to_tokens(text: str, tokens: int) -> str:
    """Give the beginning of a text that costs at most so many tokens, cut at a word where one ends near."""
    if count_tokens(text) <= tokens:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count_tokens(text[:middle]) < tokens else (low, middle - 1)
    cut = text[:low]
    space = cut.rfind(" ")
    return f"{cut[:space] if space > low - 40 and space > 0 else cut}…"


def count_picture_tokens(width: int, height: int) -> int:
    """Estimate the tokens of a picture of so many pixels."""
    return _A_PICTURE + _A_TILE * math.ceil(width / _TILE) * math.ceil(height / _TILE)
