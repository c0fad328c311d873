from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sentence_transformers.sentence_transformer.modules import StaticEmbedding as PeerStaticEmbedding
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from sensorium.errors import CheckpointError, InputError, ModelNotFoundError, NotBuiltError
from sensorium.media.samples import Part, Sample
from sensorium.modules.static_embedding import StaticEmbedding
from tests.modules.interchange import assert_same_tensors, run

TEXTS = ["a b z", "", "b", "c " * 50, ""]


@pytest.fixture
def tokenizer() -> Tokenizer:
    found = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2, "c": 3}, unk_token="[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    # Special tokens must not be counted, though the tokenizer would add them.
    found.post_processor = processors.TemplateProcessing(single="[UNK] $A [UNK]", special_tokens=[("[UNK]", 0)])
    return found


def _weights(seed: int = 0) -> torch.Tensor:
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("is_safe", [True, False])
def test_folders_are_interchangeable(tokenizer: Tokenizer, is_safe: bool, tmp_path: Path) -> None:
    theirs = PeerStaticEmbedding(tokenizer, embedding_weights=_weights())
    ours = StaticEmbedding(tokenizer, embedding_weights=_weights())
    for prompt in (None, "c a "):
        expected = run(theirs, theirs.preprocess(TEXTS, prompt=prompt))
        assert_same_tensors(run(ours, ours.preprocess(TEXTS, prompt=prompt)), expected)
        for name, module, loader in (("a", theirs, StaticEmbedding), ("b", ours, PeerStaticEmbedding)):
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            module.save(str(folder), safe_serialization=is_safe)
            loaded = loader.load(str(folder))
            assert_same_tensors(run(loaded, loaded.preprocess(TEXTS, prompt=prompt)), expected)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(p.name for p in (tmp_path / "b").iterdir())
    assert (ours.get_embedding_dimension(), ours.num_embeddings, ours.max_seq_length) == (6, 4, math.inf)


@pytest.mark.parametrize(
    "weights",
    [
        {"embeddings": _weights()},
        {"embeddings": _weights(), "weights": torch.rand(4)},
        {"embeddings": _weights()[:2].contiguous(), "mapping": torch.tensor([0, 1, 1, 0])},
        {"embeddings": _weights()[:2].contiguous(), "mapping": torch.tensor([0, 1, 1, 0]), "weights": torch.rand(4)},
        {"embeddings": _weights().half()},
        {"embedding.weight": _weights()},
    ],
)
def test_model2vec_files_load_as_the_peer_loads_them(
    weights: dict[str, torch.Tensor], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    save_file(weights, tmp_path / "model.safetensors")
    ours, theirs = StaticEmbedding.load(str(tmp_path)), PeerStaticEmbedding.load(str(tmp_path))
    assert_same_tensors(run(ours, ours.preprocess(TEXTS)), run(theirs, theirs.preprocess(TEXTS)))
    direct = StaticEmbedding.from_model2vec(str(tmp_path))
    assert torch.equal(direct.embedding.weight, ours.embedding.weight)
    assert direct.base_model == str(tmp_path)


def test_int8_vectors_become_float32(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    vectors = torch.randint(-127, 127, (4, 6), dtype=torch.int8)
    save_file({"embeddings": vectors}, tmp_path / "model.safetensors")
    assert torch.equal(StaticEmbedding.load(str(tmp_path)).embedding.weight, vectors.float())


def test_model2vec_folder_inside_a_checkpoint_is_found(tokenizer: Tokenizer, tmp_path: Path) -> None:
    folder = tmp_path / "0_StaticEmbedding"
    folder.mkdir()
    StaticEmbedding(tokenizer, _weights()).save(str(folder))
    (tmp_path / "modules.json").write_text("[]")
    assert torch.equal(StaticEmbedding.from_model2vec(str(tmp_path)).embedding.weight, _weights())
    assert torch.equal(StaticEmbedding.load(str(tmp_path), "0_StaticEmbedding").embedding.weight, _weights())


def test_missing_model2vec_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="holds no model"):
        StaticEmbedding.from_model2vec(str(tmp_path))


def test_transformers_tokenizer_is_unwrapped(tokenizer: Tokenizer) -> None:
    module = StaticEmbedding(PreTrainedTokenizerFast(tokenizer_object=tokenizer), embedding_dim=2)
    assert isinstance(module.tokenizer, Tokenizer)
    assert module.embedding.weight.shape == (4, 2)


def test_padding_is_off_and_the_callers_tokenizer_untouched(tokenizer: Tokenizer) -> None:
    tokenizer.enable_padding(pad_id=0, pad_token="[UNK]")
    module = StaticEmbedding(tokenizer, _weights())
    assert module.preprocess(["a", "a b c"])["input_ids"].tolist() == [1, 1, 2, 3]
    assert tokenizer.padding is not None


@pytest.mark.parametrize("weights", [_weights(), _weights().numpy(), _weights().double().numpy(), _weights().half()])
def test_weights_keep_their_type(weights: Any, tokenizer: Tokenizer) -> None:
    module = StaticEmbedding(tokenizer, weights)
    assert module.embedding.weight.dtype == torch.as_tensor(weights).dtype
    assert module.embedding.weight.requires_grad


def test_bad_arguments_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match="Either `embedding_weights` or `embedding_dim`"):
        StaticEmbedding(tokenizer)
    with pytest.raises(ValueError, match=r"must be fast \(i\.e\. Rust-backed\)"):
        StaticEmbedding("bert-base-uncased", embedding_dim=2)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="StaticEmbedding takes only text"):
        StaticEmbedding(tokenizer, embedding_dim=2).preprocess([np.zeros(3)])
    with pytest.raises(NotBuiltError, match="model2vec"):
        StaticEmbedding.from_distillation("bert-base-uncased")


@pytest.mark.parametrize("texts", [[""], ["", ""], [" "]])
def test_empty_text_gives_zeros(texts: list[str], tokenizer: Tokenizer) -> None:
    module = StaticEmbedding(tokenizer, _weights())
    assert run(module, module.preprocess(texts))["sentence_embedding"].tolist() == [[0.0] * 6] * len(texts)


def test_samples_and_pairs_are_inputs(tokenizer: Tokenizer) -> None:
    module = StaticEmbedding(tokenizer, _weights())
    sample = Sample("text", (Part("text", "a b", True),))
    assert module.preprocess([sample, ("a", "c")])["input_ids"].tolist() == [1, 2, 1, 3]


@pytest.mark.parametrize(("name", "content"), [("tokenizer.json", b"{"), ("model.safetensors", b"x")])
def test_damaged_files_are_an_error(name: str, content: bytes, tokenizer: Tokenizer, tmp_path: Path) -> None:
    StaticEmbedding(tokenizer, _weights()).save(str(tmp_path))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        StaticEmbedding.load(str(tmp_path))
    (tmp_path / name).unlink()
    with pytest.raises(CheckpointError, match=r"has no 'tokenizer\.json'|Could not find"):
        StaticEmbedding.load(str(tmp_path))


def test_unknown_weights_are_an_error(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    save_file({"x": torch.ones(1)}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"'embedding\.weight' or 'embeddings'"):
        StaticEmbedding.load(str(tmp_path))
