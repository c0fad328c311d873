"""The names under which a model's configuration stores its score, and the functions behind them.

Must not know models.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from torch import Tensor

from sensorium.errors import InputError
from sensorium.scoring import late_interaction, pairwise, similarity

ScoreFunction = Callable[[Any, Any], Tensor]


class SimilarityFunction(Enum):
    """A score between two vectors. The value is the name that `config_sentence_transformers.json` carries.

    Example:
        >>> SimilarityFunction("dot") is SimilarityFunction.DOT_PRODUCT
        True
    """

    COSINE = "cosine"
    DOT_PRODUCT = "dot"
    DOT = "dot"
    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"
    MAXSIM = "maxsim"
    MEAN_MAXSIM = "meanmaxsim"

    @classmethod
    def _missing_(cls, value: object) -> SimilarityFunction | None:
        raise InputError(f"{value!r} is not a valid SimilarityFunction. Use one of {cls.possible_values()}.")

    @staticmethod
    def to_similarity_fn(similarity_function: str | SimilarityFunction) -> ScoreFunction:
        """Return the function that scores every vector of one batch with every vector of another.

        Args:
            similarity_function: A member, or its value. The late-interaction members give functions that raise
                `NotBuiltError` when called.

        Raises:
            InputError: No such score.
        """
        return _FUNCTIONS[SimilarityFunction(similarity_function)][0]

    @staticmethod
    def to_similarity_pairwise_fn(similarity_function: str | SimilarityFunction) -> ScoreFunction:
        """Return the function that scores the vectors of two batches pair by pair. Arguments as `to_similarity_fn`."""
        return _FUNCTIONS[SimilarityFunction(similarity_function)][1]

    @staticmethod
    def possible_values() -> list[str]:
        """Return the value of each member, in order."""
        return [member.value for member in SimilarityFunction]


_FUNCTIONS: dict[SimilarityFunction, tuple[ScoreFunction, ScoreFunction]] = {
    SimilarityFunction.COSINE: (similarity.cos_sim, pairwise.pairwise_cos_sim),
    SimilarityFunction.DOT_PRODUCT: (similarity.dot_score, pairwise.pairwise_dot_score),
    SimilarityFunction.EUCLIDEAN: (similarity.euclidean_sim, pairwise.pairwise_euclidean_sim),
    SimilarityFunction.MANHATTAN: (similarity.manhattan_sim, pairwise.pairwise_manhattan_sim),
    SimilarityFunction.MAXSIM: (late_interaction.maxsim, late_interaction.maxsim_pairwise),
    SimilarityFunction.MEAN_MAXSIM: (late_interaction.mean_maxsim, late_interaction.mean_maxsim_pairwise),
}
