"""What every module is tested for: the peer's folder loads here, ours loads there, and both compute the same."""

from __future__ import annotations

import copy
import inspect
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

TOLERANCE = {"rtol": 0.0, "atol": 1e-6}


def token_features(
    batch: int = 4, tokens: int = 7, dim: int = 8, seed: int = 0, is_left_padded: bool = False
) -> dict[str, Tensor]:
    """Random token vectors with masks of random lengths; the first row is full, the last holds one token."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, tokens + 1, (batch,), generator=generator)
    lengths[0], lengths[-1] = tokens, 1
    mask = (torch.arange(tokens)[None] < lengths[:, None]).long()
    return {
        "token_embeddings": torch.randn(batch, tokens, dim, generator=generator),
        "attention_mask": mask.flip(1) if is_left_padded else mask,
        "input_ids": torch.randint(0, 5, (batch, tokens), generator=generator),
        "sentence_lengths": lengths,
    }


def run(module: nn.Module, features: dict[str, Any]) -> dict[str, Any]:
    """Compute without gradients on a copy of the features."""
    with torch.inference_mode():
        return module.eval()(copy.deepcopy(features))


def assert_interchangeable(ours: nn.Module, theirs: nn.Module, features: dict[str, Any], folder: Path) -> None:
    """Save each, load it with the other library, and compare four outputs."""
    for is_safe in (True, False):
        from_peer, from_us = folder / f"peer-{is_safe}", folder / f"ours-{is_safe}"
        for place in (from_peer, from_us):
            place.mkdir()
        theirs.save(str(from_peer), safe_serialization=is_safe)
        ours_from_peer = type(ours).load(str(from_peer))
        ours_from_peer.save(str(from_us), safe_serialization=is_safe)
        peer_from_us = type(theirs).load(str(from_us))
        assert ours_from_peer.get_config_dict() == theirs.get_config_dict() == peer_from_us.get_config_dict()
        assert sorted(path.name for path in from_us.iterdir()) == sorted(path.name for path in from_peer.iterdir())
        expected = run(theirs, features)
        for module in (ours_from_peer, peer_from_us):
            assert_same_tensors(run(module, features), expected)


def assert_same_tensors(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare the tensors of two feature dicts; names must be equal, but for those whose value is None."""
    tensors = {name: value for name, value in expected.items() if value is not None}
    assert set(found) == set(tensors)
    for name, value in tensors.items():
        torch.testing.assert_close(found[name], value, **TOLERANCE)


def parameters_of(function: Any) -> list[tuple[str, str, str]]:
    """List a function's parameters as (name, kind, default), for comparison across libraries."""
    return [
        (parameter.name, parameter.kind.name, repr(parameter.default))
        for parameter in inspect.signature(function).parameters.values()
    ]
