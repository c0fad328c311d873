"""Scores of pairs computed together, with what they have in common computed once, are those of each pair alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium import CrossEncoder
from tests.compat.peer import quiet
from tests.encoders.sharing_models import (
    CAUSAL,
    DOCUMENTS,
    QUERIES,
    SEEING,
    SIDES,
    TEXT_FAMILIES,
    TEXT_NETWORKS,
    WORDS,
    ask,
    assert_shared_is_plain,
    build_network,
    load,
    score_alone,
    small_parts,
)
from tests.tiny import media
from tests.tiny.reranker_families import RERANKERS_BY_NAME

Reranker = Callable[[str], CrossEncoder]

PARTS = {
    "row_tokens": st.sampled_from([1, 7, 40, 512]),
    "token_budget": st.sampled_from([1, 90, 300, 4096]),
    "least_saving": st.sampled_from([1, 64, 300]),
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    """Give `network(name)`, a loaded reranker of `sharing_models.NETWORKS`, the same object on every call."""
    loaded: dict[str, CrossEncoder] = {}

    def load_once(name: str) -> CrossEncoder:
        if name not in loaded:
            loaded[name] = load(build_network(tmp_path_factory.mktemp(name), name))
        return loaded[name]

    return load_once


# Random texts


@st.composite
def text_calls(draw: st.DrawFn) -> tuple[list[Any], dict[str, Any], dict[str, int]]:
    """Draw pairs that share either side, the call's arguments, and the sizes of parts."""
    sides = st.tuples(st.sampled_from(QUERIES), st.sampled_from(DOCUMENTS))
    queries = draw(st.lists(st.sampled_from(QUERIES), min_size=1, max_size=2))
    of_few = st.tuples(st.sampled_from(queries), st.sampled_from(DOCUMENTS))
    pairs = draw(st.lists(of_few, min_size=2, max_size=9)) + draw(st.lists(sides, max_size=3))
    arguments: dict[str, Any] = {"batch_size": draw(st.sampled_from([1, 2, 3, 32]))}
    if prompt := draw(st.sampled_from([None, "Judge this.", " ".join(WORDS[:30])])):
        arguments["prompt"] = prompt
    if length := draw(st.sampled_from([None, None, 12, 130])):
        arguments["processing_kwargs"] = {"text": {"max_length": length}}
    return pairs, arguments, {name: draw(sizes) for name, sizes in PARTS.items()}


@pytest.mark.parametrize("name", TEXT_FAMILIES)
@settings(max_examples=12, derandomize=True)
@given(call=text_calls())
def test_texts_of_any_lengths(reranker: Reranker, name: str, call: Any) -> None:
    pairs, arguments, parts = call
    with small_parts(**parts):
        assert_shared_is_plain(reranker(name), pairs, activation_fn=torch.nn.Identity(), **arguments)


@pytest.mark.parametrize("name", TEXT_NETWORKS)
@settings(max_examples=8, derandomize=True)
@given(call=text_calls())
def test_networks_of_any_make(network: Reranker, name: str, call: Any) -> None:
    pairs, arguments, parts = call
    with small_parts(**parts):
        assert_shared_is_plain(network(name), pairs, **arguments)


@pytest.mark.parametrize("name", TEXT_FAMILIES)
@pytest.mark.parametrize("shared", [True, False])
def test_pairs_that_are_empty_on_both_sides(reranker: Reranker, name: str, shared: bool) -> None:
    """A tokenizer that puts nothing around texts makes no token of them."""
    pairs = [("", ""), ("rain", "wind"), ("", "wind"), ("rain", "")]
    scores = reranker(name).predict(pairs, shared=shared, activation_fn=torch.nn.Identity())
    np.testing.assert_allclose(
        scores, score_alone(reranker(name), pairs, activation_fn=torch.nn.Identity()), rtol=0, atol=1e-4
    )
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("name", "rope_type"), [("phi3", "longrope"), ("llama", "linear")])
def test_stretched_rotary_angles(tmp_path: Path, name: str, rope_type: str) -> None:
    """Some are chosen by the longest prompt of a pass. Prompts lie on both sides of where that begins to matter."""
    rope: dict[str, Any] = {"rope_type": rope_type, "factor": 4.0, "rope_theta": 1e4}
    more: dict[str, Any] = {}
    if rope_type == "longrope":
        more = {"original_max_position_embeddings": 128, "max_position_embeddings": 512}
        rope |= {"short_factor": [1.0] * 4, "long_factor": [3.0] * 4, "original_max_position_embeddings": 128}
    with quiet():
        model = load(build_network(tmp_path, name, rope_parameters=rope, **more))
    pairs = ask(QUERIES[0], DOCUMENTS)
    lengths = [model[0].preprocess([model[0].read_pair(pair)])["input_ids"].shape[1] for pair in pairs]
    assert min(lengths) < 128 < max(lengths)
    with small_parts(token_budget=1):  # one prompt a pass, for the angles of the plain way depend on its neighbours too
        assert_shared_is_plain(model, pairs)


