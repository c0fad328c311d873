"""English words that say nothing of what is asked for, so that full text does not find every passage that has an `a`.

The index keeps them, since a title may consist of them; a question is better asked without. Must not know the index.

Source: the closed word classes of English (articles, pronouns, auxiliaries, prepositions, conjunctions, question
words), written down here.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_CLOSED_CLASSES = (
    # articles, determiners, quantities that ask
    "a an the this that these those some any each every much many more most few several such same other another "
    # pronouns
    "i me my mine myself you your yours yourself he him his himself she her hers herself it its itself we us our ours "
    "they them their theirs themselves one oneself someone anyone something anything nothing everything "
    # auxiliaries
    "am is are was were be been being do does did doing done have has had having will would shall should can could may "
    "might must ought isn't aren't wasn't weren't don't doesn't didn't haven't hasn't hadn't won't wouldn't can't "
    "couldn't shouldn't "
    # prepositions and particles
    "of in on at by for from to into onto with without within about above below under over between among through "
    "during before after since until up down out off near as than per via "
    # conjunctions and adverbs of the sentence
    "and or but nor so yet if then else when while because though although whether not no yes also too very just only "
    "there here again ever "
    # question words, and what asks politely
    "who whom whose what which where why how please show find tell give"
)
_WORDS = frozenset(_CLOSED_CLASSES.split())


def drop_stop_words(text: str) -> str:
    """Give the words of a question that are worth looking for, in order; all of them if none is."""
    words = _WORD.findall(text)
    kept = [word for word in words if word.lower().replace("’", "'") not in _WORDS]
    return " ".join(kept or words)
