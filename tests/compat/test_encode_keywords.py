"""Every keyword of `encode` does what the peer's does, on the same checkpoint."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.compat.peer import assert_same_vectors, encode, load_ours, load_peer
from tests.tiny.samples import texts

NAMES = ["bert", "qwen3", "gemma", "clip", "qwen3_vl"]


@pytest.fixture(scope="module")
def pair(tiny):
    """Both libraries' models of a checkpoint, loaded once."""
    loaded: dict[str, tuple] = {}

    def load(name: str):
        if name not in loaded:
            loaded[name] = load_ours(tiny(name)), load_peer(tiny(name))
        return loaded[name]

    return load


@pytest.fixture
def lines(tmp_path):
    return texts(tmp_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "kwargs",
    [
        {"batch_size": 1},
        {"batch_size": 2},
        {"normalize_embeddings": True},
        {"truncate_dim": 8},
        {"truncate_dim": 8, "normalize_embeddings": True},
        {"prompt": "Find what answers this: "},
        {"prompt": ""},
        {"processing_kwargs": {"text": {"max_length": 6}}},
        {"show_progress_bar": False},
    ],
    ids=str,
)
def test_vectors_equal(pair, lines, name, kwargs):
    ours, theirs = pair(name)
    assert_same_vectors(encode(ours, lines, **kwargs), encode(theirs, lines, **kwargs))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["encode_query", "encode_document"])
def test_queries_and_documents_equal(pair, lines, name, method):
    ours, theirs = pair(name)
    assert_same_vectors(encode(ours, lines, method), encode(theirs, lines, method))


def test_prompts_by_name_equal(pair, lines):
    ours, theirs = pair("qwen3")
    assert ours.prompts == theirs.prompts
    assert ours.prompts["query"]
    assert_same_vectors(encode(ours, lines, prompt_name="query"), encode(theirs, lines, prompt_name="query"))


def test_a_prompt_left_out_of_pooling_equals(tiny, lines):
    ours, theirs = load_ours(tiny("bert")), load_peer(tiny("bert"))
    for model in (ours, theirs):
        model.set_pooling_include_prompt(False)
    with_prompt = encode(ours, lines, prompt="represent this: ")
    assert_same_vectors(with_prompt, encode(theirs, lines, prompt="represent this: "))
    assert np.abs(with_prompt - encode(ours, lines)).max() > 1e-4


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary"])
def test_precisions_equal(pair, lines, name, precision):
    ours, theirs = pair(name)
    got, wanted = encode(ours, lines, precision=precision), encode(theirs, lines, precision=precision)
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    # A value at a bucket's edge, or a coordinate near zero, may fall on either side.
    if precision.endswith("binary"):
        differing = np.unpackbits(got.view(np.uint8) ^ wanted.view(np.uint8)).mean()
        assert differing <= 0.01
    else:
        assert np.abs(got.astype(int) - wanted.astype(int)).max() <= 1


@pytest.mark.parametrize("name", ["bert", "clip"])
@pytest.mark.parametrize(
    "kwargs",
    [{}, {"convert_to_tensor": True}, {"convert_to_numpy": False}, {"convert_to_tensor": True, "precision": "int8"}],
    ids=str,
)
@pytest.mark.parametrize("shape", ["batch", "single", "empty"])
def test_containers_equal(pair, lines, name, kwargs, shape):
    ours, theirs = pair(name)
    if shape != "batch" and kwargs.get("precision"):
        pytest.skip("ranges need more than one row: both libraries raise")
    inputs = {"batch": lines, "single": lines[0], "empty": []}[shape]
    got, wanted = encode(ours, inputs, **kwargs), encode(theirs, inputs, **kwargs)
    assert type(got) is type(wanted)
    assert len(got) == len(wanted)
    if isinstance(got, (np.ndarray, torch.Tensor)):
        assert got.dtype == wanted.dtype
        assert tuple(got.shape) == tuple(wanted.shape)
    elif len(got):
        assert type(got[0]) is type(wanted[0])


@pytest.mark.parametrize("name", ["bert", "qwen3"])
def test_token_embeddings_equal_where_the_peer_keeps_no_padding(pair, lines, name):
    ours, theirs = pair(name)
    for line in lines:
        got = encode(ours, [line], output_value="token_embeddings")[0]
        wanted = encode(theirs, [line], output_value="token_embeddings")[0]
        assert_same_vectors(got.numpy(), wanted.numpy())


def test_all_features_equal(pair, lines):
    ours, theirs = pair("bert")
    got, wanted = encode(ours, lines, output_value=None), encode(theirs, lines, output_value=None)
    assert len(got) == len(wanted) == len(lines)
    for mine, other in zip(got, wanted, strict=True):
        assert_same_vectors(mine["sentence_embedding"].numpy(), other["sentence_embedding"].numpy())
        assert mine["input_ids"].ndim == other["input_ids"].ndim == 1


@pytest.mark.parametrize("name", ["bert", "qwen3_chat"])
def test_text_pairs_equal(pair, lines, name):
    ours, theirs = pair(name)
    pairs = [(lines[place], lines[place + 1]) for place in range(3)]
    assert_same_vectors(encode(ours, pairs), encode(theirs, pairs))


def test_similarities_equal(pair, lines):
    ours, theirs = pair("bert")
    vectors = encode(ours, lines)
    assert ours.similarity_fn_name == theirs.similarity_fn_name == "cosine"
    for name in ("cosine", "dot", "euclidean", "manhattan"):
        ours.similarity_fn_name = theirs.similarity_fn_name = name
        torch.testing.assert_close(ours.similarity(vectors, vectors), theirs.similarity(vectors, vectors))
        torch.testing.assert_close(
            ours.similarity_pairwise(vectors, vectors[::-1].copy()),
            theirs.similarity_pairwise(vectors, vectors[::-1].copy()),
        )
    ours.similarity_fn_name = theirs.similarity_fn_name = "cosine"


@pytest.mark.parametrize("name", ["bert", "qwen3"])
def test_half_precision_agrees(tiny, lines, name):
    kwargs = {"model_kwargs": {"torch_dtype": torch.bfloat16}}
    ours, theirs = load_ours(tiny(name), **kwargs), load_peer(tiny(name), **kwargs)
    assert ours.dtype == torch.bfloat16
    got, wanted = encode(ours, lines), encode(theirs, lines)
    assert got.dtype == wanted.dtype == np.float32
    cosines = (got * wanted).sum(1) / np.linalg.norm(got, axis=1) / np.linalg.norm(wanted, axis=1)
    assert cosines.min() >= 0.999


def test_image_settings_apply_as_the_peers(tiny):
    from tests.tiny.media import make_image

    image = make_image(5, 640, 480)
    small = {"image": {"size": {"shortest_edge": 32 * 32, "longest_edge": 64 * 64}}}
    ours, theirs = load_ours(tiny("qwen3_vl")), load_peer(tiny("qwen3_vl"))
    plain, limited = encode(ours, [image]), encode(ours, [image], processing_kwargs=small)
    assert np.abs(plain - limited).max() > 1e-4
    assert_same_vectors(limited, encode(theirs, [image], processing_kwargs=small))
    at_load = {"processor_kwargs": {"size": small["image"]["size"]}}
    assert_same_vectors(encode(load_ours(tiny("qwen3_vl"), **at_load), [image]), limited)
