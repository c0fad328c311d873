"""Small two-tower checkpoints: CLIP, SigLIP, SigLIP 2 and CLAP. Each tower pools by itself."""

from __future__ import annotations

from pathlib import Path

from transformers import (
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    Siglip2Config,
    Siglip2ImageProcessor,
    Siglip2Model,
    Siglip2Processor,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    SiglipProcessor,
)

from tests.tiny import layouts, tokenizers
from tests.tiny.weights import make_model, randomise

DIM = 32
_TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}


def _save_clip(folder: Path, seed: int) -> None:
    tokenizer = tokenizers.clip_tokenizer()
    text = {
        **_TOWER,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 24,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {**_TOWER, "image_size": 32, "patch_size": 8}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=DIM)
    make_model(lambda: CLIPModel(config), seed).save_pretrained(folder)
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    CLIPProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(folder)


def build_clip(folder: Path, seed: int = 0) -> Path:
    """CLIP as a plain checkpoint.

    The image processor resizes the shorter side to 32 pixels (bicubic, antialiased) and crops the centre square, so
    what lies outside that square does not reach the model. `pad_token` is `<|endoftext|>`; the text tower pools at the
    first position of the end token.
    """
    _save_clip(folder, seed)
    return folder


def build_clip_legacy(folder: Path, seed: int = 0) -> Path:
    """CLIP as the clip-ViT-B-32 of 2021: `modules.json` names one `CLIPModel`, whose files lie in `0_CLIPModel`.

    There is no `sentence_bert_config.json`, no pooling, and the processor is saved in parts
    (`preprocessor_config.json`).
    """
    _save_clip(folder / "0_CLIPModel", seed)
    (folder / "0_CLIPModel" / "processor_config.json").unlink()
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    images.save_pretrained(folder / "0_CLIPModel")
    layouts.write_modules(folder, [("0_CLIPModel", f"{layouts.LEGACY}.CLIPModel")])
    version = {"sentence_transformers": "2.0.0", "transformers": "4.7.0", "pytorch": "1.9.0"}
    layouts.write_json(folder / "config_sentence_transformers.json", {"__version__": version})
    return folder


def build_siglip(folder: Path, seed: int = 0) -> Path:
    """SigLIP as a plain checkpoint.

    The text tower reads the state of the *last position*, padding included, and its tokenizer gives no attention mask:
    the model was trained with every text padded to 16 (64 in the published ones) tokens. The peer pads to the longest
    text of a batch, so there a text's vector depends on its neighbours unless `processing_kwargs` ask for
    `padding="max_length"`. The image processor resizes to 32 x 32 without regard to shape.
    """
    tokenizer = tokenizers.t5_tokenizer(max_length=16, model_input_names=["input_ids"])
    text = {
        **_TOWER,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 16,
        "projection_size": DIM,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
    }
    vision = {**_TOWER, "image_size": 32, "patch_size": 8}
    config = SiglipConfig(text_config=text, vision_config=vision)
    make_model(lambda: SiglipModel(config), seed, gain=1.5).save_pretrained(folder)
    images = SiglipImageProcessor(size={"height": 32, "width": 32})
    SiglipProcessor(image_processor=images, tokenizer=tokenizer).save_pretrained(folder)
    return folder


def build_siglip2(folder: Path, seed: int = 0) -> Path:
    """SigLIP 2 in its variable-resolution form ("naflex") as a plain checkpoint.

    An image keeps its shape: it is resized (also enlarged) until it has as many 16 x 16 patches as fit into 256, then
    padded to 256 with `pixel_attention_mask` and `spatial_shapes`. The 256 comes from the processor class, which
    overrides the image processor's own `max_num_patches` (16 here). Texts are read at the last position, as in SigLIP;
    the processor class would pad them to 64 tokens, the peer's keyword overrides that with padding to the longest.
    """
    tokenizer = tokenizers.siglip2_tokenizer(max_length=64)
    text = {
        **_TOWER,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 64,
        "projection_size": DIM,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
    }
    vision = {**_TOWER, "num_patches": 16, "patch_size": 16}
    config = Siglip2Config(text_config=text, vision_config=vision)
    make_model(lambda: Siglip2Model(config), seed, gain=1.5).save_pretrained(folder)
    images = Siglip2ImageProcessor(patch_size=16, max_num_patches=16)
    Siglip2Processor(image_processor=images, tokenizer=tokenizer).save_pretrained(folder)
    return folder


def _save_clap(folder: Path, seed: int, *, is_fused: bool) -> Path:
    tokenizer = tokenizers.roberta_tokenizer()
    text = {**_TOWER, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    audio = {
        "hidden_size": 32,
        "patch_embeds_hidden_size": 16,
        "depths": [1, 1],
        "num_attention_heads": [2, 2],
        "num_hidden_layers": 2,
        "window_size": 4,
        "spec_size": 128,
        "num_mel_bins": 64,
        "enable_fusion": is_fused,
        "fusion_type": "aff_2d" if is_fused else None,
        "aff_block_r": 2,
    }
    config = ClapConfig(text_config=text, audio_config=audio, projection_dim=DIM)
    model = make_model(lambda: ClapModel(config), seed)
    randomise(model.text_model, seed + 1, gain=2.0)
    # What a trained model has learnt about spectrograms in decibels; without it every sound looks like silence.
    norm = model.audio_model.audio_encoder.batch_norm
    norm.running_mean.fill_(-45.0)
    norm.running_var.fill_(100.0)
    model.save_pretrained(folder)
    sounds = ClapFeatureExtractor(max_length_s=1, truncation="fusion" if is_fused else "rand_trunc")
    ClapProcessor(feature_extractor=sounds, tokenizer=tokenizer).save_pretrained(folder)
    return folder


def build_clap(folder: Path, seed: int = 0) -> Path:
    """CLAP (`rand_trunc`, no fusion) as a plain checkpoint, with a window of 1 second where the published ones have 10.

    The feature extractor takes 48,000 Hz only and does not resample: another `sampling_rate` is an error. A sound
    shorter than the window is repeated a whole number of times and padded with silence; a longer one is cut at a place
    drawn from numpy's global generator, so its vector differs from call to call.
    """
    return _save_clap(folder, seed, is_fused=False)


def build_clap_fused(folder: Path, seed: int = 0) -> Path:
    """CLAP with fusion of four spectrograms (the layout of clap-htsat-fused), as a plain checkpoint.

    When no sound of a batch is longer than the window, the feature extractor marks one, drawn at random, as
    `is_longer`, and the model then fuses its four (equal) spectrograms: vectors of short sounds depend on chance and on
    their batch. Longer sounds are cropped in three random places.
    """
    return _save_clap(folder, seed, is_fused=True)
