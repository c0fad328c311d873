"""The questions that the demo puts to a collection of `samples/`, and the file that each must find. Data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Search:
    """One question.

    Attributes:
        title: What is shown by it.
        asked: What is asked, for a reader.
        query: What is asked with: words, or a path below `samples/`.
        expected: The key of the file that must be among the first three.
        options: Further arguments of `Collection.search`.
    """

    title: str
    asked: str
    query: str | Path
    expected: str
    options: Mapping[str, Any] = field(default_factory=dict)


ACROSS = (
    Search(
        "Words to picture",
        "a sailing ship",
        "a sailing ship",
        "pictograms/pictures/sailboat.png",
        {"modality": "image"},
    ),
    Search("Words to sound", "tiger", "tiger", "pictograms/words/tiger.flac", {"modality": "audio"}),
    Search("Words to clip", "footprints", "footprints", "pictograms/clips/footprints.mp4", {"modality": "video"}),
    Search(
        "Picture to words",
        "the picture of a hamburger",
        Path("pictograms/pictures/hamburger.png"),
        "notes/order.txt",
        {"modality": "text"},
    ),
    Search(
        "Sound to picture",
        'the spoken word "paperclip"',
        Path("pictograms/words/paperclip.flac"),
        "pictograms/pictures/paperclip.png",
        {"modality": "image"},
    ),
)
HYBRID = Search(
    "Hybrid: nearness and exact words, in a page of a PDF file",
    "How much did the train tickets cost?",
    "How much did the train tickets cost?",
    "papers/travel-report.pdf",
)
FILTERED = Search(
    "Filtered: only pictures at most 100 pixels wide",
    "a wild animal with fur",
    "a wild animal with fur",
    "pictograms/pictures/wolf.png",
    {"where": {"modality": "image", "width": (None, 100)}},
)
RERANKED = Search(
    "Reranked: the first three passages, read again together with the question",
    "Which bird makes its own tools?",
    "Which bird makes its own tools?",
    "texts/crow.txt",
    {"modality": "text", "rerank_top_k": 3},
)
CONTEXT = Search(
    "Context: what a language model would be sent",
    "When is the museum of musical boxes open?",
    "When is the museum of musical boxes open?",
    "papers/opening-hours.html",
)
#: How many of the first results may hold the expected file.
TOP = 3
