"""Chat rendering: samples become conversations, conversations become the text of a model's template.

Media never enter a template: it sees only that an item of a type is there, and the processor is given the decoded media
beside the text. So no address or path in a message can reach a loader. Must not know how tokens are made.
"""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any, Literal

from sensorium.errors import CheckpointError, InputError
from sensorium.media.samples import Part, Sample, Turn
from sensorium.types import PAIR_ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

logger = logging.getLogger(__name__)

MessageFormat = Literal["structured", "flat"]

#: Model types whose template takes a plain string although it does not look so.
_FLAT_MODEL_TYPES = frozenset({"apertus", "deepseek_v3", "gpt_oss", "seed_oss"})

#: What a template that walks over content items contains.
_STRUCTURED_MARKS = ("content[0]", ".type", "'type'", '"type"', "item.type", "message.content[")

#: What stands for a decoded medium inside a rendered message. Templates test only that it is there; one that writes it
#: out takes no media.
_PLACEHOLDER = "<medium beside the text>"

#: What rendering raises, beyond the template's own errors, where a template gets content that it does not expect.
_RENDER_ERRORS = (ValueError, TypeError, KeyError, AttributeError)


def infer_message_format(model_type: str, processor: Any) -> MessageFormat:
    """Tell whether a template takes content as a list of items or as one string.

    Judged by how the template looks, as the compatible library does, unless a message rendered so is lost and one
    rendered the other way is not.
    """
    guess = _guess_message_format(model_type, processor)
    other: MessageFormat = "structured" if guess == "flat" else "flat"
    is_wrong = not _carries_text(processor, guess) and _carries_text(processor, other)
    return other if is_wrong else guess


def _guess_message_format(model_type: str, processor: Any) -> MessageFormat:
    if model_type in _FLAT_MODEL_TYPES:
        return "flat"
    template = getattr(processor, "chat_template", None)
    if not isinstance(template, str) or not template:
        return "structured"
    return "structured" if any(mark in template for mark in _STRUCTURED_MARKS) else "flat"


def _carries_text(processor: Any, message_format: MessageFormat) -> bool:
    """Tell whether a message's text reaches the prompt, and its Python form does not."""
    turn = Turn("user", (Part("text", "alpha", True),))
    if not getattr(processor, "chat_template", None):
        return False
    try:
        prompt = render_text(processor, [[turn]], message_format, {})[0]
    except _RENDER_ERRORS:
        return False
    return "alpha" in prompt and repr(_render_turn(turn, "structured")["content"]) not in prompt


def to_conversation(sample: Sample, prompt: str | None = None) -> tuple[Turn, ...]:
    """Turn a sample into a conversation.

    Args:
        sample: Any sample. A pair becomes a `query` and a `document` turn, a plain sample one `user` turn.
        prompt: An instruction, put in front as a `system` turn.

    Returns:
        The turns.
    """
    if sample.turns:
        turns = sample.turns
    elif sample.is_pair:
        turns = tuple(Turn(role, (part,)) for role, part in zip(PAIR_ROLES, sample.parts, strict=True))
    else:
        turns = (Turn("user", sample.parts),)
    return (Turn("system", (Part("text", prompt, True),)), *turns) if prompt else turns


def has_pair_roles(turns: Sequence[Turn]) -> bool:
    """Tell whether a conversation holds both sides of a pair."""
    return {turn.role for turn in turns}.issuperset(PAIR_ROLES)


def is_text_only(turns: Sequence[Turn]) -> bool:
    """Tell whether a conversation holds no media."""
    return all(part.modality == "text" for turn in turns for part in turn.parts)


def render_messages(turns: Sequence[Turn], message_format: MessageFormat) -> list[dict[str, Any]]:
    """Write turns as the dicts that a template reads, media replaced by a mark."""
    return [_render_turn(turn, message_format) for turn in turns]


def render_text(
    processor: Any,
    conversations: Sequence[Sequence[Turn]],
    message_format: MessageFormat,
    template_kwargs: Mapping[str, Any],
) -> list[str]:
    """Apply a processor's chat template.

    Args:
        processor: A processor or tokenizer with `apply_chat_template`.
        conversations: Turns of each conversation.
        message_format: How the template takes content.
        template_kwargs: Variables and options for the template (`chat_template`, `add_generation_prompt`, ...).

    Returns:
        One prompt a conversation.

    Raises:
        InputError: The template refuses a conversation (a role it does not know, roles out of order).
        CheckpointError: It is no template.
    """
    # Imported here: jinja2 comes with transformers and is needed by no other path.
    from jinja2 import TemplateError, TemplateSyntaxError

    messages = [render_messages(turns, message_format) for turns in conversations]
    try:
        prompts = processor.apply_chat_template(messages, tokenize=False, **template_kwargs)
    except TemplateSyntaxError as exc:
        raise CheckpointError(f"the chat template is malformed, in line {exc.lineno}: {exc.message}") from exc
    except (TemplateError, TypeError) as exc:
        raise InputError(
            f"the model's chat template refuses this conversation: {exc}. Its roles are "
            f"{[turn.role for turn in conversations[0]]}; check which roles, and in which order, the model expects."
        ) from exc
    for turns, prompt in zip(conversations, prompts, strict=True):
        _check_no_leak(turns, prompt)
    return prompts


