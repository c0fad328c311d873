"""A language model's head cut down to the answer tokens that are read.

A causal reranker compares the logits of two tokens at one position. The head it comes with multiplies by the whole
vocabulary, 150,000 rows for Qwen, and where a network does not know `logits_to_keep`, at every position. Here the
network is given a head of two rows: nothing else of it changes, and what it is made of is shared, not copied. Must not
know pairs, prompts or batches.
"""

from __future__ import annotations

import copy
import itertools
import logging
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from sensorium.modules.float32_linear import Float32Linear
from sensorium.modules.logit_score import LogitScore
from sensorium.modules.precision import widen
from sensorium.modules.tasks import CAUSAL_TASKS
from sensorium.modules.transformer import Transformer

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)


class AnswerHead(nn.Module):
    """The rows of a head that belong to a few tokens, applied in float32.

    Half-precision logits near 10 lie 0.06 apart in bfloat16, so that scores tie; the product is small enough to be
    taken in full precision.

    Args:
        head: The whole head: `weight` `[vocabulary, dim]`, and `bias` `[vocabulary]` or None.
        token_ids: Tokens to keep, in this order.
    """

    bias: nn.Parameter | None

    def __init__(self, head: nn.Linear, token_ids: Sequence[int]) -> None:
        super().__init__()
        rows = list(token_ids)
        self.weight = nn.Parameter(widen(head.weight[rows].detach()), requires_grad=False)
        bias = None if head.bias is None else nn.Parameter(widen(head.bias[rows].detach()), requires_grad=False)
        self.register_parameter("bias", bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return logits `[..., kept tokens]` of states `[..., dim]`, float32 (float64 for float64 states)."""
        hidden = widen(hidden)
        weight = self.weight.to(hidden.dtype)
        return functional.linear(hidden, weight, None if self.bias is None else self.bias.to(hidden.dtype))


def read_tokens(score: LogitScore) -> list[int]:
    """List the tokens that a scoring module reads."""
    return [token for token in (score.true_token_id, score.false_token_id) if token is not None]


def find_head(network: nn.Module) -> nn.Linear | None:
    """Return a network's language head, if it is a plain linear layer in a floating type, else None."""
    find = getattr(network, "get_output_embeddings", None)
    head = find() if callable(find) else None
    if type(head) not in (nn.Linear, Float32Linear):
        return None
    linear: Any = head
    return linear if linear.weight.is_floating_point() else None


def narrow_model(model: nn.Sequential) -> nn.Sequential:
    """Return a model that scores as `model` does, with heads of the answer tokens only.

    Args:
        model: A chain of modules. It is not changed.

    Returns:
        A chain that shares every part of `model` but the heads; `model` itself where it reads no answer tokens, or
        where its head is not a plain layer.
    """
    replaced: dict[str, nn.Module] = {}
    children = list(model.named_children())
    for (name, module), (next_name, score) in itertools.pairwise(children):
        is_answered = isinstance(module, Transformer) and module.transformer_task in CAUSAL_TASKS
        if not is_answered or not isinstance(score, LogitScore):
            continue
        if score.module_input_name != module.module_output_name:
            continue
        network: Any = module.model
        narrowed = _narrow_network(network, read_tokens(score))
        if narrowed is not None:
            replaced[name] = _twin(module, {"model": narrowed})
            replaced[next_name] = LogitScore(0, None if score.false_token_id is None else 1, score.module_input_name)
    return _twin(model, replaced) if replaced else model  # type: ignore[return-value]


def _narrow_network(network: nn.Module, token_ids: Sequence[int]) -> nn.Module | None:
    head = find_head(network)
    if head is None:
        logger.debug("the language head of %s is no plain layer; it is applied whole", type(network).__name__)
        return None
    path = next((name for name, module in network.named_modules() if module is head), None)
    if path is None or _is_hooked(network, path):
        logger.debug("the language head of %s cannot be replaced; it is applied whole", type(network).__name__)
        return None
    return _replace(network, path.split("."), AnswerHead(head, token_ids))


def _is_hooked(network: nn.Module, path: str) -> bool:
    """Tell whether a module on the way to the head has a `forward` of its own, bound to the module that it is not."""
    steps: list[Any] = [network]
    for name in path.split("."):
        steps.append(getattr(steps[-1], name))
    return any("forward" in vars(step) or hasattr(step, "_hf_hook") for step in steps)


def _replace(module: nn.Module, path: Sequence[str], new: nn.Module) -> nn.Module:
    first, *rest = path
    return _twin(module, {first: _replace(module.get_submodule(first), rest, new) if rest else new})


def _twin(module: nn.Module, replaced: dict[str, nn.Module]) -> nn.Module:
    """Return a module like `module` that shares all its parts but those replaced."""
    twin = copy.copy(module)
    twin._modules = {**module._modules, **replaced}
    return twin
