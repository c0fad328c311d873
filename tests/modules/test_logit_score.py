from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sentence_transformers.cross_encoder.modules import LogitScore as PeerLogitScore

from sensorium.errors import InputError
from sensorium.modules.logit_score import LogitScore
from tests.modules.interchange import assert_interchangeable, run

LOGITS = torch.randn(5, 3, 11, generator=torch.Generator().manual_seed(0)) * 20


@pytest.mark.parametrize("false_token_id", [None, 7])
def test_folders_are_interchangeable(false_token_id: int | None, tmp_path: Path) -> None:
    arguments = (4, false_token_id, "logits")
    assert_interchangeable(LogitScore(*arguments), PeerLogitScore(*arguments), {"logits": LOGITS}, tmp_path)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("false_token_id", [None, 7])
def test_scores_are_float32(dtype: torch.dtype, false_token_id: int | None) -> None:
    logits = LOGITS.to(dtype)
    module = LogitScore(4, false_token_id)
    scores = run(module, {"causal_logits": logits})["scores"]
    assert scores.dtype is torch.float32
    assert torch.equal(scores, run(module, {"causal_logits": logits.float()})["scores"])


def test_half_precision_scores_do_not_tie_where_the_peers_do() -> None:
    logits = torch.tensor([[[20.0, 0.0]], [[20.0, 0.03]]]).bfloat16()
    theirs = run(PeerLogitScore(0, 1), {"causal_logits": logits})["scores"].float()
    ours = run(LogitScore(0, 1), {"causal_logits": logits})["scores"]
    assert theirs[0] == theirs[1]
    assert ours[0] > ours[1]


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match=r"\[4, 3\]"):
        LogitScore(0)({"causal_logits": torch.ones(4, 3)})
