"""Small checkpoints that take text, images, sounds and clips: Qwen2.5-Omni's thinker and EmbeddingGemma 2."""

from __future__ import annotations

from pathlib import Path

from transformers import (
    EmbeddingGemma2Config,
    EmbeddingGemma2Model,
    EmbeddingGemma2Processor,
    EmbeddingGemma2VideoProcessor,
    Gemma4AudioConfig,
    Gemma4AudioFeatureExtractor,
    Gemma4ImageProcessor,
    Gemma4VisionConfig,
    PreTrainedTokenizerBase,
    Qwen2_5OmniProcessor,
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    WhisperFeatureExtractor,
)

from tests.tiny import chat_templates, layouts, tokenizers
from tests.tiny.weights import make_model

DIM = 64
#: Least and most pixels of an image, and of each frame of a clip, in the Omni thinker's checkpoint.
OMNI_PIXELS = {"shortest_edge": 3136, "longest_edge": 12544}
#: Attributes of the Omni thinker's tokenizer -> the special tokens they hold.
OMNI_NAMED = {
    "image_token": "<|IMAGE|>",
    "audio_token": "<|AUDIO|>",
    "video_token": "<|VIDEO|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
}
_GEMMA_NAMED = {
    "image_token": "<|image|>",
    "boi_token": "<|image>",
    "eoi_token": "<image|>",
    "audio_token": "<|audio|>",
    "boa_token": "<|audio>",
    "eoa_token": "<audio|>",
}


def build_qwen2_5_omni(folder: Path, seed: int = 0) -> Path:
    """Qwen2.5-Omni's thinker with its language head, loaded for `any-to-any`, pooled at the last token.

    The layout of the published Omni embedding models: `hidden_states[-1]` is what is pooled. Every input is rendered as
    a conversation. The processor:

    - takes 16,000 Hz, pads each sound to 4 seconds (300 in the published one) of spectrogram and cuts what is longer,
      one token per 40 ms, at most 100; the feature extractor raises on another `sampling_rate`;
    - resizes an image so that both sides are multiples of 28 and the area lies between 3,136 and 12,544 pixels: 4 to 16
      tokens;
    - keeps every frame of a clip (no sampling, `do_sample_frames` is False in the checkpoint), bounds each frame's
      pixels, and replaces the size in the checkpoint by its own, 100,352 to 602,112 pixels, unless `size` comes with
      the call;
    - always pads texts on the left.
    """
    tokenizer = tokenizers.qwen_tokenizer(("<|im_start|>", "<|im_end|>"), named=OMNI_NAMED, max_length=2048)
    save_qwen2_5_omni(folder, tokenizer, chat_templates.QWEN2_5_OMNI, seed)
    layouts.write_token_pipeline(folder, DIM, "lasttoken")
    last = {"method": "forward", "method_output_name": ["hidden_states", -1]}
    layouts.write_json(
        folder / "sentence_bert_config.json",
        {
            "transformer_task": "any-to-any",
            "modality_config": {
                **{name: dict(last) for name in ("text", "image", "audio", "video")},
                "message": {**last, "format": "structured"},
            },
            "module_output_name": "token_embeddings",
            "processing_kwargs": {"video": {"size": OMNI_PIXELS}},
        },
    )
    return folder


def save_qwen2_5_omni(
    folder: Path, tokenizer: PreTrainedTokenizerBase, chat_template: str, seed: int, gain: float = 1.0
) -> None:
    """Write the thinker with its language head and its processor, without `modules.json`.

    `tokenizer` holds `<|im_start|>` and the tokens of `OMNI_NAMED`.
    """
    config = _omni_config(tokenizer)
    make_model(lambda: Qwen2_5OmniThinkerForConditionalGeneration(config), seed, gain).save_pretrained(folder)
    Qwen2_5OmniProcessor(
        image_processor=Qwen2VLImageProcessor(size=OMNI_PIXELS),
        video_processor=Qwen2VLVideoProcessor(size=OMNI_PIXELS, cap_pixels_per_frame=False),
        feature_extractor=WhisperFeatureExtractor(feature_size=16, chunk_length=4, return_attention_mask=True),
        tokenizer=tokenizer,
        chat_template=chat_template,
    ).save_pretrained(folder)


