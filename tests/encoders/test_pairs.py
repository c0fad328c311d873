"""What the two sides of a pair may be, and that each keeps its role, its order and what is known of it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sensorium import CrossEncoder, InputError, UnsupportedModalityError
from tests.compat.peer import load_our_reranker
from tests.compat.questions import DOCUMENTS, PAIRS, QUERY
from tests.tiny import chat_templates, media

Reranker = Callable[[str], CrossEncoder]
Tiny = Callable[..., Path]

PICTURE = {"type": "image", "image": media.make_image(1)}
WORDS = {"type": "text", "text": "a bridge over the river"}


@pytest.fixture(params=[True, False], ids=["shared", "plain"])
def shared(request: pytest.FixtureRequest) -> bool:
    """Whether what pairs have in common is computed once."""
    return bool(request.param)


@pytest.fixture
def vl(reranker: Reranker) -> CrossEncoder:
    return reranker("qwen3_vl_reranker")


def assert_close(scores: Any, wanted: Any) -> None:
    np.testing.assert_allclose(scores, wanted, rtol=0, atol=1e-5)


def assert_apart(scores: Any, others: Any) -> None:
    assert np.abs(np.asarray(scores) - np.asarray(others)).min() > 1e-4


def chat(query: Any, document: Any, system: str | None = None) -> list[dict[str, Any]]:
    """Write a pair as a conversation, each side a list of typed items."""
    opening = [] if system is None else [{"role": "system", "content": [{"type": "text", "text": system}]}]
    return [*opening, {"role": "query", "content": query}, {"role": "document", "content": document}]


def text_item(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


# Roles


def test_a_pair_is_a_query_and_a_document(vl: CrossEncoder, shared: bool) -> None:
    pairs = [(QUERY, DOCUMENTS[0]), (QUERY, PICTURE["image"]), (PICTURE["image"], DOCUMENTS[1])]
    chats = [
        chat([text_item(QUERY)], [text_item(DOCUMENTS[0])]),
        chat([text_item(QUERY)], [PICTURE]),
        chat([PICTURE], [text_item(DOCUMENTS[1])]),
    ]
    assert_close(vl.predict(pairs, shared=shared), vl.predict(chats, shared=shared))
    assert_apart(vl.predict(pairs, shared=shared), vl.predict([pair[::-1] for pair in pairs], shared=shared))
    assert_close(vl.predict([*chats, *pairs], shared=shared), vl.predict([*pairs, *pairs], shared=shared))


def test_an_instruction_is_the_system_turn(vl: CrossEncoder, shared: bool) -> None:
    pairs = [(QUERY, document) for document in (DOCUMENTS[0], PICTURE["image"])]
    items = [[text_item(DOCUMENTS[0])], [PICTURE]]
    wanted = vl.predict([chat([text_item(QUERY)], document, "Judge.") for document in items], shared=shared)
    assert_close(vl.predict(pairs, prompt="Judge.", shared=shared), wanted)
    assert_apart(vl.predict(pairs, shared=shared), wanted)


def test_neighbours_do_not_change_what_a_pair_is(reranker: Reranker, shared: bool) -> None:
    """Beside an input that is no pair, the peer makes one user turn of a pair of texts."""
    vl = reranker("qwen2_5_vl_reranker")  # its template takes users' turns as well
    mixture = [
        PAIRS[0],
        {"text": "a bridge", "image": PICTURE["image"]},
        PAIRS[1],
        "a text alone",
        PICTURE["image"],
        [{"role": "user", "content": "a talk"}],
        (QUERY, {"image": PICTURE["image"], "text": "a bridge"}),
        chat([text_item(QUERY)], [PICTURE]),
    ]
    wanted = [vl.predict(value, shared=shared) for value in mixture]
    assert_close(vl.predict(mixture, shared=shared), wanted)
    assert_close(vl.predict(mixture[::-1], batch_size=3, shared=shared), wanted[::-1])


def test_one_text_is_scored_alone(reranker: Reranker, shared: bool) -> None:
    for name in ("bert_ce", "qwen3_reranker_st", "qwen3_vl_reranker"):
        model = reranker(name)
        alone = model.predict(QUERY, shared=shared)
        assert alone.shape == ()
        assert_close(model.predict([PAIRS[0], QUERY], shared=shared)[1], alone)


# Strings that look like media


def test_an_address_is_text_to_a_model_of_texts(reranker: Reranker, tmp_path: Path, shared: bool) -> None:
    picture = str(media.write_image(tmp_path / "one.png", 1))
    strings = [picture, "https://example.invalid/a/picture.jpg", "https://youtu.be/abc", str(tmp_path / "missing.wav")]
    for name in ("bert_ce", "bert_ce3", "modernbert_ce", "qwen3_seq_cls", "qwen3_reranker_st"):
        model = reranker(name)
        wanted = model.predict([(QUERY, {"text": string}) for string in strings], shared=shared)
        assert_close(model.predict([(QUERY, string) for string in strings], shared=shared), wanted)
        other = model.predict([({"text": string}, QUERY) for string in strings], shared=shared)
        assert_close(model.predict([(string, QUERY) for string in strings], shared=shared), other)
        assert np.ptp(wanted, axis=0).min() > 1e-3


def test_an_address_is_text_to_a_structured_model_of_texts(tiny: Tiny, tmp_path: Path, shared: bool) -> None:
    """The peer makes an image of it, for which the template has no place."""
    given = {"processor_kwargs": {"chat_template": chat_templates.QWEN2_5_VL_RERANKER}}
    model = load_our_reranker(tiny("qwen3_reranker"), **given)
    assert model[0].message_format == "structured"
    picture = str(media.write_image(tmp_path / "one.png", 1))
    pairs = [(QUERY, picture), (picture, QUERY), (QUERY, DOCUMENTS[0])]
    as_texts = [tuple({"text": side} for side in pair) for pair in pairs]
    assert_close(model.predict(pairs, shared=shared), model.predict(as_texts, shared=shared))


def test_a_path_is_a_picture_to_a_model_that_sees(vl: CrossEncoder, tmp_path: Path, shared: bool) -> None:
    path = media.write_image(tmp_path / "one.png", 1)
    forms = [str(path), path, path.read_bytes(), {"image": str(path)}, {"bytes": path.read_bytes(), "path": None}]
    forms += [media.make_pixels(1), media.make_image(1), io.BytesIO(path.read_bytes())]
    scores = vl.predict([(QUERY, form) for form in forms], shared=shared)
    assert_close(scores, scores[0])
    assert_apart(scores[0], vl.predict((QUERY, {"text": str(path)}), shared=shared))
    ranking = vl.rank(str(path), DOCUMENTS, shared=shared)
    assert ranking == vl.rank(path, DOCUMENTS, shared=shared)


def test_media_are_refused_by_a_model_of_texts(reranker: Reranker, shared: bool) -> None:
    for name in ("bert_ce", "qwen3_seq_cls", "qwen3_reranker_st"):
        for pair in (
            (QUERY, PICTURE["image"]),
            (PICTURE["image"], QUERY),
            ({"text": "a", "image": PICTURE["image"]}, QUERY),
        ):
            with pytest.raises(
                UnsupportedModalityError, match="not supported.*takes no image.*Supported modalities: text"
            ) as caught:
                reranker(name).predict([PAIRS[0], pair], shared=shared)
            assert caught.value.index == 1


def test_sounds_are_refused_by_a_model_that_sees(vl: CrossEncoder, shared: bool) -> None:
    with pytest.raises(UnsupportedModalityError, match="takes no audio"):
        vl.predict([(QUERY, {"array": media.make_wave(1), "sampling_rate": 16_000})], shared=shared)


# Dicts, and lists of items


def test_what_is_known_of_a_sound_counts(reranker: Reranker, tmp_path: Path, shared: bool) -> None:
    """In a pair and in a chat: at another rate the same samples are another sound."""
    model = reranker("qwen2_5_omni_reranker")
    slow, fast = media.make_wave(1, 0.8, 8_000), media.make_wave(1, 0.8, 16_000)
    path = media.write_sound(tmp_path / "slow.wav", 1, 0.8, 8_000)
    described = {"array": slow, "sampling_rate": 8_000}
    item = {"type": "audio", "audio": described}
    values = [(QUERY, described), (QUERY, {"audio": described}), (QUERY, path), chat([text_item(QUERY)], [item])]
    scores = model.predict(values, shared=shared)
    assert_close(scores[[1, 3]], scores[0])
    np.testing.assert_allclose(scores[2], scores[0], rtol=0, atol=1e-3)  # the file holds 16-bit samples
    assert_apart(model.predict((QUERY, slow), shared=shared), scores[0])
    full = model.predict([(QUERY, fast), (QUERY, {"array": fast, "sampling_rate": 16_000})], shared=shared)
    assert_close(full[1], full[0])
    assert_apart(full[0], scores[0])
    stereo = {"array": np.stack([slow, slow]), "sampling_rate": 8_000}
    assert_close(model.predict((QUERY, stereo), shared=shared), scores[0])


def test_different_rates_may_share_a_batch(reranker: Reranker, shared: bool) -> None:
    model = reranker("qwen2_5_omni_reranker")
    sounds = [{"array": media.make_wave(1, 0.5, rate), "sampling_rate": rate} for rate in (8_000, 16_000, 22_050)]
    wanted = [model.predict((QUERY, sound), shared=shared) for sound in sounds]
    assert_close(model.predict([(QUERY, sound) for sound in sounds], shared=shared), wanted)


def test_what_is_known_of_a_clip_counts(vl: CrossEncoder, shared: bool) -> None:
    slow, fast = media.make_clip(1, fps=2.0), media.make_clip(1, fps=8.0)
    item = {"type": "video", "video": slow}
    values = [(QUERY, slow), (QUERY, {"video": slow}), chat([text_item(QUERY)], [item]), (QUERY, fast)]
    scores = vl.predict(values, shared=shared)
    assert_close(scores[1:3], scores[0])
    assert_apart(scores[3], scores[0])
    reversed_sides = vl.predict([(slow, QUERY), ({"video": slow}, QUERY), (fast, QUERY)], shared=shared)
    assert_close(reversed_sides[1], reversed_sides[0])
    assert_apart(reversed_sides[2], reversed_sides[0])


def test_a_list_of_frames_is_a_clip(vl: CrossEncoder, shared: bool) -> None:
    frames = [Image.fromarray(frame) for frame in media.make_frames(1)]
    forms = [media.make_frames(1), frames, {"video": frames}, {"video": media.make_frames(1)}]
    scores = vl.predict([(QUERY, form) for form in forms], shared=shared)
    assert_close(scores, scores[0])


@pytest.mark.parametrize("side", [0, 1])
def test_items_of_a_dict_keep_their_order(vl: CrossEncoder, side: int, shared: bool) -> None:
    """In the order given, as alone and in a chat."""
    parts = {"text": WORDS["text"], "image": PICTURE["image"], "video": media.make_frames(2)}
    items = {"text": WORDS, "image": PICTURE, "video": {"type": "video", "video": parts["video"]}}
    values, chats = [], []
    for order in itertools.permutations(parts):
        pair = [QUERY, QUERY]
        pair[side] = {name: parts[name] for name in order}  # type: ignore[call-overload]
        contents: list[Any] = [[text_item(QUERY)], [text_item(QUERY)]]
        contents[side] = [items[name] for name in order]
        values.append(tuple(pair))
        chats.append(chat(*contents))
    scores = vl.predict(values, shared=shared)
    assert_close(scores, vl.predict(chats, shared=shared))
    for first, second in itertools.combinations(scores, 2):
        assert_apart(first, second)


def test_several_items_of_a_modality_make_one_side(vl: CrossEncoder, shared: bool) -> None:
    first, second = media.make_image(1), media.make_image(2, 33, 64)
    values = [(QUERY, {"image": [first, second]}), (QUERY, {"image": [second, first], "text": "two bridges"})]
    pictures = {"one": {"type": "image", "image": first}, "two": {"type": "image", "image": second}}
    chats = [
        chat([text_item(QUERY)], [pictures["one"], pictures["two"]]),
        chat([text_item(QUERY)], [pictures["two"], pictures["one"], text_item("two bridges")]),
    ]
    assert_close(vl.predict(values, shared=shared), vl.predict(chats, shared=shared))


# Chat messages


@pytest.mark.parametrize("name", ["bert_ce", "qwen3_reranker_st", "qwen3_vl_reranker"])
@pytest.mark.parametrize("role", ["user", "query", "document", "assistant"])
def test_one_message_is_a_side_by_its_content(reranker: Reranker, name: str, role: str, shared: bool) -> None:
    model = reranker(name)
    message = {"role": role, "content": DOCUMENTS[0]}
    typed = {"role": role, "content": [text_item(DOCUMENTS[0])]}
    wanted = model.predict([(QUERY, DOCUMENTS[0]), (DOCUMENTS[0], QUERY)], shared=shared)
    for form in (message, [message], typed, [typed]):
        assert_close(model.predict([(QUERY, form), (form, QUERY)], shared=shared), wanted)
    query = {"role": role, "content": QUERY}
    got = model.rank(query, [message, DOCUMENTS[1]], shared=shared)
    plain = model.rank(QUERY, DOCUMENTS[:2], shared=shared)
    assert [hit["corpus_id"] for hit in got] == [hit["corpus_id"] for hit in plain]
    assert_close([hit["score"] for hit in got], [hit["score"] for hit in plain])


def test_a_message_with_media_is_a_side(vl: CrossEncoder, shared: bool) -> None:
    message = {"role": "user", "content": [WORDS, PICTURE]}
    wanted = vl.predict((QUERY, {"text": WORDS["text"], "image": PICTURE["image"]}), shared=shared)
    assert_close(vl.predict([(QUERY, message), (QUERY, [message])], shared=shared), wanted)


@pytest.mark.parametrize("name", ["bert_ce", "qwen3_reranker_st", "qwen3_vl_reranker"])
def test_a_side_is_no_whole_chat_and_no_pair(reranker: Reranker, name: str, shared: bool) -> None:
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    for document in (talk, ("a", "b")):
        with pytest.raises(
            InputError, match="the document of a pair is a pair or a chat of several messages"
        ) as caught:
            reranker(name).predict([PAIRS[0], (QUERY, document)], shared=shared)
        assert caught.value.index == 1
        with pytest.raises(InputError, match="the query"):
            reranker(name).predict([PAIRS[0], (document, QUERY)], shared=shared)


def test_text_contents_may_be_strings_or_items(reranker: Reranker, shared: bool) -> None:
    """Whatever the model's template takes."""
    for name in ("qwen3_reranker_st", "qwen3_vl_reranker"):
        model = reranker(name)
        flat = [{"role": "query", "content": QUERY}, {"role": "document", "content": DOCUMENTS[0]}]
        wanted = model.predict([PAIRS[0]], prompt="", shared=shared)
        got = model.predict([flat, chat([text_item(QUERY)], [text_item(DOCUMENTS[0])])], prompt="", shared=shared)
        assert_close(got, [wanted[0], wanted[0]])


