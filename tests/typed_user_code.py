"""Code as users write it, for the type checker to read under `strict`; it is never run.

A public name that loses its type, or an argument that the checker would refuse to a user, fails `make check` here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

import sensorium
import sensorium.models
from sensorium import (
    CrossEncoder,
    EncodeResult,
    FetchPolicy,
    InputError,
    ItemError,
    MediaError,
    MediaLimits,
    MediaSettings,
    SensoriumError,
    SentenceTransformer,
    SimilarityFunction,
    models,
    quantize_embeddings,
    util,
)
from sensorium.models import Pooling

version: str = sensorium.__version__


def settings() -> MediaSettings:
    return MediaSettings(
        limits=MediaLimits(max_pixels=50_000_000, max_seconds=600),
        fetch=FetchPolicy(allow="public", allowed_hosts=("example.org", ".example.com"), timeout_s=10),
        reduced_jpeg=True,
    )


def build() -> SentenceTransformer:
    transformer = models.Transformer("some/checkpoint")
    pooling: Pooling = sensorium.models.Pooling(transformer.get_embedding_dimension(), "mean")
    return SentenceTransformer(modules=[transformer, pooling, models.Normalize()])


def load() -> SentenceTransformer:
    return SentenceTransformer(
        "some/checkpoint",
        device="cpu",
        similarity_fn_name=SimilarityFunction.COSINE,
        truncate_dim=128,
        model_kwargs={"dtype": torch.bfloat16},
        media=settings(),
    )


def encode_everything(model: SentenceTransformer, folder: Path) -> np.ndarray:
    mixed = ["a cat", folder / "cat.jpg", {"text": "a cat", "image": folder / "cat.jpg"}, b"\xff\xd8"]
    vectors = model.encode(mixed, batch_size=8, normalize_embeddings=True)
    assert isinstance(vectors, np.ndarray)
    return vectors


def search(model: SentenceTransformer, query: str, passages: list[str]) -> list[tuple[str, float]]:
    scores: torch.Tensor = model.similarity(model.encode_query(query), model.encode_document(passages))
    order: list[int] = scores[0].argsort(descending=True).tolist()
    return [(passages[i], float(scores[0, i])) for i in order]


def stream(model: SentenceTransformer, lines: Iterator[str]) -> Iterator[np.ndarray]:
    yield from model.encode_stream(lines, batch_size=64, precision="binary")


def skip_what_is_broken(model: SentenceTransformer, paths: list[Path]) -> dict[int, str]:
    result = model.encode(paths, on_error="skip", return_report=True)
    assert isinstance(result, EncodeResult)
    failed: tuple[ItemError, ...] = tuple(result.errors)
    return {item.index: item.error.reason for item in failed}


def catch(model: SentenceTransformer, path: Path) -> str | None:
    try:
        model.encode(path)
    except MediaError as error:
        index: int | None = error.index
        return f"{index}: {error.source}: {error.reason}"
    except InputError as error:
        return error.reason
    except SensoriumError:
        raise
    return None


def compare(left: np.ndarray, right: np.ndarray) -> torch.Tensor:
    return util.cos_sim(left, right)


def rerank(passages: list[str]) -> CrossEncoder:
    return CrossEncoder("some/reranker")


def shrink(vectors: np.ndarray) -> np.ndarray:
    small = quantize_embeddings(vectors, precision="int8")
    assert isinstance(small, np.ndarray)
    return small
