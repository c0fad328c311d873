"""Small rerankers of pairs whose sides may be images, clips and sounds."""

from __future__ import annotations

from pathlib import Path

from transformers import Qwen3VLForConditionalGeneration

from tests.tiny import chat_templates, layouts, omni, tokenizers, vision_language
from tests.tiny.rerankers import answering_tokenizer, find_answers
from tests.tiny.weights import make_model

#: Makes what stands far from the last token, and in a picture, matter for the score.
_GAIN = 1.5
_DIM = vision_language.DIM
_SEEN = ("image", "video")


def build_qwen3_vl_reranker(folder: Path, seed: int = 0) -> Path:
    """Qwen3-VL-Reranker: the generating model for any to any, with `LogitScore` over `yes` and `no`.

    The processor has two chat templates; `processing_kwargs` chooses the one named `reranker`. Images and clips are
    treated as `vision_language.build_qwen3_vl` says.
    """
    tokenizer = answering_tokenizer(tokenizers.qwen_tokenizer(vision_language.SPECIALS))
    config = vision_language.qwen3_vl_config(tokenizer)
    make_model(lambda: Qwen3VLForConditionalGeneration(config), seed, _GAIN).save_pretrained(folder)
    templates = {"default": chat_templates.QWEN2_VL, "reranker": chat_templates.QWEN3_VL_RERANKER}
    vision_language.qwen3_vl_processor(tokenizer, templates).save_pretrained(folder)
    layouts.write_answer_reranker(
        folder,
        "any-to-any",
        find_answers(tokenizer),
        message_format="structured",
        media=_SEEN,
        processing_kwargs={"chat_template": {"chat_template": "reranker", "add_generation_prompt": True}},
        unpad_inputs=False,
    )
    return folder


def build_qwen2_vl_reranker(folder: Path, seed: int = 0) -> Path:
    """The shape of jina-reranker-m0: Qwen2-VL's inner model, its last token pooled, and two dense layers over that."""
    vision_language.build_qwen2_vl(folder, seed, _GAIN)
    layouts.write_json(folder / "chat_template.json", {"chat_template": chat_templates.QWEN2_VL_RERANKER})
    forward = {"method": "forward", "method_output_name": "last_hidden_state"}
    layouts.write_json(
        folder / "sentence_bert_config.json",
        {
            "transformer_task": "feature-extraction",
            "modality_config": {
                **{name: dict(forward) for name in ("text", *_SEEN)},
                "message": {**forward, "format": "structured"},
            },
            "module_output_name": "token_embeddings",
        },
    )
    layouts.write_pooling(folder / "1_Pooling", _DIM, "lasttoken")
    layouts.write_dense(folder / "2_Dense", _DIM, _DIM, seed, activation=layouts.RELU)
    layouts.write_dense(folder / "3_Dense", _DIM, 1, seed + 1, activation=layouts.IDENTITY, module_output_name="scores")
    kinds = (layouts.TRANSFORMER, layouts.POOLING, layouts.DENSE, layouts.DENSE)
    layouts.write_modules(folder, list(zip(("", "1_Pooling", "2_Dense", "3_Dense"), kinds, strict=True)))
    layouts.write_reranker_config(folder)
    return folder


def build_qwen2_5_vl_reranker(folder: Path, seed: int = 0) -> Path:
    """Qwen2.5-VL for any to any, with `LogitScore`; the chat template gives every role a turn of its own."""
    tokenizer = answering_tokenizer(tokenizers.qwen_tokenizer(vision_language.SPECIALS))
    vision_language.save_qwen2_5_vl(folder, tokenizer, chat_templates.QWEN2_5_VL_RERANKER, seed, _GAIN)
    answers = find_answers(tokenizer)
    layouts.write_answer_reranker(folder, "any-to-any", answers, message_format="structured", media=_SEEN)
    return folder


def build_qwen2_5_omni_reranker(folder: Path, seed: int = 0) -> Path:
    """Qwen2.5-Omni's thinker for any to any, with `LogitScore`; media are treated as in `omni.build_qwen2_5_omni`."""
    plain = tokenizers.qwen_tokenizer(("<|im_start|>", "<|im_end|>"), named=omni.OMNI_NAMED, max_length=2048)
    tokenizer = answering_tokenizer(plain)
    omni.save_qwen2_5_omni(folder, tokenizer, chat_templates.QWEN2_5_OMNI_RERANKER, seed, _GAIN)
    layouts.write_answer_reranker(
        folder,
        "any-to-any",
        find_answers(tokenizer),
        message_format="structured",
        media=("image", "audio", "video"),
        processing_kwargs={"video": {"size": omni.OMNI_PIXELS}},
    )
    return folder