def test_a_model_without_a_chat_template_takes_no_chats(reranker: Reranker, shared: bool) -> None:
    flat = [{"role": "query", "content": QUERY}, {"role": "document", "content": DOCUMENTS[0]}]
    with pytest.raises(UnsupportedModalityError, match="does not support chat-style 'message' inputs"):
        reranker("bert_ce").predict([PAIRS[0], flat], shared=shared)


# Templates


def test_a_template_that_cannot_carry_roles_is_refused(reranker: Reranker, shared: bool) -> None:
    model = reranker("qwen3_no_roles")
    for pairs in (PAIRS, PAIRS[:1], PAIRS[0]):
        with pytest.raises(InputError, match="cannot carry a 'query'/'document' pair") as caught:
            model.predict(pairs, shared=shared)
        assert "'query' and 'document' content do not reach the rendered prompt" in str(caught.value)
        assert "processor_kwargs" in str(caught.value)
    with pytest.raises(InputError, match="cannot carry a 'query'/'document' pair"):
        model.rank(QUERY, DOCUMENTS, shared=shared)
    assert np.isfinite(model.predict([[{"role": "user", "content": "a talk"}]] * 2, shared=shared)).all()


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "{% for message in messages if message.role != 'document' %}{{ message.content }}{% endfor %}",
            "'document' content does not reach",
        ),
        (
            "{% for message in messages if message.role == 'document' %}{{ message.content }}{% endfor %}",
            "'query' content does not reach",
        ),
        ("{{ raise_exception('only users') }}", "it raised"),
        ("constant", "'query' and 'document' content"),
    ],
    ids=["no document", "no query", "raises", "constant"],
)
def test_the_refusal_says_which_role_is_lost(tiny: Tiny, template: str, reason: str, shared: bool) -> None:
    model = load_our_reranker(tiny("qwen3_reranker"), processor_kwargs={"chat_template": template})
    with pytest.raises(InputError, match=f"cannot carry a 'query'/'document' pair: .*{reason}"):
        model.predict(PAIRS, shared=shared)


def test_a_better_template_may_come_at_loading_later_or_with_the_call(tiny: Tiny, shared: bool) -> None:
    good, bad = chat_templates.QWEN3_RERANKER, chat_templates.WITHOUT_PAIR_ROLES
    wanted = load_our_reranker(tiny("qwen3_reranker")).predict(PAIRS, shared=shared)
    at_loading = load_our_reranker(tiny("qwen3_no_roles"), processor_kwargs={"chat_template": good})
    assert_close(at_loading.predict(PAIRS, prompt="", shared=shared), wanted)
    model = load_our_reranker(tiny("qwen3_no_roles"))
    in_the_call = {"chat_template": {"chat_template": good}}
    assert_close(model.predict(PAIRS, prompt="", processing_kwargs=in_the_call, shared=shared), wanted)
    with pytest.raises(InputError, match="cannot carry"):
        model.predict(PAIRS, prompt="", shared=shared)
    model.tokenizer.chat_template = good
    assert_close(model.predict(PAIRS, prompt="", shared=shared), wanted)
    model.tokenizer.chat_template = bad
    with pytest.raises(InputError, match="cannot carry"):
        model.predict(PAIRS, prompt="", shared=shared)
