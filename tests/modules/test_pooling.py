from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers.sentence_transformer.modules import Pooling as PeerPooling

from sensorium.modules.pooling import Pooling
from tests.modules.interchange import TOLERANCE, assert_interchangeable, run, token_features

MODES = Pooling.POOLING_MODES
LEGACY = [
    "pooling_mode_cls_token",
    "pooling_mode_max_tokens",
    "pooling_mode_mean_tokens",
    "pooling_mode_mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens",
    "pooling_mode_lasttoken",
]


def _same(features: dict[str, Any], *args: Any, is_exact: bool = True, **kwargs: Any) -> torch.Tensor:
    ours = run(Pooling(*args, **kwargs), features)["sentence_embedding"]
    theirs = run(PeerPooling(*args, **kwargs), features)["sentence_embedding"]
    if is_exact:
        assert torch.equal(ours, theirs)
    else:
        torch.testing.assert_close(ours, theirs, **TOLERANCE)
    return ours


# Padded batches


@pytest.mark.parametrize("is_left_padded", [False, True])
@pytest.mark.parametrize("mode", [*MODES, MODES, ["mean", "cls"], ("lasttoken", "max", "mean")])
@pytest.mark.parametrize("seed", range(3))
def test_every_mode_equals_the_peer_to_the_bit(mode: Any, is_left_padded: bool, seed: int) -> None:
    features = token_features(batch=5, tokens=9, dim=16, seed=seed, is_left_padded=is_left_padded)
    pooled = _same(features, 16, mode)
    assert pooled.shape == (5, 16 * (1 if isinstance(mode, str) else len(mode)))


@pytest.mark.parametrize("is_left_padded", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("prompt_length", [0, 1, 3])
def test_prompt_can_be_left_out(mode: str, is_left_padded: bool, prompt_length: int) -> None:
    features = token_features(is_left_padded=is_left_padded)
    lengths = torch.tensor([7, 4, 5, 6])  # no row shorter than the prompt
    mask = (torch.arange(7)[None] < lengths[:, None]).long()
    features["attention_mask"] = mask.flip(1) if is_left_padded else mask
    features["prompt_length"] = prompt_length
    mask = features["attention_mask"].clone()
    for include_prompt in (True, False):
        _same(features, 8, mode, include_prompt=include_prompt)
    assert torch.equal(features["attention_mask"], mask)


def test_mask_among_the_features_stays_as_it_is() -> None:
    features = {**token_features(), "prompt_length": 2}
    mask = features["attention_mask"].clone()
    Pooling(8, "mean", include_prompt=False)(features)
    assert torch.equal(features["attention_mask"], mask)


def test_prompt_length_may_be_a_tensor() -> None:
    features = token_features()
    expected = run(Pooling(8, include_prompt=False), {**features, "prompt_length": 1})["sentence_embedding"]
    for length in (torch.tensor(1), torch.tensor([1, 1, 1, 1])):
        pooled = run(Pooling(8, include_prompt=False), {**features, "prompt_length": length})["sentence_embedding"]
        assert torch.equal(pooled, expected)


@pytest.mark.parametrize("mode", MODES)
def test_mask_of_another_length_is_ignored(mode: str) -> None:
    features = token_features()
    features["attention_mask"] = torch.zeros(4, 9, dtype=torch.int64)
    pooled = _same(features, 8, mode)
    del features["attention_mask"]
    assert torch.equal(_same(features, 8, mode), pooled)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.bool, torch.int32, torch.float32])
def test_mask_may_be_of_any_type(mode: str, dtype: torch.dtype) -> None:
    features = token_features()
    expected = run(Pooling(8, mode), features)["sentence_embedding"]
    features["attention_mask"] = features["attention_mask"].to(dtype)
    assert torch.equal(run(Pooling(8, mode), features)["sentence_embedding"], expected)


def test_given_cls_vectors_and_weight_sums_are_used() -> None:
    features = token_features()
    features["cls_token_embeddings"] = torch.randn(4, 8)
    features["token_weights_sum"] = torch.rand(4) + 0.5
    pooled = _same(features, 8, MODES)
    assert torch.equal(pooled[:, :8], features["cls_token_embeddings"])
    features["cls_token_embeddings"] = None
    assert torch.equal(run(Pooling(8, "cls"), features)["sentence_embedding"], features["token_embeddings"][:, 0])


@pytest.mark.parametrize("mode", MODES)
def test_sequence_without_tokens_gives_zeros(mode: str) -> None:
    features = token_features()
    features["attention_mask"][1] = 0
    pooled = run(Pooling(8, mode), features)["sentence_embedding"]
    assert torch.equal(pooled[1], torch.zeros(8))
    features["attention_mask"][1, 0] = 1
    assert torch.equal(run(Pooling(8, mode), features)["sentence_embedding"][[0, 2, 3]], pooled[[0, 2, 3]])
    features["prompt_length"] = 100
    assert not run(Pooling(8, mode, include_prompt=False), features)["sentence_embedding"].any()


@pytest.mark.parametrize("mode", MODES)
def test_empty_batch_and_empty_sequences_keep_their_shape(mode: str) -> None:
    for batch, tokens in ((0, 3), (2, 0)):
        features = {"token_embeddings": torch.ones(batch, tokens, 4), "attention_mask": torch.ones(batch, tokens)}
        pooled = run(Pooling(4, mode), features)["sentence_embedding"]
        assert pooled.shape == (batch, 4)
        assert not pooled.any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("mode", MODES)
