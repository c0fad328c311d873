"""Every row of the table of small checkpoints holds: it builds the same twice, and the peer does what it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from tests.tiny.families import BY_NAME, FAMILIES, Family

# transformers reads a property of its own that it has deprecated, whenever peft wraps a model.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

_CASES = [(family.name, key) for family in FAMILIES for key in family.samples if key not in family.peer_errors]
_STEADY_CASES = [(name, key) for name, key in _CASES if key not in BY_NAME[name].peer_random]
_RANDOM_CASES = [(name, key) for name, key in _CASES if key in BY_NAME[name].peer_random]
_FAILING_CASES = [(family.name, key) for family in FAMILIES for key in family.peer_errors]

Load = Callable[[str], SentenceTransformer]


def _load(folder: Path) -> SentenceTransformer:
    return SentenceTransformer(str(folder), device="cpu")


@pytest.fixture(scope="module")
def peer(tiny: Callable[..., Path]) -> Load:
    loaded: dict[str, SentenceTransformer] = {}

    def load(name: str) -> SentenceTransformer:
        if name not in loaded:
            loaded[name] = _load(tiny(name))
        return loaded[name]

    return load


def _largest_likeness(vectors: np.ndarray) -> float:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return float((unit @ unit.T)[np.triu_indices(len(unit), 1)].max())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_building_is_quick_small_and_repeatable(family: Family, tiny: Callable[..., Path], tmp_path: Path) -> None:
    first = tiny(family.name)
    start = time.process_time()
    second = family.build(tmp_path / "again")
    assert time.process_time() - start < 3

    def read(folder: Path) -> dict[str, bytes]:
        # Adapters name their base by its full path, which differs.
        files = (path for path in folder.rglob("*") if path.is_file())
        here = str(folder).encode()
        return {str(path.relative_to(folder)): path.read_bytes().replace(here, b"") for path in files}

    before, after = read(first), read(second)
    assert sum(map(len, before.values())) < 5_000_000
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == []


def test_another_seed_gives_other_weights(tiny: Callable[..., Path], peer: Load) -> None:
    ours, other = peer("bert").encode("a"), _load(tiny("bert", 1)).encode("a")
    assert np.abs(ours - other).max() > 0.01


@pytest.mark.parametrize(("name", "key"), _STEADY_CASES)
def test_peer_encodes(name: str, key: str, peer: Load, tmp_path: Path) -> None:
    family = BY_NAME[name]
    inputs = family.samples[key](tmp_path)
    assert len(inputs) > 1
    vectors = peer(name).encode(inputs).astype(np.float64)
    assert vectors.shape == (len(inputs), family.dim)
    assert np.isfinite(vectors).all()
    assert _largest_likeness(vectors) < 0.99

    alone = np.stack([peer(name).encode([value])[0] for value in inputs]).astype(np.float64)
    if key in family.peer_mixes:
        assert np.abs(alone - vectors).max() > 1e-3
    else:
        assert np.abs(alone - vectors).max() < 1e-5


@pytest.mark.parametrize(("name", "key"), _RANDOM_CASES)
def test_peer_is_random(name: str, key: str, tiny: Callable[..., Path], tmp_path: Path) -> None:
    inputs = BY_NAME[name].samples[key](tmp_path)
    first = _load(tiny(name)).encode(inputs)
    assert first.shape == (len(inputs), BY_NAME[name].dim)
    assert np.isfinite(first).all()
    again = (_load(tiny(name)).encode(inputs) for _ in range(30))
    assert any(np.abs(first - vectors).max() > 1e-3 for vectors in again)


@pytest.mark.parametrize(("name", "key"), _FAILING_CASES)
def test_peer_fails(name: str, key: str, peer: Load, tmp_path: Path) -> None:
    family = BY_NAME[name]
    kind, _, words = family.peer_errors[key].partition(": ")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the table says which
        peer(name).encode(family.samples[key](tmp_path))
    assert type(caught.value).__name__ == kind
    assert words in str(caught.value)
