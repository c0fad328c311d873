"""`Pooling`: from the vectors of a sequence's tokens to one vector. Must not know which model made the tokens."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from sensorium.errors import InputError
from sensorium.modules.deprecation import renamed_arguments
from sensorium.modules.module import Module
from sensorium.modules.pooling_modes import Packed, Padded
from sensorium.modules.precision import widen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PoolingMode = Literal["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]

#: Settings of older releases, one truth value a mode, in the order in which their vectors were joined.
_LEGACY_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


def _takes_legacy_flags(function: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> None:
        given = [name for name in _LEGACY_FLAGS if name in kwargs]
        if given:
            names = ", ".join(f"`{name}`" for name in given)
            warnings.warn(
                f"The argument(s) {names} are deprecated. Use `pooling_mode` instead.", FutureWarning, stacklevel=2
            )
            kwargs = _merge_legacy_flags(kwargs)
        function(*args, **kwargs)

    return call


class Pooling(Module):
    """Make one vector of a sequence's token vectors.

    Modes: `"cls"` (the first token), `"lasttoken"`, `"max"` (of each component), `"mean"`, `"mean_sqrt_len_tokens"`
    (sum over square root of the count) and `"weightedmean"` (the n-th token counts n times). With several, their
    vectors are joined. Sums are computed in float32 for half-precision tokens, and come back in the tokens' own type.
    A sequence of which no token counts gives zeros in every mode.

    Args:
        embedding_dimension: Width of the token vectors.
        pooling_mode: One mode or several.
        include_prompt: Whether the tokens of a prompt count. If not, `prompt_length` must be among the features, as
            `Transformer` puts it there.

    Raises:
        InputError: A mode that does not exist.
    """

    POOLING_MODES: tuple[str, ...] = tuple(_LEGACY_FLAGS.values())
    config_keys: list[str] = ["embedding_dimension", "pooling_mode", "include_prompt"]  # noqa: RUF012
    config_key_renames: dict[str, str] = {"word_embedding_dimension": "embedding_dimension"}  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.pooling.Pooling"

    @renamed_arguments(word_embedding_dimension="embedding_dimension")
    @_takes_legacy_flags
    def __init__(
        self,
        embedding_dimension: int,
        pooling_mode: PoolingMode | tuple[PoolingMode, ...] | list[PoolingMode] = "mean",
        include_prompt: bool = True,
    ) -> None:
        super().__init__()
        modes = _check_modes(pooling_mode)
        self.embedding_dimension = embedding_dimension
        self.pooling_mode = modes[0] if len(modes) == 1 else modes
        self.include_prompt = include_prompt
        self.pooling_output_dimension = embedding_dimension * len(modes)

    @property
    def _modes(self) -> tuple[str, ...]:
        return (self.pooling_mode,) if isinstance(self.pooling_mode, str) else tuple(self.pooling_mode)

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Write `sentence_embedding`.

        Args:
            features: `token_embeddings` `[batch, tokens, dim]`. Also read, where there: `attention_mask`
                `[batch, tokens]` (ignored if it is not as long as the tokens), `cls_token_embeddings` `[batch, dim]`,
                `token_weights_sum` `[batch]`, `prompt_length`, and `cu_seq_lens_q` `[batch + 1]`, which says that
                `token_embeddings` `[1, total, dim]` holds all sequences behind one another.
            **kwargs: Ignored.

        Returns:
            The features with `sentence_embedding`, `[batch, number of modes * dim]`.
        """
        tokens = features["token_embeddings"]
        batch = self._packed(features) if features.get("cu_seq_lens_q") is not None else self._padded(features)
        pooled = [vector.to(tokens.dtype) for vector in self._pool(batch, features.get("cls_token_embeddings"))]
        features["sentence_embedding"] = pooled[0] if len(pooled) == 1 else torch.cat(pooled, dim=1)
        return features

    def _pool(self, batch: Padded | Packed, cls_tokens: Tensor | None) -> Iterator[Tensor]:
        for mode in self._modes:
            yield cls_tokens if mode == "cls" and cls_tokens is not None else batch.pool(mode)

    def _padded(self, features: dict[str, Any]) -> Padded:
        tokens = features["token_embeddings"]
        mask = features.get("attention_mask")
        if mask is None or mask.shape[-1] != tokens.shape[1]:
            mask = torch.ones(tokens.shape[:2], dtype=torch.int64, device=tokens.device)
        return Padded(widen(tokens), mask, self._prompt_tokens(features), features.get("token_weights_sum"))

    def _packed(self, features: dict[str, Any]) -> Packed:
        tokens = widen(features["token_embeddings"].flatten(0, -2))
        boundaries = features["cu_seq_lens_q"].to(torch.int64)
        return Packed(tokens, boundaries, self._prompt_tokens(features), features.get("token_weights_sum"))

    def _prompt_tokens(self, features: dict[str, Any]) -> int:
        """Return how many tokens at the beginning do not count."""
        length = features.get("prompt_length")
        if self.include_prompt or length is None:
            return 0
        return int(length.flatten()[0]) if isinstance(length, Tensor) else int(length)

    def get_embedding_dimension(self) -> int:
        """Return the width of the pooled vector."""
        return self.pooling_output_dimension

    @classmethod
    def load_config(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Read the configuration, that of older releases included."""
        return _merge_legacy_flags(super().load_config(*args, **kwargs))

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write the configuration."""
        self.save_config(output_path)


def _check_modes(pooling_mode: Any) -> tuple[str, ...]:
    modes = (pooling_mode,) if isinstance(pooling_mode, str) or pooling_mode is None else pooling_mode
    modes = tuple(modes) if isinstance(modes, (tuple, list)) else (modes,)
    for mode in modes or (None,):
        if mode not in Pooling.POOLING_MODES:
            raise InputError(f"Invalid pooling mode: {mode!r}. Valid pooling modes are: {Pooling.POOLING_MODES}.")
    return modes


def _merge_legacy_flags(settings: dict[str, Any]) -> dict[str, Any]:
    """Replace the truth values of older releases by `pooling_mode`, unless that is there too."""
    flags = {mode: settings[name] for name, mode in _LEGACY_FLAGS.items() if name in settings}
    rest = {name: value for name, value in settings.items() if name not in _LEGACY_FLAGS}
    if flags and "pooling_mode" not in rest:
        chosen = tuple(mode for mode, is_on in flags.items() if is_on)
        rest["pooling_mode"] = chosen or "mean"
    return rest
