from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.sentence_transformer.modules import WordEmbeddings as PeerWordEmbeddings
from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer as PeerWhitespaceTokenizer
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from sensorium.errors import CheckpointError, InputError
from sensorium.modules.lstm import LSTM
from sensorium.modules.pooling import Pooling
from sensorium.modules.word_embeddings import WordEmbeddings
from sensorium.modules.word_tokenizers import WhitespaceTokenizer
from tests.modules.interchange import assert_same_tensors, run

VOCAB = ["PADDING", "apple", "Pie", "tree"]
TEXTS = ["Apple Pie", "", "an unknown tree tree tree", "pie"]


def _weights() -> torch.Tensor:
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(0))


def _fast_tokenizer() -> PreTrainedTokenizerFast:
    inner = Tokenizer(models.WordLevel({"[UNK]": 0, "apple": 1, "Pie": 2, "tree": 3}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]", pad_token="[UNK]")


@pytest.mark.parametrize("is_safe", [True, False])
@pytest.mark.parametrize("is_fast", [True, False])
def test_folders_are_interchangeable(is_fast: bool, is_safe: bool, tmp_path: Path) -> None:
    tokenizers = [_fast_tokenizer()] * 2 if is_fast else [WhitespaceTokenizer(VOCAB), PeerWhitespaceTokenizer(VOCAB)]
    ours = WordEmbeddings(tokenizers[0], _weights(), max_seq_length=4)
    theirs = PeerWordEmbeddings(tokenizers[1], _weights(), max_seq_length=4)
    for prompt in (None, "tree "):
        expected = run(theirs, theirs.preprocess(TEXTS, prompt=prompt))
        for name, module, loader in (("a", theirs, WordEmbeddings), ("b", ours, PeerWordEmbeddings)):
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            module.save(str(folder), safe_serialization=is_safe)
            loaded = loader.load(str(folder))
            found = run(loaded, loaded.preprocess(TEXTS, prompt=prompt))
            found.pop("cls_token_embeddings", None)
            assert_same_tensors(found, expected)
            assert loaded.get_config_dict() == theirs.get_config_dict()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(p.name for p in (tmp_path / "b").iterdir())


def test_older_checkpoint_loads(tmp_path: Path) -> None:
    folder = tmp_path / "0_WordEmbeddings"
    folder.mkdir()
    config = {
        "tokenizer_class": "sentence_transformers.models.tokenizer.WhitespaceTokenizer.WhitespaceTokenizer",
        "update_embeddings": True,
        "max_seq_length": 2,
        "colour": "red",
    }
    (folder / "wordembedding_config.json").write_text(json.dumps(config))
    PeerWhitespaceTokenizer(VOCAB).save(str(folder))
    torch.save({"emb_layer.weight": _weights()}, folder / "pytorch_model.bin")
    module = WordEmbeddings.load(str(tmp_path), subfolder="0_WordEmbeddings")
    assert module.emb_layer.weight.requires_grad
    assert module.preprocess(["apple tree pie"])["input_ids"].tolist() == [[1, 3]]
    assert torch.equal(module.emb_layer.weight, _weights())


@pytest.mark.parametrize("missing", ["whitespacetokenizer_config.json", "model.safetensors"])
def test_missing_files_are_an_error(missing: str, tmp_path: Path) -> None:
    WordEmbeddings(WhitespaceTokenizer(VOCAB), _weights()).save(str(tmp_path))
    (tmp_path / missing).unlink()
    with pytest.raises(CheckpointError):
        WordEmbeddings.load(str(tmp_path))


def test_weights_of_another_module_are_an_error(tmp_path: Path) -> None:
    WordEmbeddings(WhitespaceTokenizer(VOCAB), _weights()).save(str(tmp_path), safe_serialization=False)
    torch.save({"x": torch.ones(1)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"emb_layer\.weight"):
        WordEmbeddings.load(str(tmp_path))


def test_untrusted_tokenizer_class_is_refused(tmp_path: Path) -> None:
    WordEmbeddings(WhitespaceTokenizer(VOCAB), _weights()).save(str(tmp_path))
    (tmp_path / "wordembedding_config.json").write_text('{"tokenizer_class": "os.system"}')
    with pytest.raises(CheckpointError, match="trust_remote_code"):
        WordEmbeddings.load(str(tmp_path))


@pytest.mark.parametrize("texts", [[""], ["", "apple"], ["unknown"]])
@pytest.mark.parametrize("mode", Pooling.POOLING_MODES)
def test_text_without_known_words_gives_zeros(texts: list[str], mode: str) -> None:
    chain = torch.nn.Sequential(WordEmbeddings(WhitespaceTokenizer(VOCAB), _weights()), LSTM(3, 2), Pooling(4, mode))
    pooled = run(chain, chain[0].preprocess(texts))["sentence_embedding"]
    assert not pooled[0].any()
    assert all(row.any() for row in pooled[1:])


def test_no_texts_give_no_rows() -> None:
    features = WordEmbeddings(WhitespaceTokenizer(VOCAB), _weights()).preprocess([])
    assert len(features["input_ids"]) == len(features["sentence_lengths"]) == 0


def test_pairs_are_joined() -> None:
    module = WordEmbeddings(WhitespaceTokenizer(VOCAB), _weights())
    assert module.preprocess([("apple", "tree")])["input_ids"].tolist() == [[1, 3]]


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor, list])
def test_weights_may_be_of_any_kind(kind: Any) -> None:
    module = WordEmbeddings(WhitespaceTokenizer(["a"]), kind([[1.0, 2.0]]))
    assert module.emb_layer.weight.dtype is torch.float32
    assert not module.emb_layer.weight.requires_grad
    assert module.get_embedding_dimension() == 2


@pytest.mark.parametrize(
    "content",
    ["The 1.0 2.0\napple 3 4\nPie 7 8\n", "3 2\napple 3 4\nPie 7 8\n", "apple 3 4\nbad 1\nPie 5 6\napple 7 8\n"],
)
@pytest.mark.parametrize("max_vocab_size", [None, 1])
@pytest.mark.parametrize("is_compressed", [True, False])
def test_text_files_are_read_as_the_peer_reads_them(
    content: str, max_vocab_size: int | None, is_compressed: bool, tmp_path: Path, caplog: Any
) -> None:
    path = tmp_path / ("vectors.txt.gz" if is_compressed else "vectors.txt")
    path.write_bytes(gzip.compress(content.encode()) if is_compressed else content.encode())
    with caplog.at_level(logging.ERROR, logger="sensorium.modules"):
        ours = WordEmbeddings.from_text_file(str(path), max_vocab_size=max_vocab_size)
    theirs = PeerWordEmbeddings.from_text_file(str(path), max_vocab_size=max_vocab_size)
    assert torch.equal(ours.emb_layer.weight, theirs.emb_layer.weight)
    assert ours.tokenizer.get_vocab() == theirs.tokenizer.get_vocab()
    is_reported = any(record.name.startswith("sensorium") for record in caplog.records)
    assert is_reported == ("bad" in content)


def test_text_file_without_vectors_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("")
    with pytest.raises(InputError, match="holds no word vectors"):
        WordEmbeddings.from_text_file(str(tmp_path / "v.txt"))