def _check_no_leak(turns: Sequence[Turn], prompt: str) -> None:
    """Raise InputError if a template wrote out what stands for a medium, as one for text alone does."""
    if _PLACEHOLDER not in prompt or is_text_only(turns):
        return
    if any(part.modality == "text" and _PLACEHOLDER in part.value for turn in turns for part in turn.parts):
        return
    raise InputError(
        "the model's chat template takes only text: it writes media out as if they were text. Give the model a "
        'template that puts its placeholder tokens for media, with processor_kwargs={"chat_template": ...}.'
    )


def active_template(processor: Any, template_kwargs: Mapping[str, Any]) -> str | None:
    """Return the text of the template that a call would use, or None if there is none."""
    named = getattr(processor, "chat_template", None)
    asked = template_kwargs.get("chat_template")
    if isinstance(named, dict):
        return named.get(asked, asked) if asked is not None else named.get("default")
    return asked if asked is not None else named


def declares_variable(template: str | None, name: str) -> bool:
    """Tell whether a template reads a variable that the caller is to supply."""
    if not template or name not in template:
        return False
    from transformers.utils.chat_template_utils import _get_template_variables

    return name in _get_template_variables(template)


class PairRoles:
    """Finds out, once a template, whether it can carry the two sides of a pair.

    Three probe pairs are rendered: a template that ignores a side renders two of them alike.
    """

    def __init__(self) -> None:
        self._verdict: tuple[Any, str | None] | None = None

    def failure(self, processor: Any, message_format: MessageFormat, template_kwargs: Mapping[str, Any]) -> str | None:
        """Return why the template cannot carry a pair, or None if it can."""
        key = copy.deepcopy((getattr(processor, "chat_template", None), dict(template_kwargs), message_format))
        verdict = self._verdict
        if verdict is None or verdict[0] != key:
            verdict = self._verdict = key, _probe_pair_roles(processor, message_format, template_kwargs)
        return verdict[1]

    def check(self, processor: Any, message_format: MessageFormat, template_kwargs: Mapping[str, Any]) -> None:
        """Raise InputError unless the template can carry a pair."""
        reason = self.failure(processor, message_format, template_kwargs)
        if reason is None:
            return
        content = "message.content" if message_format == "flat" else "message.content[0].text"
        raise InputError(
            f"this model cannot carry a 'query'/'document' pair: {reason}. Give it a template that renders both roles, "
            f"for example {{% for message in messages %}}{{{{ message.role }}}}: {{{{ {content} }}}} "
            f"{{% endfor %}}, with "
            'processor_kwargs={"chat_template": ...} when loading, by setting model.processor.chat_template, or with '
            'processing_kwargs={"chat_template": {"chat_template": ...}} in the call.'
        )


def _probe_pair_roles(processor: Any, message_format: MessageFormat, template_kwargs: Mapping[str, Any]) -> str | None:
    if not getattr(processor, "chat_template", None) and not template_kwargs.get("chat_template"):
        return "the model has no chat template"
    probes = [("alpha", "beta"), ("gamma", "beta"), ("alpha", "gamma")]
    conversations = [
        [Turn(role, (Part("text", text, True),)) for role, text in zip(PAIR_ROLES, probe, strict=True)]
        for probe in probes
    ]
    try:
        renders = [render_text(processor, [turns], message_format, template_kwargs)[0] for turns in conversations]
    except _RENDER_ERRORS as exc:
        cause = exc.__cause__ or exc
        return f"its chat template was tried and it raised {type(cause).__name__}: {cause}"
    lost = [repr(role) for role, render in zip(PAIR_ROLES, renders[1:], strict=True) if render == renders[0]]
    if not lost:
        return None
    verb = "does" if len(lost) == 1 else "do"
    return f"{' and '.join(lost)} content {verb} not reach the rendered prompt"


def _render_turn(turn: Turn, message_format: MessageFormat) -> dict[str, Any]:
    content: str | list[dict[str, Any]]
    if message_format == "flat" and all(part.modality == "text" for part in turn.parts):
        content = "".join(part.value for part in turn.parts)
    else:
        content = [_render_part(part) for part in turn.parts]
    return {**turn.extra, "role": turn.role, "content": content}


def _render_part(part: Part) -> dict[str, Any]:
    value = part.value if part.modality == "text" else _PLACEHOLDER
    return {"type": part.modality, part.modality: value}