def _omni_config(tokenizer: PreTrainedTokenizerBase) -> Qwen2_5OmniThinkerConfig:
    ids = {name: tokenizer.convert_tokens_to_ids(token) for name, token in OMNI_NAMED.items()}
    return Qwen2_5OmniThinkerConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": DIM,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 2048,
            "max_window_layers": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 2, 2]},
            "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": DIM,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        audio_config={
            "num_mel_bins": 16,
            "encoder_layers": 2,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 64,
            "d_model": 32,
            "max_source_positions": 200,
            "n_window": 20,
            "output_dim": DIM,
        },
        audio_token_index=ids["audio_token"],
        image_token_index=ids["image_token"],
        video_token_index=ids["video_token"],
        audio_start_token_id=ids["audio_bos_token"],
        audio_end_token_id=ids["audio_eos_token"],
        vision_start_token_id=ids["vision_bos_token"],
        vision_end_token_id=ids["vision_eos_token"],
        user_token_id=tokenizer.convert_tokens_to_ids("<|im_start|>"),
        pad_token_id=tokenizer.pad_token_id,
    )


def build_embedding_gemma2(folder: Path, seed: int = 0) -> Path:
    """EmbeddingGemma 2: one bidirectional encoder for everything, mean pooling, normalising.

    The chat template puts items one after another, without turns; a prompt comes first, as the system turn. The
    processor:

    - enlarges or shrinks an image, keeping its shape, until it fills 70 tokens of 12 x 12 pixels (280 of 48 x 48 in the
      published one), then pads to 630 patches;
    - samples a clip at 1 frame per second by its metadata, at most 32 frames; without `fps` it keeps every frame;
    - takes 16,000 Hz, gives about one token per 40 ms, pads sounds to the longest of the batch and to a multiple of 128
      samples, and cuts at 30 seconds; the feature extractor neither resamples nor checks the rate.
    """
    tokenizer = tokenizers.gemma_tokenizer(_GEMMA_NAMED, max_length=1024)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|video|>"]}, replace_extra_special_tokens=False)
    config = _gemma2_config(tokenizer)
    make_model(lambda: EmbeddingGemma2Model(config), seed).save_pretrained(folder)
    sizes = {"patch_size": 4, "max_soft_tokens": 70, "pooling_kernel_size": 3}
    EmbeddingGemma2Processor(
        feature_extractor=Gemma4AudioFeatureExtractor(feature_size=32),
        image_processor=Gemma4ImageProcessor(**sizes),
        tokenizer=tokenizer,
        video_processor=EmbeddingGemma2VideoProcessor(**sizes),
        chat_template=chat_templates.EMBEDDING_GEMMA2,
        image_seq_length=70,
    ).save_pretrained(folder)
    prompts = {"query": "task: search result | query: ", "document": "title: none | text: "}
    layouts.write_token_pipeline(folder, DIM, "mean", prompts=prompts)
    forward = {"method": "forward", "method_output_name": "last_hidden_state"}
    layouts.write_json(
        folder / "sentence_bert_config.json",
        {
            "transformer_task": "feature-extraction",
            "modality_config": {
                **{name: dict(forward) for name in ("text", "image", "audio", "video")},
                "message": {**forward, "format": "structured"},
            },
            "module_output_name": "token_embeddings",
        },
    )
    return folder


def _gemma2_config(tokenizer: PreTrainedTokenizerBase) -> EmbeddingGemma2Config:
    ids = {name: tokenizer.convert_tokens_to_ids(token) for name, token in _GEMMA_NAMED.items()}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16}
    text = {
        **heads,
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "max_position_embeddings": 1024,
        "sliding_window": 16,
        "layer_types": ["sliding_attention", "full_attention"],
        "global_head_dim": 32,
        "hidden_size_per_layer_input": 8,
        "embedding_dim": DIM,
    }
    vision = Gemma4VisionConfig(
        **{**heads, "num_key_value_heads": 2},
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        patch_size=4,
        position_embedding_size=256,
    )
    audio = Gemma4AudioConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        subsampling_conv_channels=[32, 4],
        output_proj_dims=32,
    )
    return EmbeddingGemma2Config(
        text_config=text,
        vision_config=vision,
        audio_config=audio,
        boi_token_id=ids["boi_token"],
        eoi_token_id=ids["eoi_token"],
        image_token_id=ids["image_token"],
        video_token_id=tokenizer.convert_tokens_to_ids("<|video|>"),
        boa_token_id=ids["boa_token"],
        eoa_token_index=ids["eoa_token"],
        audio_token_id=ids["audio_token"],
    )
