"""The same checkpoint gives the same vectors as the peer: every family, every modality it takes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compat.peer import assert_same_vectors, encode, load_ours, load_peer
from tests.tiny.families import FAMILIES, Family

CASES = [(family, key) for family in FAMILIES for key in family.samples]
IDS = [f"{family.name}-{key}" for family, key in CASES]


@pytest.fixture(scope="module")
def models(tiny):
    """Both libraries' models of a family, loaded once."""
    loaded: dict[str, tuple] = {}

    def load(family: Family):
        if family.name not in loaded:
            path = tiny(family.name)
            loaded[family.name] = load_ours(path), load_peer(path)
        return loaded[family.name]

    return load


@pytest.mark.parametrize(("family", "key"), CASES, ids=IDS)
def test_vectors_equal_the_peers(family: Family, key: str, models, tmp_path):
    ours, theirs = models(family)
    inputs = family.samples[key](tmp_path)
    vectors = encode(ours, inputs)
    assert vectors.shape == (len(inputs), family.dim)
    assert np.isfinite(vectors).all()
    if key in family.peer_errors:
        pytest.skip(f"the peer cannot encode this: {family.peer_errors[key]}")
    if key in family.peer_random:
        pytest.skip(f"the peer gives other vectors each time: {family.notes}")
    if key in family.peer_mixes:  # the peer's row depends on its neighbours: compare each input alone
        theirs_alone = np.stack([encode(theirs, [value])[0] for value in inputs])
        assert_same_vectors(vectors, theirs_alone)
    else:
        assert_same_vectors(vectors, encode(theirs, inputs))
