"""The table of small rerankers: how each is built, what pairs to feed it, and what the peer makes of them.

`test_rerankers.py` holds every claim made here to what the peer really does. Must not know this library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.tiny import pairs, rerankers, seeing_rerankers
from tests.tiny.pairs import PairMaker


@dataclass(frozen=True)
class RerankerFamily:
    """One small reranker.

    Attributes:
        name: What `tiny(name)` takes. build: Writes the checkpoint into a folder, from a seed.
        pairs: `"query->document"`, by modality -> maker of pairs in a form that both libraries take. `"text"` is short
            for `"text->text"`; `"mixed"` holds pairs of several kinds, `"message"` conversations in their place; what
            follows a colon tells further forms of one kind apart.
        num_labels: Scores of a pair.
        activation: Class name of what is applied to the scores by default.
        prompt: The instruction that is used without being asked for, if any.
        answers: The tokens whose logits are compared, where that is how pairs are scored.
        peer_errors: Key of `pairs` -> class and part of the text of the error, where the peer loads the checkpoint and
            cannot score that.
        peer_mixes: Keys of `pairs` for which the peer's score depends on what else is in the batch.
        peer_ties: Keys of `pairs` among which some score the same, for what tells them apart is cut off.
        notes: What is peculiar to the peer with this checkpoint, in a sentence or two.
    """

    name: str
    build: Callable[..., Path]
    pairs: Mapping[str, PairMaker]
    num_labels: int = 1
    activation: str = "Sigmoid"
    prompt: str | None = None
    answers: tuple[str, str] | None = None
    peer_errors: Mapping[str, str] = field(default_factory=dict)
    peer_mixes: frozenset[str] = frozenset()
    peer_ties: frozenset[str] = frozenset()
    notes: str = ""


_TEXT: Mapping[str, PairMaker] = {
    "text": pairs.texts,
    "text:long": pairs.long_texts,
    "text:address": pairs.addresses,
}
_TALKING: Mapping[str, PairMaker] = {
    **_TEXT,
    "message": pairs.text_conversations,
    "mixed:message": pairs.texts_and_conversations,
}
_SEEING: Mapping[str, PairMaker] = {
    "text": pairs.texts,
    "text->image": pairs.texts_to_images,
    "image->text": pairs.images_to_texts,
    "image->image": pairs.images_to_images,
    "text->video": pairs.texts_to_clips,
    "text->video:described": pairs.texts_to_described_clips,
    "video->text": pairs.clips_to_texts,
    "text->image+text": pairs.texts_to_pictures_with_text,
    "text->image+text:several": pairs.texts_to_albums,
    "text->text+image": pairs.texts_to_texts_with_picture,
    "image+text->text": pairs.pictures_with_text_to_texts,
    "mixed": pairs.seen_mixtures,
    "mixed:message": pairs.texts_and_typed_conversations,
    "message": pairs.conversations,
}
_HEARING: Mapping[str, PairMaker] = {
    **_SEEING,
    "text->audio": pairs.texts_to_sounds,
    "text->audio:described": pairs.texts_to_described_sounds,
    "audio->text": pairs.sounds_to_texts,
    "audio->image": pairs.sounds_to_images,
    "mixed:heard": pairs.heard_mixtures,
}

_UNPAIRED = frozenset({"mixed:message"})
_CUT = frozenset({"text:long"})
_DESCRIBED_CLIP = {"text->video:described": "KeyError: 0"}
_NO_ROLES = "ValueError: cannot carry a 'query'/'document' pair"

CLASSIFIERS: tuple[RerankerFamily, ...] = (
    RerankerFamily("bert_ce", rerankers.build_bert_ce, _TEXT),
    RerankerFamily("bert_ce3", rerankers.build_bert_ce3, _TEXT, num_labels=3, activation="Identity"),
    RerankerFamily("modernbert_ce", rerankers.build_modernbert_ce, _TEXT),
    RerankerFamily("modernbert_ce3", rerankers.build_modernbert_ce3, _TEXT, num_labels=3, activation="Identity"),
    RerankerFamily("bert_ce_v3", rerankers.build_bert_ce_v3, _TEXT, activation="Identity"),
    RerankerFamily("bert_ce_v4", rerankers.build_bert_ce_v4, _TEXT, activation="Identity"),
    RerankerFamily("bert_ce_plain", rerankers.build_bert_ce_plain, _TEXT),
    RerankerFamily("qwen3_seq_cls", rerankers.build_qwen3_seq_cls, _TEXT),
)
ANSWERERS: tuple[RerankerFamily, ...] = (
    RerankerFamily(
        "qwen3_reranker",
        rerankers.build_qwen3_reranker,
        _TALKING,
        answers=("yes", "no"),
        peer_mixes=_UNPAIRED,
        peer_ties=_CUT,
        notes="Beside a conversation, the peer hands the template a pair of texts as one user turn, a tuple.",
    ),
    RerankerFamily(
        "qwen3_reranker_st",
        rerankers.build_qwen3_reranker_st,
        _TALKING,
        prompt=rerankers.WEB_SEARCH["web_search"],
        answers=("yes", "no"),
        peer_mixes=_UNPAIRED,
        peer_ties=_CUT,
        notes="As qwen3_reranker.",
    ),
    RerankerFamily(
        "qwen3_no_roles",
        rerankers.build_qwen3_no_roles,
        {**_TEXT, "message": pairs.text_conversations, "message:user": pairs.user_talks},
        prompt=rerankers.WEB_SEARCH["web_search"],
        answers=("yes", "no"),
        peer_errors=dict.fromkeys((*_TEXT, "message"), _NO_ROLES),
        notes="A conversation that has no pair's roles is scored.",
    ),
    RerankerFamily(
        "llama_reranker",
        rerankers.build_llama_reranker,
        _TALKING,
        answers=("yes", "no"),
        peer_mixes=_UNPAIRED,
        peer_ties=_CUT,
        notes="As qwen3_reranker.",
    ),
    RerankerFamily(
        "mistral_sliding_reranker",
        rerankers.build_mistral_sliding_reranker,
        _TALKING,
        answers=("yes", "no"),
        peer_mixes=_UNPAIRED,
        peer_ties=_CUT,
        notes="As qwen3_reranker.",
    ),
)
SEEING_RERANKERS: tuple[RerankerFamily, ...] = (
    RerankerFamily(
        "qwen3_vl_reranker",
        seeing_rerankers.build_qwen3_vl_reranker,
        _SEEING,
        answers=("yes", "no"),
        peer_errors=_DESCRIBED_CLIP,
        peer_mixes=_UNPAIRED,
        notes="As qwen3_reranker. What is known of a clip inside a pair reaches the processor in the place of frames.",
    ),
    RerankerFamily(
        "qwen2_vl_reranker",
        seeing_rerankers.build_qwen2_vl_reranker,
        _SEEING,
        peer_errors=_DESCRIBED_CLIP,
        peer_mixes=_UNPAIRED,
        notes="As qwen3_vl_reranker.",
    ),
    RerankerFamily(
        "qwen2_5_vl_reranker",
        seeing_rerankers.build_qwen2_5_vl_reranker,
        {**_SEEING, "message:user": pairs.user_talks},
        answers=("yes", "no"),
        peer_errors=_DESCRIBED_CLIP,
        peer_mixes=_UNPAIRED,
        notes="As qwen3_vl_reranker.",
    ),
)
HEARING_RERANKERS: tuple[RerankerFamily, ...] = (
    RerankerFamily(
        "qwen2_5_omni_reranker",
        seeing_rerankers.build_qwen2_5_omni_reranker,
        _HEARING,
        answers=("yes", "no"),
        peer_errors={**_DESCRIBED_CLIP, "text->audio:described": "TypeError: Incorrect format used for `audio`"},
        peer_mixes=_UNPAIRED,
        notes="As qwen3_vl_reranker, for sounds as well.",
    ),
)

RERANKERS: tuple[RerankerFamily, ...] = (*CLASSIFIERS, *ANSWERERS, *SEEING_RERANKERS, *HEARING_RERANKERS)

RERANKERS_BY_NAME: Mapping[str, RerankerFamily] = {family.name: family for family in RERANKERS}
