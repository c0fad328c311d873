"""What a module's features say in words, and features compared, for tests of rendering and preparation."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.compat.peer import quiet

#: What only the peer adds, for its training.
_PEERS_OWN = frozenset({"num_images_per_sample", "num_videos_per_sample"})


def words(module: Any, inputs: list[Any], **kwargs: Any) -> list[str]:
    """Return the text of each row that the network would see, padding left out, repeated placeholders joined."""
    features = prepare(module, inputs, **kwargs)
    rows = zip(features["input_ids"], features["attention_mask"], strict=True)
    texts = [module.tokenizer.decode(ids[mask.bool()]) for ids, mask in rows]
    for token in ("<|image_pad|>", "<|video_pad|>", "<|IMAGE|>", "<|VIDEO|>", "<|AUDIO|>"):
        texts = [_join_repeats(text, token) for text in texts]
    return texts


def prepare(module: Any, inputs: list[Any], **kwargs: Any) -> dict[str, Any]:
    """Call `preprocess` of either library without its warnings, and leave out what only the peer adds."""
    with quiet():
        features = module.preprocess(inputs, **kwargs)
    return {name: value for name, value in features.items() if name not in _PEERS_OWN}


def assert_same_features(found: dict[str, Any], expected: dict[str, Any], tolerance: float = 1e-5) -> None:
    """Hold features to others: names, shapes, and values to `tolerance` (exactly, where they are whole numbers)."""
    assert set(found) == set(expected)
    for name, value in expected.items():
        if isinstance(value, torch.Tensor):
            assert found[name].dtype == value.dtype, name
            torch.testing.assert_close(
                found[name], value, rtol=0.0, atol=tolerance, msg=lambda text, n=name: f"{n}: {text}"
            )
        elif isinstance(value, np.ndarray):
            np.testing.assert_allclose(found[name], value, rtol=0.0, atol=tolerance, err_msg=name)
        else:
            assert found[name] == value, name


def _join_repeats(text: str, token: str) -> str:
    while token * 2 in text:
        text = text.replace(token * 2, token)
    return text
