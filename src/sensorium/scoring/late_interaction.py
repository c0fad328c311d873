"""The scores of multi-vector models, which this release names and does not build.

The names and parameters are those of the compatible interface, so that code which only refers to them imports.
"""

from __future__ import annotations

from typing import NoReturn

import torch
from torch import Tensor

from sensorium.errors import NotBuiltError
from sensorium.scoring.inputs import VectorsLike


def maxsim(
    a: VectorsLike,
    b: VectorsLike,
    a_mask: Tensor | None = None,
    b_mask: Tensor | None = None,
    chunk_elements: int | None = None,
    length_normalize: bool = False,
    device: str | torch.device | None = None,
) -> Tensor:
    """Raise `NotBuiltError`: late interaction is not part of this release."""
    _refuse("maxsim")


def maxsim_pairwise(
    a: VectorsLike,
    b: VectorsLike,
    a_mask: Tensor | None = None,
    b_mask: Tensor | None = None,
    chunk_elements: int | None = None,
    length_normalize: bool = False,
    device: str | torch.device | None = None,
) -> Tensor:
    """Raise `NotBuiltError`: late interaction is not part of this release."""
    _refuse("maxsim_pairwise")


def mean_maxsim(
    a: VectorsLike,
    b: VectorsLike,
    a_mask: Tensor | None = None,
    b_mask: Tensor | None = None,
    chunk_elements: int | None = None,
    length_normalize: bool = True,
    device: str | torch.device | None = None,
) -> Tensor:
    """Raise `NotBuiltError`: late interaction is not part of this release."""
    _refuse("mean_maxsim")


def mean_maxsim_pairwise(
    a: VectorsLike,
    b: VectorsLike,
    a_mask: Tensor | None = None,
    b_mask: Tensor | None = None,
    chunk_elements: int | None = None,
    length_normalize: bool = True,
    device: str | torch.device | None = None,
) -> Tensor:
    """Raise `NotBuiltError`: late interaction is not part of this release."""
    _refuse("mean_maxsim_pairwise")


def _refuse(name: str) -> NoReturn:
    raise NotBuiltError(
        f"{name} scores multi-vector (late interaction) models, which this release does not include. "
        "Use cos_sim or dot_score with a model that gives one vector per input."
    )
