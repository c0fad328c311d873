"""Looking on while pairs are scored: what goes through towers, decoder and head, and what a call holds.

Must not know what the right numbers are.
"""

from __future__ import annotations

import contextlib
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from torch import nn

from sensorium import CrossEncoder
from sensorium.encoders import score_running
from sensorium.encoders.shared_steps import SharedSteps
from sensorium.modules.answer_head import AnswerHead
from tests.tiny import media
from tests.tiny.corpus import TRAINING_TEXT

QUERY = "Where does the orchestra play?"
WORDS = " ".join(TRAINING_TEXT).split()
DOCUMENTS = [" ".join(WORDS[start : start + 3 + start % 17]) for start in range(24)]
SEEING = ["qwen3_vl_reranker", "qwen2_vl_reranker", "qwen2_5_vl_reranker", "qwen2_5_omni_reranker"]


def ask(query: Any, documents: Any) -> list[Any]:
    """Pair a query with each document."""
    return [(query, document) for document in documents]


def note_calls(monkeypatch: pytest.MonkeyPatch) -> list[SharedSteps]:
    """Return a list that grows with the steps of each call that shares."""
    made: list[SharedSteps] = []

    class Noted(SharedSteps):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(score_running, "SharedSteps", Noted)
    return made


@contextlib.contextmanager
def watch(module: nn.Module, note: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Call `note` with the arguments, by name, of each call of a module."""
    names = list(inspect.signature(module.forward).parameters)

    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        note({**dict(zip(names, args, strict=False)), **kwargs})

    handle = module.register_forward_pre_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def assert_nothing_is_held(steps: SharedSteps) -> None:
    """Whatever was made of media is gone when a call is over."""
    held = [
        (medium.number, medium.loads, medium.uses, medium.part, medium.inputs, medium.states)
        for medium in steps.media._media
    ]
    assert held == [(number, 0, 0, None, None, None) for number in range(len(held))]
    assert [part._done for part in steps._preparing._parts] == [{}] * len(steps._preparing._parts)


def find_towers(model: CrossEncoder) -> dict[str, nn.Module]:
    """Return the modules through which media go, by the argument that says how many there are."""
    towers: dict[str, nn.Module] = {}
    for name, module in model[0].model.named_modules():
        for argument in ("grid_thw", "feature_lens"):
            is_inner = any(name.startswith(f"{other}.") for other in towers.values() if isinstance(other, str))
            if argument in inspect.signature(module.forward).parameters and argument not in towers and not is_inner:
                towers[argument] = module
    return towers


@contextlib.contextmanager
def count_media(model: CrossEncoder) -> Iterator[Counter[str]]:
    """Count the media that go through each tower."""
    counted: Counter[str] = Counter()
    with contextlib.ExitStack() as stack:
        for argument, tower in find_towers(model).items():

            def note(given: dict[str, Any], argument: str = argument) -> None:
                counted[argument] += len(given[argument])

            stack.enter_context(watch(tower, note))
        yield counted


def make_seen() -> tuple[list[Any], int]:
    """Return pairs over three pictures and a clip, some equal and not the same, and the number of distinct ones."""
    first, second, third = (media.make_image(seed, 48 + 16 * seed, 64) for seed in range(3))
    clip = media.make_clip(2)
    pairs = [
        *ask(first, [second, third, "rain", clip, {"image": [second, first], "text": "two"}]),
        *ask("rain", [media.make_image(0, 48, 64), second, media.make_clip(2)]),
        *ask({"image": third, "text": "x"}, [third, first]),
        *ask(first, [second, third]),
    ]
    return pairs, 4


@contextlib.contextmanager
def watch_decoder(model: CrossEncoder) -> Iterator[list[tuple[int, int, int]]]:
    """Note each pass of the decoder: rows, tokens of a row, tokens computed before."""
    passes: list[tuple[int, int, int]] = []

    def note(given: dict[str, Any]) -> None:
        shown = given.get("inputs_embeds") if given.get("inputs_embeds") is not None else given.get("input_ids")
        cache = given.get("past_key_values")
        passes.append((*shown.shape[:2], 0 if cache is None else cache.get_seq_length()))

    with watch(model[0].model.get_decoder(), note):
        yield passes


def tokenise(model: CrossEncoder, pairs: list[Any]) -> list[list[int]]:
    """Return the token ids of each pair's prompt."""
    first: Any = model[0]
    prompt = model.prompts.get(model.default_prompt_name)
    return [first.preprocess([first.read_pair(pair)], prompt=prompt)["input_ids"][0].tolist() for pair in pairs]


def count_common(prompts: list[list[int]]) -> int:
    """Count the tokens with which all prompts begin."""
    shortest = min(map(len, prompts))
    return next((place for place in range(shortest) if len({prompt[place] for prompt in prompts}) > 1), shortest)


@contextlib.contextmanager
def watch_linear() -> Iterator[set[tuple[int, ...]]]:
    """Note the shapes of what all linear layers give."""
    shapes: set[tuple[int, ...]] = set()

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(module, (nn.Linear, AnswerHead)):
            shapes.add(tuple(output.shape))

    handle = nn.modules.module.register_module_forward_hook(note)
    try:
        yield shapes
    finally:
        handle.remove()
