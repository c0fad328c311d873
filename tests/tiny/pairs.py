"""Pairs for the small rerankers, in forms that this library and the peer both take unless the name says otherwise.

Each maker takes a folder for files it may need and gives pairs of one kind, `(query, document)`: most share a query, as
in ranking, and some do not. Must not know which model scores them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.tiny import media
from tests.tiny.corpus import SAMPLE_TEXTS, TRAINING_TEXT

#: Makes pairs of one kind, or conversations in their place; files go into the folder given.
PairMaker = Callable[[Path], list[Any]]

_QUESTION = "Where does the orchestra play?"
_OTHER_QUESTION = "rain"
_SHORT_TEXTS = (SAMPLE_TEXTS[0], SAMPLE_TEXTS[1], SAMPLE_TEXTS[3])


def _ask(query: Any, documents: list[Any], other_query: Any) -> list[Any]:
    """Pair `query` with every document, then `other_query` with the first two."""
    return [(query, document) for document in documents] + [(other_query, document) for document in documents[:2]]


def texts(folder: Path) -> list[Any]:
    """Seven pairs of texts, from one word to a paragraph."""
    return _ask(_QUESTION, list(SAMPLE_TEXTS), _OTHER_QUESTION)


def long_texts(folder: Path) -> list[Any]:
    """Five pairs: documents longer than the small models read, beside short ones, and a query as long."""
    paragraph, other = " ".join(TRAINING_TEXT[:20]), " ".join(reversed(TRAINING_TEXT[:20]))
    return _ask(_QUESTION, [paragraph, SAMPLE_TEXTS[0], other], paragraph)


def addresses(folder: Path) -> list[Any]:
    """Six pairs whose documents look like addresses and paths of media: for a model that only reads, they are text."""
    documents = [
        "https://example.org/bicycle.png",
        "https://example.org/train/station.jpg",
        str(media.write_image(folder / "rain.png", 1)),
        "music/orchestra.wav",
    ]
    return _ask(_QUESTION, documents, _OTHER_QUESTION)


def texts_to_images(folder: Path) -> list[Any]:
    """Five pairs of a text and a picture, two of them of another text."""
    return _ask(_QUESTION, _pictures(), _OTHER_QUESTION)


def images_to_texts(folder: Path) -> list[Any]:
    """Five pairs of a picture and a text; three share one picture object."""
    return _ask(media.make_image(4), list(_SHORT_TEXTS), media.make_image(5, 33, 64))


def images_to_images(folder: Path) -> list[Any]:
    """Five pairs of pictures; three share the query, and each of two documents comes twice."""
    return _ask(media.make_image(4), _pictures(), media.make_image(5, 33, 64))


def texts_to_clips(folder: Path) -> list[Any]:
    """Five pairs of a text and a clip, as bare frames: the peer drops what is known of a clip inside a pair."""
    return _ask(_QUESTION, [clip["array"] for clip in _clips()], _OTHER_QUESTION)


def clips_to_texts(folder: Path) -> list[Any]:
    """Five pairs of a clip, as bare frames, and a text."""
    query, other, _ = (clip["array"] for clip in _clips())
    return _ask(query, list(_SHORT_TEXTS), other)


def texts_to_described_clips(folder: Path) -> list[Any]:
    """`texts_to_clips` with each clip's frame rate beside its frames, which the peer does not take inside a pair."""
    return _ask(_QUESTION, _clips(), _OTHER_QUESTION)


def texts_to_pictures_with_text(folder: Path) -> list[Any]:
    """Five pairs of a text and a picture with a text."""
    return _ask(_QUESTION, _captioned(), _OTHER_QUESTION)


def pictures_with_text_to_texts(folder: Path) -> list[Any]:
    """Five pairs of a picture with a text, and a text."""
    captioned = _captioned()
    return _ask(captioned[0], list(_SHORT_TEXTS), captioned[1])


def texts_to_texts_with_picture(folder: Path) -> list[Any]:
    """`texts_to_pictures_with_text` with the text first in each document."""
    documents = [{"text": item["text"], "image": item["image"]} for item in _captioned()]
    return _ask(_QUESTION, documents, _OTHER_QUESTION)


def texts_to_albums(folder: Path) -> list[Any]:
    """Five pairs of a text and one to three pictures with a text; pictures recur from document to document."""
    first, second, third = _pictures()
    groups = ([first, second], [third], [second, first, third])
    documents = [{"image": group, "text": line} for group, line in zip(groups, SAMPLE_TEXTS, strict=False)]
    return _ask(_QUESTION, documents, _OTHER_QUESTION)


