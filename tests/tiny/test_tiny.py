"""Every row of the table of small checkpoints holds: it builds the same twice, is small, and the peer does what it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from tests.tiny.families import BY_NAME, FAMILIES, Family

_CASES = [(family.name, modality) for family in FAMILIES if family.peer_error is None for modality in family.samples]


@pytest.fixture(scope="module")
def peer(tiny: Callable[..., Path]) -> Callable[[str], SentenceTransformer]:
    loaded: dict[str, SentenceTransformer] = {}

    def load(name: str) -> SentenceTransformer:
        if name not in loaded:
            loaded[name] = SentenceTransformer(str(tiny(name)), device="cpu")
        return loaded[name]

    return load


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_building_is_quick_small_and_repeatable(family: Family, tiny: Callable[..., Path], tmp_path: Path) -> None:
    first = tiny(family.name)
    start = time.process_time()
    second = family.build(tmp_path / "again")
    assert time.process_time() - start < 3
    files = {path.relative_to(first): path.read_bytes() for path in first.rglob("*") if path.is_file()}
    again = {path.relative_to(second): path.read_bytes() for path in second.rglob("*") if path.is_file()}
    assert sum(map(len, files.values())) < 5_000_000
    assert files.keys() == again.keys()
    assert [str(path) for path in files if files[path] != again[path]] == []


@pytest.mark.parametrize(("name", "modality"), _CASES)
def test_peer_encodes(name: str, modality: str, peer: Callable[[str], SentenceTransformer], tmp_path: Path) -> None:
    family = BY_NAME[name]
    inputs = family.samples[modality](tmp_path)
    assert len(inputs) > 1
    if modality in family.peer_errors:
        with pytest.raises(Exception) as caught:  # noqa: PT011, B017 - the text below says which
            peer(name).encode(inputs)
        assert family.peer_errors[modality] in f"{type(caught.value).__name__}: {caught.value}"
        return
    vectors = peer(name).encode(inputs).astype(np.float64)
    assert vectors.shape == (len(inputs), family.dim)
    assert np.isfinite(vectors).all()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = (unit @ unit.T)[np.triu_indices(len(inputs), 1)]
    assert likeness.max() < 0.99


@pytest.mark.parametrize("family", [f for f in FAMILIES if f.peer_error is not None], ids=lambda family: family.name)
def test_peer_cannot_load(family: Family, tiny: Callable[..., Path]) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011, B017 - the text below says which
        SentenceTransformer(str(tiny(family.name)), device="cpu")
    assert family.peer_error in f"{type(caught.value).__name__}: {caught.value}"