def test_half_precision_is_computed_in_float32(mode: str, dtype: torch.dtype) -> None:
    features = token_features(batch=3, tokens=400, dim=8)
    features["token_embeddings"] = (features["token_embeddings"] * 300).to(dtype)
    wide = {**features, "token_embeddings": features["token_embeddings"].float()}
    pooled = run(Pooling(8, mode), features)["sentence_embedding"]
    assert pooled.dtype is dtype
    assert torch.equal(pooled, run(Pooling(8, mode), wide)["sentence_embedding"].to(dtype))


def test_float64_stays_float64() -> None:
    features = token_features()
    features["token_embeddings"] = features["token_embeddings"].double()
    assert run(Pooling(8), features)["sentence_embedding"].dtype is torch.float64


def test_gradients_reach_the_tokens() -> None:
    for mode in MODES:
        features = token_features()
        features["token_embeddings"].requires_grad_()
        Pooling(8, mode)(features)["sentence_embedding"].sum().backward()
        gradient = features["token_embeddings"].grad
        assert gradient is not None
        assert gradient.any()
        assert not gradient[features["attention_mask"] == 0].any()


# Packed batches


def _pack(features: dict[str, Any]) -> dict[str, Any]:
    keep = features["attention_mask"].bool()
    lengths = keep.sum(1)
    boundaries = torch.cat([torch.zeros(1), lengths.cumsum(0)]).to(torch.int32)
    return {"token_embeddings": features["token_embeddings"][keep].unsqueeze(0), "cu_seq_lens_q": boundaries}


@pytest.mark.parametrize("mode", [*MODES, MODES])
@pytest.mark.parametrize("include_prompt", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_packed_batch_equals_the_peer_and_the_padded_batch(mode: Any, include_prompt: bool, seed: int) -> None:
    features = token_features(batch=5, tokens=9, seed=seed)
    features["attention_mask"][:, :2] = 1
    packed = {**_pack(features), "prompt_length": 1}
    pooled = _same(packed, 8, mode, include_prompt=include_prompt, is_exact=False)
    padded = run(Pooling(8, mode, include_prompt), {**features, "prompt_length": 1})["sentence_embedding"]
    torch.testing.assert_close(pooled, padded, **TOLERANCE)


@pytest.mark.parametrize("mode", MODES)
def test_packed_batch_may_hold_empty_sequences(mode: str) -> None:
    features = token_features()
    packed = _pack(features)
    boundaries = packed["cu_seq_lens_q"]
    packed["cu_seq_lens_q"] = torch.cat([boundaries[:2], boundaries[1:2], boundaries[2:], boundaries[-1:]])
    pooled = run(Pooling(8, mode), packed)["sentence_embedding"]
    expected = run(Pooling(8, mode), features)["sentence_embedding"]
    torch.testing.assert_close(pooled[[0, 2, 3, 4]], expected, **TOLERANCE)
    assert not pooled[[1, 5]].any()


@pytest.mark.parametrize("mode", ["mean", "weightedmean"])
def test_packed_batch_takes_weight_sums_as_a_padded_one_does(mode: str) -> None:
    weights_sum = {"token_weights_sum": torch.tensor([1.0, 2.0, 3.0, 4.0])}
    features = {**token_features(), **weights_sum}
    found = run(Pooling(8, mode), {**_pack(features), **weights_sum})["sentence_embedding"]
    torch.testing.assert_close(found, run(Pooling(8, mode), features)["sentence_embedding"], **TOLERANCE)


# Settings


@pytest.mark.parametrize("mode", ["Mean", "", None, "mean_tokens", True, (), ["mean", "x"]])
def test_invalid_mode_is_refused(mode: Any) -> None:
    with pytest.raises(ValueError, match="Invalid pooling mode"):
        Pooling(8, mode)


def test_one_mode_in_a_list_is_that_mode() -> None:
    for mode in (["mean"], ("mean",), ["mean", "cls"]):
        assert Pooling(8, mode).get_config_dict() == PeerPooling(8, mode).get_config_dict()


@pytest.mark.parametrize("flags", list(itertools.product([True, False], repeat=3)))
def test_older_arguments_work_with_a_warning(flags: tuple[bool, ...]) -> None:
    given = dict(zip(LEGACY[:3], flags, strict=True))
    with pytest.warns(FutureWarning, match="`pooling_mode`"):
        ours = Pooling(8, **given)
    with pytest.warns(FutureWarning, match="`pooling_mode`"):
        theirs = PeerPooling(8, **given)
    assert ours.get_config_dict() == theirs.get_config_dict()


def test_older_name_of_the_width_works() -> None:
    assert Pooling(word_embedding_dimension=8).embedding_dimension == 8  # type: ignore[call-arg]


@pytest.mark.parametrize("flags", list(itertools.product([True, False], repeat=6)))
def test_older_files_load_as_the_peer_loads_them(flags: tuple[bool, ...], tmp_path: Path) -> None:
    config = {"word_embedding_dimension": 8, **dict(zip(LEGACY, flags, strict=True))}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert Pooling.load(str(tmp_path)).get_config_dict() == PeerPooling.load(str(tmp_path)).get_config_dict()
    (tmp_path / "config.json").write_text(json.dumps({**config, "pooling_mode": "lasttoken"}))
    assert Pooling.load(str(tmp_path)).pooling_mode == "lasttoken"


@pytest.mark.parametrize("mode", [*MODES, ("cls", "mean")])
def test_folders_are_interchangeable(mode: Any, tmp_path: Path) -> None:
    ours, theirs = Pooling(8, mode, include_prompt=False), PeerPooling(8, mode, include_prompt=False)
    assert_interchangeable(ours, theirs, token_features(), tmp_path)
    assert ours.get_embedding_dimension() == theirs.get_embedding_dimension()