# Random media


HEARD = {"sound", "short sound", "image and sound"}


@st.composite
def media_calls(draw: st.DrawFn, can_hear: bool) -> tuple[list[Any], dict[str, Any], dict[str, int]]:
    names = st.sampled_from([name for name in SIDES if can_hear or name not in HEARD])
    queries = draw(st.lists(names, min_size=1, max_size=2))
    of_few = st.tuples(st.sampled_from(queries), names)
    named = draw(st.lists(of_few, min_size=2, max_size=7)) + draw(st.lists(st.tuples(names, names), max_size=2))
    arguments: dict[str, Any] = {"batch_size": draw(st.sampled_from([1, 3, 32]))}
    if prompt := draw(st.sampled_from([None, "Judge this."])):
        arguments["prompt"] = prompt
    parts = {name: draw(sizes) for name, sizes in PARTS.items()}
    return [(SIDES[query], SIDES[document]) for query, document in named], arguments, parts


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SEEING)
@settings(max_examples=10, derandomize=True)
@given(data=st.data())
def test_mixtures_of_media(reranker: Reranker, name: str, data: st.DataObject) -> None:
    pairs, arguments, parts = data.draw(media_calls(can_hear="omni" in name))
    with small_parts(**parts):
        assert_shared_is_plain(reranker(name), pairs, activation_fn=torch.nn.Identity(), **arguments)


@pytest.mark.parametrize("name", CAUSAL)
def test_every_kind_of_pair(reranker: Reranker, tmp_path: Path, name: str) -> None:
    """All kinds in one call, twice over, files and conversations among them."""
    makers = RERANKERS_BY_NAME[name].pairs
    pairs = [pair for key, make in makers.items() if key != "message:user" for pair in make(tmp_path)[:2]]
    with small_parts(token_budget=700):
        scores = assert_shared_is_plain(reranker(name), pairs * 2, activation_fn=torch.nn.Identity(), batch_size=5)
    assert len(set(scores.round(3).tolist())) > len(pairs) // 3, "the pairs hardly differ"


def test_files_and_clips_that_were_sampled_beside_clips_that_were_not(reranker: Reranker, tmp_path: Path) -> None:
    """What is known of a clip says how it is prepared; a batch of several kinds must not change that."""
    files = [str(media.write_clip(tmp_path / f"{seed}.mp4", seed, fps=4 * seed)) for seed in (1, 2)]
    clips = [media.make_clip(1), media.make_frames(5, 6), media.make_clip(2, 9)]
    for name in ("qwen3_vl_reranker", "qwen2_5_omni_reranker"):
        with small_parts(token_budget=4096), quiet():
            pairs = [*ask("rain", [*files, *clips]), *ask(files[0], [*clips, "rain"])]
            assert_shared_is_plain(reranker(name), pairs, activation_fn=torch.nn.Identity())


# Which side is shared


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_vl_reranker"])
@pytest.mark.parametrize("least_saving", [1, 64])
def test_documents_that_are_shared(reranker: Reranker, name: str, least_saving: int) -> None:
    """Then prompts begin alike as far as the query, and no further."""
    pairs = [(query, document) for document in DOCUMENTS[4:7] for query in (*DOCUMENTS[:4], "where", "when")]
    with small_parts(least_saving=least_saving):
        assert_shared_is_plain(reranker(name), pairs, activation_fn=torch.nn.Identity())


@pytest.mark.parametrize("order", [1, -1])
def test_queries_that_begin_alike(reranker: Reranker, order: int) -> None:
    """A group's own beginning is longer than what it shares with the next."""
    queries = [" ".join(WORDS[:count]) for count in (5, 6, 12, 30)]
    pairs = [(query, document) for query in queries for document in DOCUMENTS[:5]][::order]
    with small_parts():
        assert_shared_is_plain(reranker("qwen3_reranker"), pairs, activation_fn=torch.nn.Identity())


def test_a_query_may_be_the_document(reranker: Reranker) -> None:
    image = media.make_image(1)
    pairs = [(image, image), ("rain", "rain"), ("rain", image), (image, "rain"), ({"image": [image, image]}, image)]
    with small_parts():
        assert_shared_is_plain(reranker("qwen3_vl_reranker"), pairs, activation_fn=torch.nn.Identity())


def test_pictures_that_differ_in_a_pixel_are_not_taken_for_one(reranker: Reranker) -> None:
    model, base = reranker("qwen3_vl_reranker"), media.make_pixels(1, 64, 64)
    images = []
    for place in range(4):
        pixels = base.copy()
        pixels[place * 12 : place * 12 + 12, :12] = 255 - pixels[place * 12 : place * 12 + 12, :12]
        images.append(pixels)
    with small_parts():
        scores = assert_shared_is_plain(model, ask("rain", images), activation_fn=torch.nn.Identity())
        again = assert_shared_is_plain(model, [(image, "rain") for image in images], activation_fn=torch.nn.Identity())
    assert len(set(scores.tolist())) == len(set(again.tolist())) == 4


