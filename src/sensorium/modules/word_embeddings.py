"""`WordEmbeddings`: one fixed vector a word, as of GloVe. Must not know how the vectors are pooled."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from sensorium.errors import CheckpointError, InputError
from sensorium.hub.checkpoint import Checkpoint
from sensorium.media.samples import Sample
from sensorium.modules.input_module import InputModule, plain_texts
from sensorium.modules.weights import WeightsError
from sensorium.modules.word_tokenizers import (
    TransformersTokenizerWrapper,
    WhitespaceTokenizer,
    WordTokenizer,
    resolve_tokenizer_class,
)

if TYPE_CHECKING:
    from typing_extensions import Self

logger = logging.getLogger(__name__)

_WEIGHT = "emb_layer.weight"
_PADDING = "PADDING_TOKEN"


class WordEmbeddings(InputModule):
    """Look up a vector for each word.

    Args:
        tokenizer: Finds the words' ids; a tokenizer of `transformers` is wrapped.
        embedding_weights: The vectors, `[words, dim]`: a tensor, an array or nested lists. Held as float32.
        update_embeddings: Whether training changes the vectors.
        max_seq_length: Words of a text beyond this many are left out.
    """

    config_file_name: str = "wordembedding_config.json"
    config_keys: list[str] = ["tokenizer_class", "update_embeddings", "max_seq_length"]  # noqa: RUF012
    modalities: list[str] = ["text"]  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.word_embeddings.WordEmbeddings"

    def __init__(
        self,
        tokenizer: WordTokenizer | PreTrainedTokenizerBase,
        embedding_weights: Any,
        update_embeddings: bool = False,
        max_seq_length: int = 1000000,
    ) -> None:
        super().__init__()
        if isinstance(tokenizer, PreTrainedTokenizerBase):
            tokenizer = TransformersTokenizerWrapper(tokenizer)
        weights = torch.as_tensor(embedding_weights).to(torch.float32)
        self.embeddings_dimension = weights.shape[1]
        from_pretrained: Any = nn.Embedding.from_pretrained
        self.emb_layer: nn.Embedding = from_pretrained(weights, freeze=not update_embeddings)
        self.tokenizer = tokenizer
        self.update_embeddings = update_embeddings
        self.max_seq_length: int = max_seq_length

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Find the words of texts.

        Returns:
            `input_ids` and `attention_mask`, int64 `[batch, words]`, at least one word wide and padded on the right
            with 0; `sentence_lengths`, int64 `[batch]`.
        """
        texts = plain_texts(inputs, prompt, "WordEmbeddings")
        rows = [self._find(text)[: self.max_seq_length] for text in texts]
        width = max((len(row) for row in rows), default=0) or 1
        return {
            "input_ids": torch.tensor([row + [0] * (width - len(row)) for row in rows], dtype=torch.int64),
            "attention_mask": torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows]),
            "sentence_lengths": torch.tensor([len(row) for row in rows], dtype=torch.int64),
        }

    def group(self, sample: Sample) -> Hashable:
        """Put texts of one length together: what follows (`CNN`) may see padding, and a row must not depend on it."""
        (text,) = plain_texts([sample], None, "WordEmbeddings")
        return "text", len(self._find(text)[: self.max_seq_length])

    def _find(self, text: str | tuple[str, str]) -> list[int]:
        words: list[int] = self.tokenizer.tokenize(text if isinstance(text, str) else " ".join(text))
        return words

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Write `token_embeddings`, `[batch, words, dim]`."""
        features["token_embeddings"] = self.emb_layer(features["input_ids"])
        return features

    def get_embedding_dimension(self) -> int:
        """Return the width of the vectors."""
        return self.embeddings_dimension

    def get_config_dict(self) -> dict[str, Any]:
        """Return what `wordembedding_config.json` holds."""
        tokenizer = type(self.tokenizer)
        stated = getattr(tokenizer, "peer_type", None)
        return {
            "tokenizer_class": stated or f"{tokenizer.__module__}.{tokenizer.__qualname__}",
            "update_embeddings": self.update_embeddings,
            "max_seq_length": self.max_seq_length,
        }

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write configuration, weights and tokenizer into a folder."""
        self.save_config(output_path)
        self.save_torch_weights(output_path, safe_serialization=safe_serialization)
        self.tokenizer.save(output_path)

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
        """Load the module; arguments as in `Module.load`, and `trust_remote_code` for tokenizers that are not ours.

        Raises:
            CheckpointError: The files are malformed or incomplete, or name a tokenizer class that is not trusted.
        """
        places = (token, cache_folder, revision, local_files_only)
        config = cls.load_config(model_name_or_path, subfolder, None, *places)
        tokenizer_class = resolve_tokenizer_class(
            str(config.pop("tokenizer_class", WhitespaceTokenizer.peer_type)),
            trust_remote_code=bool(kwargs.get("trust_remote_code")),
        )
        checkpoint = Checkpoint(str(model_name_or_path), revision, *places[:2], local_files_only)
        config["tokenizer"] = tokenizer_class.load(_tokenizer_folder(checkpoint, subfolder, tokenizer_class))
        weights = cls.load_torch_weights(model_name_or_path, subfolder, *places)
        if _WEIGHT not in weights:
            raise WeightsError(
                f"The weights of WordEmbeddings in {str(model_name_or_path)!r} must hold {_WEIGHT!r}, and hold "
                f"{sorted(weights)}.",
                model=str(model_name_or_path),
            )
        config["embedding_weights"] = weights[_WEIGHT]
        return cls._from_config(config, f"{model_name_or_path}/{subfolder}")

    @classmethod
    def from_text_file(
        cls,
        embeddings_file_path: str,
        update_embeddings: bool = False,
        item_separator: str = " ",
        tokenizer: WordTokenizer | None = None,
        max_vocab_size: int | None = None,
    ) -> Self:
        """Read vectors from a text file, such as those of GloVe: a word and its components on each line.

        Args:
            embeddings_file_path: UTF-8 text, or the same compressed (`.gz`). A first line of two whole numbers (words,
                width) is left out; so are, with an error in the log, lines of another width than the first.
            update_embeddings: As in the constructor.
            item_separator: Stands between the items of a line.
            tokenizer: Gets the words as its vocabulary; a `WhitespaceTokenizer` if None.
            max_vocab_size: Read only so many words.

        Raises:
            InputError: The file holds no vectors.
        """
        vocab: list[str] = [_PADDING]
        vectors: list[np.ndarray] = []
        for word, vector in _read_vectors(Path(embeddings_file_path), item_separator):
            if max_vocab_size is not None and len(vectors) >= max_vocab_size:
                break
            vocab.append(word)
            vectors.append(vector)
        if not vectors:
            raise InputError("the file holds no word vectors.", source=str(embeddings_file_path))
        tokenizer = WhitespaceTokenizer() if tokenizer is None else tokenizer
        tokenizer.set_vocab(vocab)
        weights = np.stack([np.zeros_like(vectors[0]), *vectors])
        return cls(tokenizer, weights, update_embeddings=update_embeddings)


