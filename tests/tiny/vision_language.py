"""Small vision-language checkpoints of the Qwen family, processors and chat templates included."""

from __future__ import annotations

import json
from pathlib import Path

from transformers import (
    PreTrainedTokenizerBase,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    Qwen3VLConfig,
    Qwen3VLModel,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from tests.tiny import chat_templates, layouts, tokenizers
from tests.tiny.weights import make_model

DIM = 64
SPECIALS = (
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
_TEXT = {
    "hidden_size": DIM,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
}
_FORWARD = {"method": "forward", "method_output_name": "last_hidden_state"}


def build_qwen3_vl(folder: Path, seed: int = 0) -> Path:
    """Qwen3-VL in the embedding layout: Transformer + last-token Pooling + Normalize, with a chat template.

    Every input is rendered as a conversation: a system turn (the prompt, or "Represent the user's input."), the user's
    turn, `<|im_start|>assistant` and `<|endoftext|>`, whose state is pooled. Padding is on the left. The processor:

    - resizes an image so that both sides are multiples of 32 and the area lies between 4,096 and 16,384 pixels: 4 to 16
      tokens, one per 32 x 32 block;
    - samples a clip at 2 frames per second, at least 4, at most 768 frames, then pairs frames (an odd one is repeated);
      without `fps` in the clip's metadata it assumes 24 and logs a warning; each pair is preceded by `<0.2 seconds>` in
      text;
    - bounds frames x height x width of a clip between 4,096 and 65,536;
    - returns `mm_token_type_ids` (0 text, 1 image, 2 video), which the model needs for its 3-d positions.
    """
    tokenizer = tokenizers.qwen_tokenizer(SPECIALS)
    config = qwen3_vl_config(tokenizer)
    make_model(lambda: Qwen3VLModel(config), seed).save_pretrained(folder)
    qwen3_vl_processor(tokenizer, chat_templates.QWEN3_VL_EMBEDDING).save_pretrained(folder)
    _write_embedding_layout(folder)
    return folder


def qwen3_vl_processor(
    tokenizer: PreTrainedTokenizerBase, chat_template: str | dict[str, str] | None
) -> Qwen3VLProcessor:
    """Join `tokenizer` and the image and clip processors that `build_qwen3_vl` describes."""
    images = Qwen2VLImageProcessor(
        size={"shortest_edge": 4096, "longest_edge": 16384},
        patch_size=16,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    videos = Qwen3VLVideoProcessor(size={"shortest_edge": 4096, "longest_edge": 65536}, cap_pixels_per_frame=False)
    return Qwen3VLProcessor(
        image_processor=images, tokenizer=tokenizer, video_processor=videos, chat_template=chat_template
    )


def qwen3_vl_config(tokenizer: PreTrainedTokenizerBase) -> Qwen3VLConfig:
    """Qwen3-VL over the vocabulary of `tokenizer`, which holds `SPECIALS`."""
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIALS}
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "patch_size": 16,
        "out_hidden_size": DIM,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    text = {**_TEXT, "vocab_size": len(tokenizer), "head_dim": 16, "rope_parameters": rope}
    return Qwen3VLConfig(
        text_config={**text, "pad_token_id": tokenizer.pad_token_id},
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )


def _write_embedding_layout(folder: Path) -> None:
    layouts.write_token_pipeline(
        folder, DIM, "lasttoken", prompts={"query": "Retrieve images or text relevant to the user's query."}
    )
    modalities = ("text", "image", "video")
    layouts.write_json(
        folder / "sentence_bert_config.json",
        {
            "transformer_task": "feature-extraction",
            "modality_config": {
                **{name: dict(_FORWARD) for name in modalities},
                "message": {**_FORWARD, "format": "structured"},
            },
            "module_output_name": "token_embeddings",
            "processing_kwargs": {"chat_template": {"add_generation_prompt": True}},
        },
    )


def _vision_processors() -> tuple[Qwen2VLImageProcessor, Qwen2VLVideoProcessor]:
    bounds = {"shortest_edge": 3136, "longest_edge": 12544}
    return Qwen2VLImageProcessor(size=bounds), Qwen2VLVideoProcessor(size=bounds, cap_pixels_per_frame=False)


def _media_ids(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    names = {"image": "image_pad", "video": "video_pad", "vision_start": "vision_start", "vision_end": "vision_end"}
    return {f"{key}_token_id": tokenizer.convert_tokens_to_ids(f"<|{name}|>") for key, name in names.items()}


def _text_config(tokenizer: PreTrainedTokenizerBase) -> dict[str, object]:
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]}
    ids = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id}
    return {**_TEXT, **ids, "vocab_size": len(tokenizer), "max_window_layers": 2, "rope_parameters": rope}


def build_qwen2_vl(folder: Path, seed: int = 0, gain: float = 1.0) -> Path:
    """Qwen2-VL as a plain checkpoint: the whole generating model, the processor saved in the parts of 2024.

    There is no `modules.json`: the libraries load the inner model, drop the language head and add mean pooling (the
    architecture's name does not end in ForCausalLM). The processor lies in `preprocessor_config.json`,
    `video_preprocessor_config.json` and `chat_template.json`. An image becomes 4 to 16 tokens of 28 x 28 pixels; every
    frame of a clip is kept (`do_sample_frames` is False), in pairs, within the same bounds for each frame. A
    conversation without a system turn gets "You are a helpful assistant.".
    """
    tokenizer = tokenizers.qwen_tokenizer(SPECIALS)
    vision = {"depth": 2, "embed_dim": 32, "hidden_size": DIM, "mlp_ratio": 2, "num_heads": 2}
    config = Qwen2VLConfig(text_config=_text_config(tokenizer), vision_config=vision, **_media_ids(tokenizer))
    make_model(lambda: Qwen2VLForConditionalGeneration(config), seed, gain).save_pretrained(folder)
    images, videos = _vision_processors()
    images.save_pretrained(folder)
    videos.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    layouts.write_json(folder / "chat_template.json", {"chat_template": chat_templates.QWEN2_VL})
    described = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    layouts.write_json(folder / "preprocessor_config.json", {**described, "processor_class": "Qwen2VLProcessor"})
    return folder


def build_qwen2_5_vl(folder: Path, seed: int = 0) -> Path:
    """Qwen2.5-VL with modules of its own: last-token pooling, normalising, every input rendered as a conversation.

    The vision tower attends within windows of 56 pixels in its first block and everywhere in its second. Sizes are as
    in `build_qwen2_vl`; a clip's `fps` also moves its temporal positions (`second_per_grid_ts`).
    """
    save_qwen2_5_vl(folder, tokenizers.qwen_tokenizer(SPECIALS), chat_templates.QWEN2_VL, seed)
    _write_embedding_layout(folder)
    return folder


def save_qwen2_5_vl(
    folder: Path, tokenizer: PreTrainedTokenizerBase, chat_template: str, seed: int, gain: float = 1.0
) -> None:
    """Write Qwen2.5-VL's whole generating model and its processor, without `modules.json`."""
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": DIM,
        "window_size": 56,
        "fullatt_block_indexes": [1],
    }
    config = Qwen2_5_VLConfig(text_config=_text_config(tokenizer), vision_config=vision, **_media_ids(tokenizer))
    make_model(lambda: Qwen2_5_VLForConditionalGeneration(config), seed, gain).save_pretrained(folder)
    images, videos = _vision_processors()
    Qwen2_5_VLProcessor(
        image_processor=images, tokenizer=tokenizer, video_processor=videos, chat_template=chat_template
    ).save_pretrained(folder)
