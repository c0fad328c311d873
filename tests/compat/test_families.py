"""The same checkpoint gives the same vectors as the peer: every family, every modality it takes."""

from __future__ import annotations

import pytest

from tests.compat.peer import assert_same_vectors, encode, load_ours, load_peer
from tests.tiny.families import FAMILIES, Family

CASES = [(family, modality) for family in FAMILIES for modality in family.modalities]


@pytest.fixture(scope="module")
def models(tiny):
    """Both libraries' models of a family, loaded once."""
    loaded: dict[str, tuple] = {}

    def load(family: Family):
        if family.name not in loaded:
            path = tiny(family.name)
            loaded[family.name] = (load_ours(path), None if family.peer_error else load_peer(path))
        return loaded[family.name]

    return load


@pytest.mark.parametrize(("family", "modality"), CASES, ids=[f"{family.name}-{name}" for family, name in CASES])
def test_vectors_equal_the_peers(family: Family, modality: str, models, tmp_path):
    ours, theirs = models(family)
    inputs = family.samples[modality](tmp_path)
    vectors = encode(ours, inputs)
    assert vectors.shape == (len(inputs), family.dim)
    if theirs is None or modality in family.peer_errors:
        pytest.skip(f"the peer cannot: {family.peer_error or family.peer_errors[modality]}")
    assert_same_vectors(vectors, encode(theirs, inputs))
