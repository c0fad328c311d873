"""Checkpoints put together from parts: routers, lookup tables, and the module types of the library's first years.

Routers and old modules are saved by the peer itself, from small parts with random weights; the older layouts are then
rewritten with the names of their time.
"""

from __future__ import annotations

import json
import string
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as peer
from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer
from torch import nn
from transformers import (
    ViTConfig,
    ViTImageProcessor,
    ViTModel,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from tests.tiny import layouts, text, tokenizers
from tests.tiny.corpus import TRAINING_TEXT
from tests.tiny.weights import make_model, randomise

DIM = 24
_WORDS = tuple(
    dict.fromkeys(
        word.strip(string.punctuation).lower() for line in TRAINING_TEXT for word in line.split() if len(word) > 1
    )
)


def _save_modules(folder: Path, modules: Sequence[nn.Module]) -> Path:
    model = SentenceTransformer(modules=list(modules), device="cpu")
    model.save(str(folder), create_model_card=False)
    return folder


def _use_old_names(folder: Path) -> None:
    """Rewrite every type in `modules.json` to `sentence_transformers.models.X`, as versions before 5.4 wrote them."""
    path = folder / "modules.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    for entry in entries:
        entry["type"] = f"{layouts.LEGACY}.{entry['type'].rsplit('.', 1)[1]}"
    layouts.write_json(path, entries)


def _build_vit(folder: Path, seed: int) -> Path:
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = ViTConfig(image_size=32, patch_size=8, **shape)
    make_model(lambda: ViTModel(config), seed).save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def _save_whisper(folder: Path, seed: int, *, encoder_only: bool) -> Path:
    config = WhisperConfig(
        num_mel_bins=16,
        d_model=32,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_source_positions=100,
        max_target_positions=16,
        vocab_size=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
        decoder_start_token_id=1,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    model = make_model(lambda: WhisperForConditionalGeneration(config), seed)
    (model.get_encoder() if encoder_only else model).save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=16, chunk_length=2).save_pretrained(folder)
    return folder


def build_whisper(folder: Path, seed: int = 0) -> Path:
    """Whisper's encoder alone as a plain checkpoint: mean pooling over 2 seconds of sound, silence included.

    The feature extractor takes 16,000 Hz only and pads or cuts every sound to its window.
    """
    return _save_whisper(folder, seed, encoder_only=True)


def build_whisper_full(folder: Path, seed: int = 0) -> Path:
    """A whole Whisper as published, as a plain checkpoint: only the encoder is wanted, its keys under `model.encoder.`.

    The peer looks for keys without that prefix, finds none, and goes on with an encoder of random weights.
    """
    return _save_whisper(folder, seed, encoder_only=False)


def build_router(folder: Path, seed: int = 0) -> Path:
    """A `Router` that gives each modality its own tower, then `Normalize`.

    Text: BERT, mean pooling, Dense. Image: ViT, CLS pooling, Dense; pictures are resized to 32 x 32 without regard to
    shape. Audio: Whisper's encoder, mean pooling, Dense; see `build_whisper`. The peer's router takes a dict with
    foreign keys for the `{task: text}` of old models, so a sound with its rate must be given as `{"audio": {"array",
    "sampling_rate"}}`.
    """
    builders: dict[str, tuple[Callable[[Path, int], Path], str]] = {
        "text": (text.build_bert, "mean"),
        "image": (_build_vit, "cls"),
        "audio": (build_whisper, "mean"),
    }
    with tempfile.TemporaryDirectory() as scratch:
        towers = {}
        for position, (name, (build, mode)) in enumerate(builders.items()):
            (Path(scratch) / name).mkdir()
            encoder = peer.Transformer(str(build(Path(scratch) / name, seed + position)))
            dense = make_model(lambda: peer.Dense(32, DIM), seed + position)
            towers[name] = [encoder, peer.Pooling(32, mode), dense]
        return _save_modules(folder, [peer.Router(towers, allow_empty_key=False), peer.Normalize()])


def _query_document_router(scratch: str, seed: int) -> peer.Router:
    bert = peer.Transformer(str(text.build_bert(Path(scratch) / "bert", seed)))
    table = make_model(lambda: peer.StaticEmbedding(tokenizers.static_tokenizer(), embedding_dim=32), seed)
    return peer.Router.for_query_document([table], [bert, peer.Pooling(32, "mean")])


def build_router_query_document(folder: Path, seed: int = 0) -> Path:
    """A `Router` with a lookup table for queries and BERT for documents, which also take texts without a task."""
    with tempfile.TemporaryDirectory() as scratch:
        return _save_modules(folder, [_query_document_router(scratch, seed), peer.Normalize()])


def build_asym(folder: Path, seed: int = 0) -> Path:
    """The same two towers as the `Asym` of versions before 5: `config.json` in the root and old type names.

    Texts without a task take the first route, that of queries.
    """
    build_router_query_document(folder, seed)
    described = json.loads((folder / "router_config.json").read_text(encoding="utf-8"))
    (folder / "router_config.json").unlink()
    types = {name: f"{layouts.LEGACY}.{kind.rsplit('.', 1)[1]}" for name, kind in described["types"].items()}
    described = {"types": types, "structure": described["structure"], "parameters": {"allow_empty_key": True}}
    layouts.write_json(folder / "config.json", described)
    layouts.write_modules(folder, [("", f"{layouts.LEGACY}.Asym"), ("1_Normalize", f"{layouts.LEGACY}.Normalize")])
    return folder


def build_static(folder: Path, seed: int = 0) -> Path:
    """A `StaticEmbedding` in its own folder, as static-retrieval-mrl-en-v1 has it: `tokenizer.json`, one table."""
    path = folder / "0_StaticEmbedding"
    tokenizer = tokenizers.static_tokenizer()
    path.mkdir(parents=True)
    tokenizer.save(str(path / "tokenizer.json"))
    generator = torch.Generator().manual_seed(seed)
    save_file(
        {"embedding.weight": torch.randn(tokenizer.get_vocab_size(), 32, generator=generator)},
        path / "model.safetensors",
    )
    layouts.write_modules(folder, [("0_StaticEmbedding", f"{layouts.LEGACY}.StaticEmbedding")])
    layouts.write_model_config(folder)
    return folder


def _write_model2vec(folder: Path, weights: dict[str, torch.Tensor]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizers.static_tokenizer().save(str(folder / "tokenizer.json"))
    save_file(weights, folder / "model.safetensors")
    config = {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True, "hidden_dim": 32}
    layouts.write_json(folder / "config.json", config)
    layouts.write_modules(
        folder, [(".", f"{layouts.LEGACY}.StaticEmbedding"), ("1_Normalize", f"{layouts.LEGACY}.Normalize")]
    )
    return folder


def build_model2vec(folder: Path, seed: int = 0) -> Path:
    """model2vec files: the table named `embeddings`, in half precision, and `"."` as the first module's path."""
    size = tokenizers.static_tokenizer().get_vocab_size()
    generator = torch.Generator().manual_seed(seed)
    return _write_model2vec(folder, {"embeddings": torch.randn(size, 32, generator=generator).half()})


def build_model2vec_quantized(folder: Path, seed: int = 0) -> Path:
    """model2vec files with fewer rows than tokens: `mapping` from token to row and a weight per token in `weights`."""
    size, rows = tokenizers.static_tokenizer().get_vocab_size(), 100
    generator = torch.Generator().manual_seed(seed)
    weights = {
        "embeddings": torch.randn(rows, 32, generator=generator),
        "mapping": torch.randint(0, rows, (size,), generator=generator),
        "weights": torch.rand(size, generator=generator, dtype=torch.float64) + 0.5,
    }
    return _write_model2vec(folder, weights)


def build_layers(folder: Path, seed: int = 0) -> Path:
    """BERT with all layers' states, WeightedLayerPooling, Pooling in three modes, LayerNorm, Dropout and Dense."""
    with tempfile.TemporaryDirectory() as scratch:
        base = text.build_bert(Path(scratch) / "bert", seed)
        config = json.loads((base / "config.json").read_text(encoding="utf-8"))
        layouts.write_json(base / "config.json", {**config, "output_hidden_states": True})
        layers = peer.WeightedLayerPooling(32, num_hidden_layers=2, layer_start=1)
        modules = [
            peer.Transformer(str(base)),
            randomise(layers, seed),
            peer.Pooling(32, ["cls", "max", "mean"]),
            make_model(lambda: peer.LayerNorm(96), seed),
            peer.Dropout(0.3),
            make_model(lambda: peer.Dense(96, DIM, activation_function=nn.GELU()), seed),
        ]
        _save_modules(folder, modules)
    _use_old_names(folder)
    return folder


def _word_table(seed: int) -> peer.WordEmbeddings:
    tokenizer = WhitespaceTokenizer(_WORDS, stop_words=["the"], do_lower_case=True)
    weights = torch.randn(len(_WORDS), 32, generator=torch.Generator().manual_seed(seed))
    return peer.WordEmbeddings(tokenizer, weights)


def _save_words(folder: Path, modules: Sequence[nn.Module]) -> Path:
    _save_modules(folder, modules)
    _use_old_names(folder)
    return folder


def build_word_weights(folder: Path, seed: int = 0) -> Path:
    """Averaged word vectors with a weight per word, as average_word_embeddings_glove has them."""
    weights = {word: 1.0 / (1 + position % 7) for position, word in enumerate(_WORDS)}
    weighted = peer.WordWeights(list(_WORDS), weights, unknown_word_weight=0.5)
    return _save_words(folder, [_word_table(seed), weighted, peer.Pooling(32, "mean")])


def build_cnn(folder: Path, seed: int = 0) -> Path:
    """Word vectors, convolutions of widths 1 and 3, maximum over positions."""
    cnn = make_model(lambda: peer.CNN(32, out_channels=16, kernel_sizes=[1, 3]), seed)
    return _save_words(folder, [_word_table(seed), cnn, peer.Pooling(32, "max")])


def build_lstm(folder: Path, seed: int = 0) -> Path:
    """Word vectors, an LSTM in both directions, the mean of its states."""
    lstm = make_model(lambda: peer.LSTM(32, hidden_dim=16, bidirectional=True), seed)
    return _save_words(folder, [_word_table(seed), lstm, peer.Pooling(32, "mean")])


def build_bow(folder: Path, seed: int = 0) -> Path:
    """Weighted word counts, then Dense to 24 dimensions."""
    weights = {word: 1.0 + (position % 5) for position, word in enumerate(_WORDS)}
    dense = make_model(lambda: peer.Dense(len(_WORDS), DIM), seed)
    return _save_words(folder, [peer.BoW(list(_WORDS), weights, unknown_word_weight=1), dense])
