"""What takes minutes: memory over many inputs, and invariance over many mixtures. Run by `make test-long`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.compat.peer import encode, load_ours
from tests.tiny.families import BY_NAME

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.long


@pytest.mark.timeout(1500)
def test_a_stream_of_200_000_texts_takes_no_more_memory_than_one_of_10_000():
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "stream_memory.py")],
        capture_output=True,
        text=True,
        check=False,
        timeout=1400,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.strip().splitlines()[-1])
    assert all(claim["is_met"] for claim in report["claims"]), report["claims"]


@pytest.mark.parametrize("name", ["clip", "qwen3_vl", "embedding_gemma2"])
@pytest.mark.timeout(1500)
def test_rows_do_not_depend_on_their_neighbours(tiny, tmp_path, name):
    """Sixty mixtures of every modality: order, duplicates and batch size change nothing."""
    model = load_ours(tiny(name))
    family = BY_NAME[name]
    values = [value for key in family.samples for value in family.samples[key](tmp_path)]
    alone = [encode(model, [value])[0] for value in values]
    rng = np.random.default_rng(0)
    for _ in range(60):
        chosen = rng.integers(0, len(values), size=rng.integers(1, 12))
        rows = encode(model, [values[place] for place in chosen], batch_size=int(rng.integers(1, 9)))
        wanted = np.stack([alone[place] for place in chosen])
        np.testing.assert_allclose(rows, wanted, atol=1e-5, rtol=0)
