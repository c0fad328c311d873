"""Asking a language model: what a collection finds goes to an endpoint that the user names, and the answer comes back.

Nothing is sent anywhere unless an endpoint is named. The key is read from the environment when it is needed, and is
neither kept nor shown, not even by errors. Must not know how records are found or put into messages.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from sensorium._optional import require
from sensorium.errors import EndpointError, InputError

if TYPE_CHECKING:
    from sensorium.collection.collection import Collection
    from sensorium.collection.context import Source

_PURPOSE = "asking a language model"
ENDPOINT_VARIABLE = "OPENAI_BASE_URL"
#: Sent where the environment has no key: servers at home ask for none, and the client insists on one.
_NO_KEY = "none"
_CITED = re.compile(r"\[(\d+(?:\s*,\s*\d+)*)\]")
_LONGEST_REASON = 600


@dataclass(frozen=True, slots=True)
class Answer:
    """What a language model said.

    Attributes:
        text: The answer.
        sources: What it was given, by number.
        cited: Those of them that it names, in order of number.
        finish_reason: Why it ended, in the endpoint's words: `"stop"`, `"length"` if it was cut off; None if unsaid.
        usage: Tokens as the endpoint counts them (`prompt_tokens`, `completion_tokens`), where it says so.
    """

    text: str
    sources: tuple[Source, ...]
    cited: tuple[Source, ...]
    finish_reason: str | None = None
    usage: dict[str, int] = field(default_factory=dict)


def ask(
    collection: Collection,
    question: str,
    *,
    model: str | None,
    endpoint: str | None = None,
    api_key_env: str = "OPENAI_API_KEY",
    client: Any = None,
    top_k: int = 8,
    max_images: int = 4,
    max_tokens: int = 4000,
    max_answer_tokens: int | None = None,
    timeout_s: float = 120.0,
    on_text: Callable[[str], object] | None = None,
    **search_options: Any,
) -> Answer:
    """Have a language model answer a question from a collection.

    Args:
        collection: Where to look.
        question: In words.
        model: The model's name at the endpoint.
        endpoint: Address of an endpoint that speaks OpenAI's protocol, such as `http://localhost:8000/v1`; that of the
            environment variable `OPENAI_BASE_URL` if None.
        api_key_env: Name of the environment variable that holds the key.
        client: An `openai.OpenAI` to use instead of making one.
        top_k: As of `Collection.make_context`, as are `max_images` and `max_tokens`.
        max_images: 0 for a model that sees nothing.
        max_tokens: Of the context.
        max_answer_tokens: Most tokens of the answer; the endpoint's own limit if None.
        timeout_s: Seconds to wait for the endpoint to begin, and between two parts of the answer.
        on_text: Called with each part of the answer as it comes.
        **search_options: As of `Collection.search`.

    Returns:
        The whole answer. If nothing is found, the model is not asked, and the text is empty.

    Raises:
        InputError: No endpoint or no model is named, or the question is empty.
        EndpointError: The endpoint refuses, fails, or does not answer.
        MissingExtraError: The package `openai` is not installed.

    Example:
        >>> ask(things, "What did the train cost?", model="my-model", endpoint="http://localhost:8000/v1").text
        ... # doctest: +SKIP
        'The train tickets cost 316 euros [1].'
    """
    address = _find_endpoint(client, endpoint)
    if not model:
        raise InputError("no language model is named. Give the name that the endpoint knows it by, as model=.")
    openai = require("openai", _PURPOSE)
    context = collection.make_context(
        question, top_k=top_k, max_images=max_images, max_tokens=max_tokens, **search_options
    )
    if not context.sources:
        return Answer("", (), ())
    key = getattr(client, "api_key", None) or os.environ.get(api_key_env) or _NO_KEY
    request = {"model": model, "messages": context.messages, "stream": True}
    if max_answer_tokens is not None:
        request["max_tokens"] = max_answer_tokens
    heard = _Heard(on_text)
    with _translated(openai, address, model, key):
        client = client or openai.OpenAI(base_url=address, api_key=key, timeout=timeout_s)
        stream = client.chat.completions.create(**request)
    with stream:
        for chunk in _translate_each(stream, openai, address, model, key):
            heard.take(chunk)
    if heard.finish_reason is None and not heard.parts:
        raise EndpointError(
            f"{_show(address)} ended without an answer from {model!r}. Check that it speaks OpenAI's protocol.",
            endpoint=_show(address),
        )
    text = "".join(heard.parts)
    numbers = {int(one) for group in _CITED.findall(text) for one in group.split(",")}
    cited = tuple(source for source in context.sources if source.number in numbers)
    return Answer(text, context.sources, cited, heard.finish_reason, heard.usage)


class _Heard:
    """What has come of an answer by now."""

    def __init__(self, on_text: Callable[[str], object] | None) -> None:
        self._on_text = on_text
        self.parts: list[str] = []
        self.finish_reason: str | None = None
        self.usage: dict[str, int] = {}

    def take(self, chunk: Any) -> None:
        usage = getattr(chunk, "usage", None)
        if usage is not None:
            names = ("prompt_tokens", "completion_tokens")
            self.usage = {name: int(count) for name in names if (count := getattr(usage, name, None)) is not None}
        for choice in getattr(chunk, "choices", None) or ():
            text = getattr(getattr(choice, "delta", None), "content", None)
            if text:
                self.parts.append(text)
                if self._on_text is not None:
                    self._on_text(text)
            self.finish_reason = getattr(choice, "finish_reason", None) or self.finish_reason


def _find_endpoint(client: Any, endpoint: str | None) -> str:
    if client is not None:
        return str(getattr(client, "base_url", "the client"))
    address = endpoint or os.environ.get(ENDPOINT_VARIABLE)
    if not address:
        raise InputError(
            "no endpoint is named, and nothing is sent anywhere by itself. Give endpoint=, such as "
            f"'http://localhost:8000/v1', or set {ENDPOINT_VARIABLE}. Any server that speaks OpenAI's protocol will do."
        )
    if urlsplit(address).scheme not in ("http", "https"):
        raise InputError(f"the endpoint {_show(address)!r} is no address: it must begin with http:// or https://.")
    return address


def _show(address: str) -> str:
    """Give an address without the user name, password and query that it may hold."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", "")) or address


