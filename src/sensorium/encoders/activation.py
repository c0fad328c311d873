"""Which activation a reranker's scores go through: what the caller says, what the checkpoint says, or by its labels.

Must not know when it is applied.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from sensorium.modules.activations import load_activation

logger = logging.getLogger(__name__)

#: Where releases before 4 kept the activation, in the configuration of the network.
_OLDEST_KEY = "sbert_ce_default_activation_function"


def find_activation(
    given: Callable[..., Any] | None,
    saved: Mapping[str, Any],
    network_config: Any,
    num_labels: int,
    trust_remote_code: bool,
) -> Callable[..., Any]:
    """Choose a model's activation.

    Args:
        given: By the caller; wins.
        saved: The contents of `config_sentence_transformers.json`.
        network_config: The network's configuration, or None. The oldest releases' key is taken out of it, because
            what is saved anew does not have it.
        num_labels: Of the model.
        trust_remote_code: Whether activations outside of `torch.nn` may be imported.

    Returns:
        The activation: by default a sigmoid for one label, nothing for several.
    """
    oldest = getattr(network_config, _OLDEST_KEY, None)
    if oldest is not None:
        delattr(network_config, _OLDEST_KEY)
    if given is not None:
        return given
    newer = getattr(network_config, "sentence_transformers", None)
    stated = [saved.get("activation_fn"), newer.get("activation_fn") if isinstance(newer, Mapping) else None, oldest]
    for path in stated:
        if path is None:
            continue
        activation = load_activation(path, trust_remote_code)
        if activation is not None:
            return activation
        logger.warning("The activation function %r is not trusted, using default activation function instead.", path)
    return nn.Sigmoid() if num_labels == 1 else nn.Identity()