def texts_to_sounds(folder: Path) -> list[Any]:
    """Five pairs of a text and a sound, as bare samples at 16,000 Hz."""
    return _ask(_QUESTION, _sounds(), _OTHER_QUESTION)


def sounds_to_texts(folder: Path) -> list[Any]:
    """Five pairs of a sound, as bare samples at 16,000 Hz, and a text."""
    query, other, _ = _sounds()
    return _ask(query, list(_SHORT_TEXTS), other)


def sounds_to_images(folder: Path) -> list[Any]:
    """Five pairs of a sound, as bare samples at 16,000 Hz, and a picture."""
    query, other, _ = _sounds()
    return _ask(query, _pictures(), other)


def texts_to_described_sounds(folder: Path) -> list[Any]:
    """`texts_to_sounds` with each sound's rate beside it, which the peer does not take inside a pair."""
    sounds = [{"array": wave, "sampling_rate": 16_000} for wave in _sounds()]
    return _ask(_QUESTION, sounds, _OTHER_QUESTION)


def seen_mixtures(folder: Path) -> list[Any]:
    """Eight pairs in one batch: documents are texts, pictures, a picture with a text, and a clip; so is one query."""
    picture, clip = media.make_image(1), media.make_clip(2)["array"]
    documents = [SAMPLE_TEXTS[1], picture, _captioned()[1], clip, SAMPLE_TEXTS[3]]
    return [*_ask(_QUESTION, documents, media.make_image(4)), (_captioned()[2], picture)]


def heard_mixtures(folder: Path) -> list[Any]:
    """Eight pairs in one batch: as `seen_mixtures`, with sounds among the documents and a sound as the other query."""
    sound, other, _ = _sounds()
    documents = [SAMPLE_TEXTS[1], media.make_image(1), sound, _captioned()[1], media.make_clip(2)["array"]]
    return [*_ask(_QUESTION, documents, other), (other, sound)]


def texts_and_conversations(folder: Path) -> list[Any]:
    """Two pairs of texts and the conversations of `text_conversations`, in one batch."""
    return [*texts(folder)[::5], *text_conversations(folder)]


def texts_and_typed_conversations(folder: Path) -> list[Any]:
    """Two pairs of texts and the conversations of `conversations`, in one batch."""
    return [*texts(folder)[::5], *conversations(folder)]


def text_conversations(folder: Path) -> list[Any]:
    """Four conversations in the place of pairs, their contents strings: a query, a document, and in two a system."""
    system = {"role": "system", "content": "Find what answers the question."}
    pairs = [
        [{"role": "query", "content": query}, {"role": "document", "content": document}]
        for query, document in texts(folder)[1:5]
    ]
    return [pairs[0], [system, *pairs[1]], pairs[2], [system, *pairs[3]]]


def user_talks(folder: Path) -> list[Any]:
    """Three conversations without the roles of a pair, their contents strings, one with a system turn."""
    talks = [[{"role": "user", "content": f"{query} {document}"}] for query, document in texts(folder)[:3]]
    return [talks[0], [{"role": "system", "content": "Find what answers the question."}, *talks[1]], talks[2]]


def conversations(folder: Path) -> list[Any]:
    """Four conversations in the place of pairs, their contents typed items, two with a system turn."""
    system = {"role": "system", "content": [{"type": "text", "text": "Find what answers the question."}]}
    picture = {"type": "image", "image": media.make_image(1)}
    documents = [
        [{"type": "text", "text": SAMPLE_TEXTS[1]}],
        [picture],
        [{"type": "text", "text": SAMPLE_TEXTS[0]}, picture],
        [{"type": "image", "image": media.make_image(2, 33, 64)}, {"type": "text", "text": SAMPLE_TEXTS[3]}],
    ]
    query = {"role": "query", "content": [{"type": "text", "text": _QUESTION}]}
    pairs = [[query, {"role": "document", "content": document}] for document in documents]
    return [pairs[0], [system, *pairs[1]], pairs[2], [system, *pairs[3]]]


def _pictures() -> list[Any]:
    return [media.make_image(1), media.make_image(2, 33, 64), media.make_image(3, 96, 48)]


def _captioned() -> list[Any]:
    return [{"image": image, "text": line} for image, line in zip(_pictures(), SAMPLE_TEXTS, strict=False)]


def _clips() -> list[Any]:
    return [media.make_clip(1), media.make_clip(2, 9), media.make_clip(3, 4, 64, 32)]


def _sounds() -> list[np.ndarray]:
    return [media.make_wave(seed, seconds) for seed, seconds in enumerate((0.6, 0.35, 0.9))]
