"""A query, documents, and the pairs of them, for comparisons of rerankers. Texts only; no two documents are equal."""

from __future__ import annotations

QUERY = "Where does the orchestra play?"
DOCUMENTS = [
    "The orchestra plays in the park on Sundays.",
    "Rain falls over the hills.",
    "A recipe for bread: flour, water, salt and a long night of waiting for the dough to rise.",
    "rain",
    "Nobody knows where, and nobody asks.",
]
#: Five that share a query, and one that does not.
PAIRS = [(QUERY, document) for document in DOCUMENTS] + [("rain", DOCUMENTS[1])]
