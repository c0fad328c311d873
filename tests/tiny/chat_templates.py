"""Chat templates in the style of the published ones, written for the small checkpoints.

Each renders a list of `{"role", "content"}` turns whose content is a string or a list of typed items, and puts one
placeholder where the processor will expand an image, a sound or a clip. Must not know about processors.
"""

from __future__ import annotations

_MEDIA_ITEM = (
    "{%- if item.type == 'image' or 'image' in item or 'image_url' in item -%}IMAGE"
    "{%- elif item.type == 'video' or 'video' in item -%}VIDEO"
    "{%- elif item.type == 'audio' or 'audio' in item or 'audio_url' in item -%}AUDIO"
    "{%- elif 'text' in item -%}{{ item.text }}{%- endif -%}"
)


def _turns(image: str, video: str, audio: str = "", *, opening: str = "", default_system: str | None = None) -> str:
    """Build the ChatML form that the Qwen families share.

    `default_system` is rendered when the conversation has no system turn of its own; `add_generation_prompt` opens the
    assistant's turn.
    """
    item = _MEDIA_ITEM.replace("IMAGE", image).replace("VIDEO", video).replace("AUDIO", audio)
    system = ""
    if default_system is not None:
        system = (
            "{%- if messages[0].role != 'system' -%}"
            "{{ '<|im_start|>system\\n" + default_system.replace("'", "\\'") + "<|im_end|>\\n' }}"
            "{%- endif -%}"
        )
    return (
        f"{opening}{system}"
        "{%- for message in messages -%}"
        "{{ '<|im_start|>' + message.role + '\\n' }}"
        "{%- if message.content is string -%}{{ message.content }}"
        "{%- else -%}{%- for item in message.content -%}" + item + "{%- endfor -%}{%- endif -%}"
        "{{ '<|im_end|>\\n' }}"
        "{%- endfor -%}"
        "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
    )


QWEN_TEXT = _turns("", "")
QWEN2_VL = _turns(
    "<|vision_start|><|image_pad|><|vision_end|>",
    "<|vision_start|><|video_pad|><|vision_end|>",
    default_system="You are a helpful assistant.",
)
#: Ends in `<|endoftext|>`, the token whose state the embedding layout pools.
QWEN3_VL_EMBEDDING = (
    _turns(
        "<|vision_start|><|image_pad|><|vision_end|>",
        "<|vision_start|><|video_pad|><|vision_end|>",
        default_system="Represent the user's input.",
    )
    + "{{ '<|endoftext|>' }}"
)
QWEN2_5_OMNI = _turns(
    "<|vision_bos|><|IMAGE|><|vision_eos|>",
    "<|vision_bos|><|VIDEO|><|vision_eos|>",
    "<|audio_bos|><|AUDIO|><|audio_eos|>",
    default_system="You are a helpful assistant who hears and sees.",
)
#: No turns, no markers: the items one after another. The tokenizer puts `<bos>` and `<eos>` around them.
EMBEDDING_GEMMA2 = (
    "{%- for message in messages -%}"
    "{%- if message.content is string -%}{{ message.content }}"
    "{%- else -%}{%- for item in message.content -%}"
    + _MEDIA_ITEM.replace("IMAGE", "<|image|>").replace("VIDEO", "<|video|>").replace("AUDIO", "<|audio|>")
    + "{%- endfor -%}{%- endif -%}{%- endfor -%}"
)
