"""From an icon's identifier to the words a person would type: style suffixes off, brands out.

Must not know where the icons come from.
"""

from __future__ import annotations

import re

#: Words at the end of an identifier that say how an icon is drawn and not what it shows.
_STYLES = frozenset(
    re.findall(
        r"\S+",
        "outline outlined filled fill solid bold duotone twotone thin light line linear broken sharp round "
        "rounded regular alt remix flat duo color colour two tone off1 alternate outline1 remix1 w100 w200 "
        "w300 w400 freehand stroke lt dk bulk solid1 sticker ",
    )
)
_PREFIXES = frozenset(
    re.findall(
        r"\S+",
        "baseline outline twotone round sharp i bx bxs outlined ",
    )
)
#: Identifiers that begin with one of these are somebody's mark.
_BRAND_PREFIXES = ("brand-", "logo-", "bxl-", "logos-", "social-media-", "cib-")


def find_base(identifier: str) -> str:
    """Return an identifier without numbers and words of style: `open-umbrella-solid` -> `open umbrella`."""
    words = [word for word in re.split(r"[-_\s]+", identifier.lower()) if word]
    while len(words) > 1 and words[0] in _PREFIXES:
        words = words[1:]
    while len(words) > 1 and (words[-1] in _STYLES or words[-1].isdigit()):
        words = words[:-1]
    return " ".join(re.sub(r"(?<=[a-z]{3})\d+$", "", word) for word in words)


def is_brand(identifier: str, base: str, brands: frozenset[str]) -> bool:
    """Tell whether an icon is a company's or product's mark, by its identifier and a list of such names."""
    squashed = base.replace(" ", "")
    first = base.split(" ", 1)[0]
    return (
        identifier.startswith(_BRAND_PREFIXES)
        or identifier.endswith(("-logo", "-logo-fill", "-logo-bold"))
        or " logo" in f" {base}"
        or squashed in brands
        or (first in _MARKS and first in brands)
    )


#: Brands that begin longer identifiers, such as `microsoft-word`.
_MARKS = frozenset(
    re.findall(
        r"\S+",
        "adobe amazon android apple aws facebook figma github gitlab gmail google instagram linkedin "
        "microsoft paypal pinterest reddit slack snapchat spotify tiktok twitch twitter whatsapp wordpress "
        "youtube steam xbox nintendo playstation telegram threads discord docker dropbox html5 css3 firebase ",
    )
)


def is_wordy(base: str) -> bool:
    """Tell whether a base is made of words: letters, up to five words, not a lone letter."""
    words = base.split()
    return 0 < len(words) <= 5 and len(base) > 2 and any(len(word) > 2 and word.isalpha() for word in words)