@contextmanager
def _translated(openai: Any, address: str, model: str, key: str) -> Iterator[None]:
    """Turn what the client raises into `EndpointError`, without the key. This is the one place that does."""
    try:
        yield
    except (openai.OpenAIError, *_transport_errors(), ValueError) as exc:
        shown = _show(address)
        reason = _hide(_describe(openai, exc, model), key)
        error = EndpointError(f"{shown}: {reason}", endpoint=shown)
        if key != _NO_KEY and key in str(exc):
            raise error from None  # what would be shown beside it holds the key
        raise error from exc


def _translate_each(stream: Iterable[Any], openai: Any, address: str, model: str, key: str) -> Iterator[Any]:
    """Give what comes, and translate the errors of its coming; what a caller does with it raises its own."""
    with _translated(openai, address, model, key):
        yield from stream


def _transport_errors() -> tuple[type[Exception], ...]:
    """Give the errors of the HTTP library under the client, which a stream that breaks off raises as they are."""
    names = ("httpx", "httpx2")
    return tuple(module.HTTPError for name in names if (module := sys.modules.get(name)) is not None)


def _describe(openai: Any, error: Exception, model: str) -> str:
    said = " ".join(str(getattr(error, "message", error)).split())[:_LONGEST_REASON]
    if isinstance(error, openai.APITimeoutError):
        return "no answer in time. Try again, or give it longer with timeout_s."
    if isinstance(error, openai.AuthenticationError):
        return f"it does not accept the key, or wants one ({said}). Set the environment variable that holds it."
    if isinstance(error, openai.PermissionDeniedError):
        return f"the key may not do this ({said})."
    if isinstance(error, openai.NotFoundError):
        return f"it knows no model {model!r}, or nothing at this address ({said}). The address often ends in /v1."
    if isinstance(error, openai.RateLimitError):
        return f"too many requests, or nothing left to spend ({said}). Try again later."
    if isinstance(error, openai.BadRequestError):
        return f"it refuses the request ({said}). For a model that takes no pictures, set max_images to 0."
    if isinstance(error, openai.APIStatusError):
        return f"it failed with status {error.status_code} ({said})."  # type: ignore[attr-defined]
    if isinstance(error, openai.APIConnectionError):
        return f"it cannot be reached ({said}). Check the address, and that a server runs there."
    if isinstance(error, ValueError):
        return f"its answer is not what the protocol has ({said})."
    return f"the answer broke off ({said}). Try again."


def _hide(text: str, key: str) -> str:
    return text if key == _NO_KEY else text.replace(key, "***")
