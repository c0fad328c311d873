"""The enum's values, aliases and functions."""

from __future__ import annotations

import pytest
import torch

from sensorium import scoring
from sensorium.errors import NotBuiltError
from sensorium.scoring import SimilarityFunction


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("cosine", "cos_sim"),
        ("dot", "dot_score"),
        ("euclidean", "euclidean_sim"),
        ("manhattan", "manhattan_sim"),
        (SimilarityFunction.COSINE, "cos_sim"),
        (SimilarityFunction.DOT, "dot_score"),
    ],
)
def test_functions_by_value_and_by_member(value, name) -> None:
    assert SimilarityFunction.to_similarity_fn(value) is getattr(scoring, name)
    assert SimilarityFunction.to_similarity_pairwise_fn(value) is getattr(scoring, f"pairwise_{name}")


def test_dot_is_another_name_of_dot_product() -> None:
    assert SimilarityFunction.DOT is SimilarityFunction.DOT_PRODUCT


def test_possible_values_are_in_order_and_usable() -> None:
    values = SimilarityFunction.possible_values()
    assert values == ["cosine", "dot", "euclidean", "manhattan", "maxsim", "meanmaxsim"]
    assert [SimilarityFunction(value).value for value in values] == values


@pytest.mark.parametrize("value", ["Cosine", "", None, 3])
def test_unknown_values_name_the_known_ones(value) -> None:
    for use in (
        SimilarityFunction,
        SimilarityFunction.to_similarity_fn,
        SimilarityFunction.to_similarity_pairwise_fn,
    ):
        with pytest.raises(ValueError, match=r"is not a valid SimilarityFunction.*'manhattan'"):
            use(value)


@pytest.mark.parametrize("member", [SimilarityFunction.MAXSIM, SimilarityFunction.MEAN_MAXSIM])
def test_late_interaction_is_named_and_not_built(member) -> None:
    for function in (
        SimilarityFunction.to_similarity_fn(member),
        SimilarityFunction.to_similarity_pairwise_fn(member),
    ):
        with pytest.raises(NotBuiltError, match="late interaction"):
            function(torch.ones(1, 2, 3), torch.ones(1, 2, 3))
