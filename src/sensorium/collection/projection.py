"""Vectors in two dimensions, the same picture each time. Must not know what they are of, or how they are drawn.

Source: principal components (Pearson 1901; Hotelling 1933); UMAP is McInnes, Healy and Melville, 2018, by its own
package where that is installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Literal

import numpy as np

from sensorium._optional import is_installed
from sensorium.errors import InputError

Method = Literal["auto", "pca", "umap"]
#: UMAP looks at neighbours; with fewer points there are none to speak of.
_FEWEST_FOR_UMAP = 16


def choose_method(method: str, points: int) -> Literal["pca", "umap"]:
    """Choose how to flatten.

    Args:
        method: `"pca"`, `"umap"`, or `"auto"`: UMAP if it is installed and there are points enough.
        points: How many points there are.

    Raises:
        InputError: Another method, or UMAP where it is not installed.
    """
    if method not in ("auto", "pca", "umap"):
        raise InputError(f"method={method!r} is not usable: it must be 'auto', 'pca' or 'umap'.")
    has_umap = is_installed("umap")
    if method == "umap" and not has_umap:
        raise InputError("method='umap' needs the package umap-learn: pip install umap-learn. Or use method='pca'.")
    return "umap" if method != "pca" and has_umap and points >= _FEWEST_FOR_UMAP else "pca"


def project(vectors: np.ndarray, groups: Sequence[str], method: Literal["pca", "umap"], seed: int = 0) -> np.ndarray:
    """Bring vectors to two dimensions.

    Args:
        vectors: `[points, dim]`; only their directions count.
        groups: Of each point its modality. Each group is moved so that its mean is 0, or the picture would show
            modalities and nothing else.
        method: How.
        seed: Of UMAP.

    Returns:
        Float32 `[points, 2]`, both axes within -1 to 1, the larger one filling them. Zeros where all vectors are one.
    """
    if not len(vectors):
        return np.zeros((0, 2), np.float32)
    wide = np.asarray(vectors, np.float64)
    units = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-30)
    names = np.asarray(groups)
    for name in set(groups):
        units[names == name] -= units[names == name].mean(axis=0)
    flat = _with_umap(units, seed) if method == "umap" else _with_pca(units)
    flat -= (flat.max(axis=0) + flat.min(axis=0)) / 2
    largest = np.abs(flat).max()
    return (flat / largest if largest > 1e-9 else np.zeros_like(flat)).astype(np.float32)


def _with_pca(centred: np.ndarray) -> np.ndarray:
    centred = centred - centred.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2]
    # An axis may as well point the other way; its largest entry is made positive.
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    flat = centred @ (axes * np.where(largest < 0, -1.0, 1.0))
    return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))


def _with_umap(units: np.ndarray, seed: int) -> np.ndarray:
    umap = importlib.import_module("umap")
    made = umap.UMAP(n_components=2, metric="cosine", random_state=seed).fit_transform(units)
    return np.asarray(made, np.float64)
