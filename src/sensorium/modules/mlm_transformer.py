"""`MLMTransformer`: the older name of a Transformer with a masked-language head. Nothing but its default differs."""

from __future__ import annotations

from typing import Any

from sensorium.modules.transformer import Transformer


class MLMTransformer(Transformer):
    """A `Transformer` whose task is `"fill-mask"`."""

    default_task = "fill-mask"
    peer_type = "sentence_transformers.sparse_encoder.modules.mlm_transformer.MLMTransformer"

    def __init__(self, model_name_or_path: str, **kwargs: Any) -> None:
        kwargs.setdefault("transformer_task", self.default_task)
        super().__init__(model_name_or_path, **kwargs)
