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


def _join_pair(show: str, *, begin: str, query: str, document: str, end: str, instruction: str) -> str:
    """Build a template that puts a system, a query and a document turn into one text and leaves other turns out.

    Args:
        show: Expression that gives the text of `CONTENT`.
        begin: What comes first; `INSTRUCTION` in it becomes the system turn.
        query: What comes before the query. document: What comes before the document. end: What comes last.
        instruction: What stands for a system turn that is not there.
    """
    contents = "".join(
        f"{{%- {'if' if role == 'system' else 'elif'} message.role == '{role}' -%}}"
        f"{{%- set pair.{role} = {show.replace('CONTENT', 'message.content')} -%}}"
        for role in ("system", "query", "document")
    )
    opening = " + pair.system + ".join(f"'{part}'" for part in begin.split("INSTRUCTION"))
    return (
        f"{{%- set pair = namespace(system='{instruction}', query='', document='') -%}}"
        "{%- for message in messages -%}" + contents + "{%- endif -%}{%- endfor -%}"
        f"{{{{ {opening} + '{query}' + pair.query + '{document}' + pair.document + '{end}' }}}}"
    )


def _define_show(image: str, video: str, audio: str = "") -> str:
    """Build the macro `show`, which gives the text of a content, be it a string or a list of typed items."""
    item = _MEDIA_ITEM.replace("IMAGE", image).replace("VIDEO", video).replace("AUDIO", audio)
    return (
        "{%- macro show(content) -%}"
        "{%- if content is string -%}{{ content }}"
        "{%- else -%}{%- for item in content -%}" + item + "{%- endfor -%}{%- endif -%}"
        "{%- endmacro -%}"
    )


_JUDGING = {
    "begin": (
        "<|im_start|>system\\nDoes the document answer the query? Say yes or no.<|im_end|>\\n"
        "<|im_start|>user\\n<Instruct>: INSTRUCTION"
    ),
    "query": "\\n<Query>: ",
    "document": "\\n<Document>: ",
    "instruction": "Given a question, find passages that answer it",
}
_ANSWER = "<|im_start|>assistant\\n"
_QWEN_VISION = (
    "<|vision_start|><|image_pad|><|vision_end|>",
    "<|vision_start|><|video_pad|><|vision_end|>",
)

#: Contents are strings. The tail, an empty train of thought, follows every document.
QWEN3_RERANKER = _join_pair("CONTENT", end=f"<|im_end|>\\n{_ANSWER}<think>\\n\\n</think>\\n\\n", **_JUDGING)
#: Contents are strings. Short, for networks that do not look far back.
MISTRAL_RERANKER = _join_pair(
    "CONTENT",
    begin="[INST] INSTRUCTION",
    query="\\nQ: ",
    document="\\nD: ",
    end=" [/INST]",
    instruction=_JUDGING["instruction"],
)
#: Knows the turns of a talk and leaves every other out, those of a pair among them.
WITHOUT_PAIR_ROLES = (
    "{%- for message in messages -%}"
    "{%- if message.role in ('system', 'user', 'assistant') -%}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endif -%}{%- endfor -%}"
    f"{{{{ '{_ANSWER}' }}}}"
)
#: `add_generation_prompt` opens the assistant's turn.
QWEN3_VL_RERANKER = (
    _define_show(*_QWEN_VISION)
    + _join_pair("show(CONTENT)", end="<|im_end|>\\n", **_JUDGING)
    + f"{{%- if add_generation_prompt -%}}{{{{ '{_ANSWER}' }}}}{{%- endif -%}}"
)
#: A text under two headings, without turns; `<|im_end|>`, whose state is pooled, closes it.
QWEN2_VL_RERANKER = _define_show(*_QWEN_VISION) + _join_pair(
    "show(CONTENT)",
    begin="INSTRUCTION",
    query="\\n**Query**:\\n",
    document="\\n**Document**:\\n",
    end="<|im_end|>",
    instruction="Rank by relevance.",
)
#: Every turn under its own role, `query` and `document` as well as any other.
QWEN2_5_VL_RERANKER = (
    _turns(*_QWEN_VISION, default_system="Does the document answer the query? Say yes or no.")
    + f"{{{{ '{_ANSWER}' }}}}"
)
QWEN2_5_OMNI_RERANKER = _define_show(
    "<|vision_bos|><|IMAGE|><|vision_eos|>",
    "<|vision_bos|><|VIDEO|><|vision_eos|>",
    "<|audio_bos|><|AUDIO|><|audio_eos|>",
) + _join_pair("show(CONTENT)", end=f"<|im_end|>\\n{_ANSWER}", **_JUDGING)
