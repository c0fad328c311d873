"""`StaticEmbedding`: the mean of fixed token vectors. A whole model in one module, and the fastest.

Must not know how the vectors were made.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from sensorium.errors import CheckpointError, InputError, NotBuiltError
from sensorium.hub.checkpoint import Checkpoint
from sensorium.modules.input_module import InputModule, plain_texts
from sensorium.modules.weights import WeightsError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast
    from typing_extensions import Self

_TOKENIZER_FILE = "tokenizer.json"

#: Where Model2Vec files lie: in the checkpoint's own folder, or as an older Sentence Transformers saved them.
_MODEL2VEC_FOLDERS = ("", "0_StaticEmbedding")


class StaticEmbedding(InputModule):
    """Take the mean of the vectors of a text's tokens, special tokens left out. An empty text gives zeros.

    Args:
        tokenizer: A `tokenizers.Tokenizer`, or a `transformers` tokenizer that wraps one.
        embedding_weights: The vectors, `[tokens, dim]`, floating point.
        embedding_dim: Width of random first vectors, if there are no `embedding_weights`.
        **kwargs: `base_model`, the name of a model that the vectors were made from; kept as an attribute.

    Raises:
        InputError: The tokenizer is of another kind, or neither weights nor a width are given.
    """

    modalities: list[str] = ["text"]  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding"

    def __init__(
        self,
        tokenizer: Tokenizer | PreTrainedTokenizerFast,
        embedding_weights: np.ndarray | Tensor | None = None,
        embedding_dim: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.tokenizer = _without_padding(_rust_tokenizer(tokenizer))
        if embedding_weights is not None:
            weights = torch.as_tensor(embedding_weights)
            weights = weights if weights.is_floating_point() else weights.float()
            self.embedding = nn.EmbeddingBag.from_pretrained(weights, freeze=False, mode="mean")
        elif embedding_dim is not None:
            self.embedding = nn.EmbeddingBag(self.tokenizer.get_vocab_size(), embedding_dim, mode="mean")
        else:
            raise InputError("Either `embedding_weights` or `embedding_dim` must be provided.")
        self.num_embeddings = self.embedding.num_embeddings
        self.embedding_dim = self.embedding.embedding_dim
        self.base_model = kwargs.get("base_model")

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Find the tokens of texts.

        Returns:
            `input_ids`, int64 `[all tokens of all texts]`, and `offsets`, int64 `[batch]`, where each text begins.
        """
        texts = plain_texts(inputs, prompt, "StaticEmbedding")
        encode = getattr(self.tokenizer, "encode_batch_fast", self.tokenizer.encode_batch)
        rows = [encoding.ids for encoding in encode(texts, add_special_tokens=False)]
        offsets = [0, *itertools.accumulate(len(row) for row in rows)][: max(len(rows), 1)]
        ids = np.fromiter(itertools.chain.from_iterable(rows), dtype=np.int64)
        return {"input_ids": torch.from_numpy(ids), "offsets": torch.tensor(offsets)}

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Write `sentence_embedding`, `[batch, dim]`."""
        features["sentence_embedding"] = self.embedding(features["input_ids"], features["offsets"])
        return features

    @property
    def max_seq_length(self) -> float:
        """No limit."""
        return math.inf

    def get_embedding_dimension(self) -> int:
        """Return the width of the vectors."""
        return self.embedding_dim

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write weights and tokenizer into a folder; there is no configuration."""
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)
        self.tokenizer.save(os.path.join(output_path, _TOKENIZER_FILE))

    @classmethod
    def load(
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        **kwargs: Any,
    ) -> Self:
        """Load the module, from its own files or from those of Model2Vec; arguments as in `Module.load`.

        Raises:
            CheckpointError: The tokenizer or the weights are absent or malformed.
        """
        places = (token, cache_folder, revision, local_files_only)
        path = cls.load_file_path(model_name_or_path, _TOKENIZER_FILE, subfolder, *places)
        if path is None:
            raise CheckpointError(
                f"The checkpoint {str(model_name_or_path)!r} has no {_TOKENIZER_FILE!r} in the folder {subfolder!r}, "
                "which StaticEmbedding needs. Download or save it again.",
                model=str(model_name_or_path),
            )
        weights = cls.load_torch_weights(model_name_or_path, subfolder, *places)
        return cls(_read_tokenizer(path), embedding_weights=_fold(weights, str(model_name_or_path)))

    @classmethod
    def from_model2vec(cls, model_id_or_path: str) -> Self:
        """Load a Model2Vec model, from a folder or the hub; the package `model2vec` is not needed.

        Raises:
            ModelNotFoundError: There is no such model.
            CheckpointError: Its files are malformed.
        """
        checkpoint = Checkpoint(str(model_id_or_path))
        checkpoint.check_present()
        for folder in _MODEL2VEC_FOLDERS:
            if checkpoint.find_file(folder, _TOKENIZER_FILE) is not None:
                break
        module = cls.load(str(model_id_or_path), subfolder=folder)
        module.base_model = str(model_id_or_path)
        return module

    @classmethod
    def from_distillation(
        cls,
        model_name: str,
        vocabulary: list[str] | None = None,
        device: str | None = None,
        pca_dims: int | None = 256,
        apply_zipf: bool = True,
        sif_coefficient: float | None = 0.0001,
        token_remove_pattern: str | None = r"\[unused\d+\]",
        quantize_to: str = "float32",
        use_subword: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Part of the compatible interface, and not built: make the vectors with the package `model2vec`."""
        raise NotBuiltError(
            "StaticEmbedding.from_distillation is not built. Distil the model with the package model2vec, save it, and "
            "load the folder with StaticEmbedding.from_model2vec."
        )


def _rust_tokenizer(tokenizer: Any) -> Tokenizer:
    inner = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not isinstance(inner, Tokenizer):
        raise InputError(
            "The tokenizer must be fast (i.e. Rust-backed) to use this class, and is "
            f"{type(tokenizer).__name__}. Load one with tokenizers.Tokenizer.from_file or from_pretrained."
        )
    return inner


def _without_padding(tokenizer: Tokenizer) -> Tokenizer:
    """Return the tokenizer, or a copy of one that pads; padding would count as tokens."""
    if tokenizer.padding is None:
        return tokenizer
    copied = Tokenizer.from_str(tokenizer.to_str())
    copied.no_padding()
    return copied


def _read_tokenizer(path: str) -> Tokenizer:
    try:
        return Tokenizer.from_file(path)
    except Exception as exc:
        raise CheckpointError(
            f"The tokenizer in {path!r} cannot be read: {exc}. Download or save the checkpoint again."
        ) from exc


def _fold(weights: Mapping[str, Tensor], source: str) -> Tensor:
    """Make one vector a token of what a weight file holds.

    Model2Vec keeps `embeddings` `[rows, dim]` (float16 or int8 too), and may keep `mapping` `[tokens]`, each token's
    row, and `weights` `[tokens]`, each token's factor.

    Source: the file format of Model2Vec (MinishLab/model2vec), vocabulary quantisation included.
    """
    if "embedding.weight" in weights:
        return weights["embedding.weight"]
    if "embeddings" not in weights:
        raise WeightsError(
            f"The weights of StaticEmbedding in {source!r} must hold 'embedding.weight' or 'embeddings', and hold "
            f"{sorted(weights)}.",
            model=source,
        )
    vectors = weights["embeddings"]
    vectors = vectors if vectors.is_floating_point() else vectors.float()
    if "mapping" in weights:
        vectors = vectors[weights["mapping"].to(torch.int64)]
    if "weights" in weights:
        vectors = vectors * weights["weights"].to(vectors.dtype).unsqueeze(1)
    return vectors