def _tokenizer_folder(checkpoint: Checkpoint, subfolder: str, tokenizer_class: type[WordTokenizer]) -> str:
    """Find the folder of the tokenizer's files, fetching no more than those where it is known which they are."""
    name = getattr(tokenizer_class, "config_file_name", None)
    if name is None:
        folder = checkpoint.find_folder(subfolder)
    else:
        path = checkpoint.find_file(subfolder, name)
        folder = None if path is None else path.parent
    if folder is None:
        raise CheckpointError(
            f"The checkpoint {checkpoint.name_or_path!r} lacks the files of its {tokenizer_class.__name__}. Download "
            "or save it again.",
            model=checkpoint.name_or_path,
        )
    return str(folder)


def _read_vectors(path: Path, separator: str) -> Iterator[tuple[str, np.ndarray]]:
    width = None
    with _open_text(path) as file:
        for number, line in enumerate(file):
            word, *items = line.rstrip().split(separator)
            if number == 0 and len(items) == 1 and word.isdigit() and items[0].isdigit():
                continue
            width = len(items) if width is None else width
            if len(items) != width:
                logger.error(
                    "Line %d of %s has %d components, and not %d. It is skipped.", number, path, len(items), width
                )
                continue
            yield word, np.array([float(item) for item in items], dtype=np.float32)


@contextmanager
def _open_text(path: Path) -> Iterator[TextIO]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield file