# As it is by default


def test_a_hundred_documents_with_everything_as_it_is(reranker: Reranker) -> None:
    documents = [" ".join(WORDS[start : start + 1 + start % 37]) for start in range(100)]
    pairs = ask(QUERIES[0], documents)
    scores = assert_shared_is_plain(reranker("qwen3_reranker"), pairs, activation_fn=torch.nn.Identity())
    ranked = reranker("qwen3_reranker").rank(QUERIES[0], documents)
    assert [entry["corpus_id"] for entry in ranked] == np.argsort(-scores, kind="stable").tolist()


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_seq_cls", "qwen3_vl_reranker"])
def test_where_time_is_limited(reranker: Reranker, name: str) -> None:
    """Then nothing is tokenised ahead, and the order is the caller's."""
    model, documents = reranker(name), [*DOCUMENTS, *([SIDES["image"], SIDES["clip"]] if "vl" in name else [])]
    with small_parts():
        ranked = model.rank(QUERIES[0], documents, max_time_s=600.0, batch_size=3, activation_fn=torch.nn.Identity())
    alone = score_alone(model, ask(QUERIES[0], documents), activation_fn=torch.nn.Identity())
    assert sorted(entry["corpus_id"] for entry in ranked) == list(range(len(documents)))
    for entry in ranked:
        assert entry["score"] == pytest.approx(alone[entry["corpus_id"]], abs=1e-4)


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_vl_reranker"])
def test_the_same_call_gives_the_same_scores(reranker: Reranker, name: str) -> None:
    pairs = [*ask(QUERIES[0], DOCUMENTS), *(ask(SIDES["image"], [SIDES["clip"], "rain"]) if "vl" in name else [])]
    with small_parts():
        first, second = (reranker(name).predict(pairs) for _ in range(2))
    assert np.array_equal(first, second)


# What was cut off, and what was put in


@pytest.mark.parametrize("name", TEXT_FAMILIES)
@pytest.mark.parametrize("length", [1, 5, 90, 120, 140])
def test_a_model_of_short_prompts(tiny: Callable[..., Path], name: str, length: int) -> None:
    """Cut within the instruction, the query, the document; the template's tail is put back."""
    model = load(tiny(name))
    model.max_seq_length = length
    pairs = [*ask(QUERIES[0], DOCUMENTS), *ask(QUERIES[3], DOCUMENTS[5:8])]
    with small_parts():
        assert_shared_is_plain(model, pairs)


@pytest.mark.parametrize(
    "processing",
    [
        {"text": {"padding": "max_length"}},
        {"text": {"padding": "max_length", "max_length": 200}},
        {"text": {"pad_to_multiple_of": 32}},
        {"text": {"truncation": False}},
        {"text": {"return_attention_mask": False}},
        {"text": {"return_token_type_ids": True}},
        {"chat_template": {"restore_suffix": False}, "text": {"max_length": 110}},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_vl_reranker"])
def test_ways_to_call_the_processor(reranker: Reranker, name: str, processing: dict[str, Any]) -> None:
    pairs = [*ask(QUERIES[0], DOCUMENTS[1:8]), *ask("rain", DOCUMENTS[1:3])]
    if "vl" in name and "max_length" not in processing["text"]:
        pairs += [*ask("rain", [SIDES["image"], SIDES["third image"]]), (SIDES["image"], "rain")]
    with small_parts():
        assert_shared_is_plain(reranker(name), pairs, activation_fn=torch.nn.Identity(), processing_kwargs=processing)


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_seq_cls", "qwen3_vl_reranker"])
def test_a_checkpoint_whose_processor_pads_to_the_full_length(tiny: Callable[..., Path], name: str) -> None:
    model = load(tiny(name))
    model[0].processing_kwargs = {
        **model[0].processing_kwargs,
        "text": {"padding": "max_length", "max_length": 220},
    }
    pairs = [*ask(QUERIES[0], DOCUMENTS), *(ask("rain", [SIDES["image"], SIDES["clip"]]) if "vl" in name else [])]
    with small_parts():
        assert_shared_is_plain(model, pairs)


def test_pictures_of_the_size_that_the_call_asks_for(reranker: Reranker) -> None:
    pairs = ask("rain", [SIDES["image"], SIDES["third image"], "text"])
    processing = {"image": {"size": {"shortest_edge": 16384, "longest_edge": 32768}}}
    with small_parts():
        small = assert_shared_is_plain(
            reranker("qwen3_vl_reranker"), pairs, activation_fn=torch.nn.Identity(), processing_kwargs=processing
        )
        usual = assert_shared_is_plain(reranker("qwen3_vl_reranker"), pairs, activation_fn=torch.nn.Identity())
    assert small[2] == pytest.approx(usual[2], abs=1e-4)
    assert abs(small[1] - usual[1]) > 1e-3, "the size makes no difference"
