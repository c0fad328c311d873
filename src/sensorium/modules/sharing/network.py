"""Whether a model's prompts can share their beginning, and the parts of its network by which they do.

Sharing runs the decoder by itself: embeddings go in, with the towers' states at their placeholders, explicit positions,
an explicit mask and the keys of the common beginning; the states of last tokens come out, and go through what is left
of the model. That holds for decoders whose every layer looks back over all tokens, with rotary positions. What does not
fit is named in a sentence, for the log, and computed pair by pair. Must not know prompts or batches.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from sensorium.modules.answer_head import AnswerHead, find_head, read_tokens
from sensorium.modules.logit_score import LogitScore
from sensorium.modules.outputs import unwrap_adapter
from sensorium.modules.pooling import Pooling
from sensorium.modules.sharing.media_table import TowerStates
from sensorium.modules.sharing.rows import MediumPlaces, PromptRow, count_positions, place_media
from sensorium.modules.tasks import CAUSAL_TASKS
from sensorium.modules.transformer import Transformer

if TYPE_CHECKING:
    from transformers import Cache

    from sensorium.types import BaseModality

#: Attention that takes a mask for each token. The others take lengths, or none.
_MASKED_ATTENTION = ("sdpa", "eager")

#: What a configuration calls factors that its network puts on logits after the head.
_LOGIT_FACTORS = ("final_logit_softcapping", "logit_scale", "logits_scaling")


@dataclass(frozen=True, slots=True)
class _Tower:
    """How one kind of medium reaches its tower: names of its inputs, the first of which is cut by the second."""

    inputs: tuple[str, str]
    method: str


_TOWERS: Mapping[BaseModality, _Tower] = {
    "image": _Tower(("pixel_values", "image_grid_thw"), "get_image_features"),
    "video": _Tower(("pixel_values_videos", "video_grid_thw"), "get_video_features"),
    "audio": _Tower(("input_features", "feature_attention_mask"), "get_audio_features"),
}


class SharedNetwork:
    """A model's network in the parts that sharing needs. Use `find_obstacle` first.

    Args:
        modules: The model's modules, in order.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        first: Any = modules[0]
        self._feature_name = first.module_output_name
        self._task = first.transformer_task
        network: Any = unwrap_adapter(first.model)
        self.network = network
        self.config: Any = network.config
        self.decoder: Any = network.get_decoder()
        self._inner = _find_positioner(network)
        self.axes = 1 if self._inner is None else 3
        self._is_deep = "visual_pos_masks" in inspect.signature(self.decoder.forward).parameters
        self._tail = list(modules[1:])
        self._head: nn.Module | None = None
        if isinstance(modules[1] if len(modules) > 1 else None, LogitScore):
            score: Any = modules[1]
            head = find_head(network)
            assert head is not None, "find_obstacle was asked"
            self._head = AnswerHead(head, read_tokens(score))
            self._tail[0] = LogitScore(0, None if score.false_token_id is None else 1, score.module_input_name)

    @property
    def device(self) -> torch.device:
        """Where embeddings lie."""
        return self.decoder.get_input_embeddings().weight.device

    @property
    def dtype(self) -> torch.dtype:
        """In what the decoder computes."""
        return self.decoder.get_input_embeddings().weight.dtype

    # Prompts

    def make_rows(
        self, features: Mapping[str, Any], media: Sequence[Sequence[tuple[BaseModality, int]]]
    ) -> list[PromptRow]:
        """Make rows of the features of a padded batch of prompts.

        Args:
            features: From the processor.
            media: For each prompt, kind and number of each medium in it, in order.
        """
        masks = features["attention_mask"].bool()
        sizes = {kind: iter(self._measure(kind, features)) for kind in _TOWERS if _TOWERS[kind].inputs[1] in features}
        positions = self._find_positions(features) if self._inner is not None and any(media) else None
        rows = []
        for number, own in enumerate(media):
            ids = features["input_ids"][number][masks[number]].numpy().astype(np.int64)
            placed: list[MediumPlaces] = []
            for kind in _TOWERS:
                numbers = [one for one_kind, one in own if one_kind == kind]
                if numbers:
                    token_id = getattr(self.config, f"{kind}_token_id")
                    placed += place_media(ids, token_id, numbers, [next(sizes[kind]) for _ in numbers])
            placed.sort(key=lambda medium: int(medium.places[0]))
            axes = count_positions(len(ids), self.axes)
            if own and positions is not None:
                axes = positions[:, number, masks[number]].numpy().astype(np.int64)
            rows.append(PromptRow(ids, axes, tuple(placed)))
        return rows

    def _measure(self, kind: BaseModality, features: Mapping[str, Any]) -> list[int]:
        """Count the tokens of each medium of a kind, in the order of prompts."""
        if kind == "audio":  # one run of placeholders each
            is_audio = (features["input_ids"] == self.config.audio_token_id).numpy()
            edges = np.diff(np.pad(is_audio.astype(np.int8), ((0, 0), (1, 1))), axis=1)
            starts, stops = np.argwhere(edges == 1), np.argwhere(edges == -1)
            return [int(count) for count in stops[:, 1] - starts[:, 1]]
        grids = features[_TOWERS[kind].inputs[1]]
        merged = self.config.vision_config.spatial_merge_size**2
        return [int(tokens) // merged for tokens in grids.prod(-1).tolist()]

    def _find_positions(self, features: Mapping[str, Any]) -> torch.Tensor:
        """Ask the network for the positions of prompts with media, `[3, prompts, tokens]`."""
        assert self._inner is not None
        known = {**features}
        if "feature_attention_mask" in known:
            known["audio_seqlens"] = known["feature_attention_mask"].sum(-1)
        if "video_second_per_grid" in known:
            known["second_per_grids"] = torch.as_tensor(known["video_second_per_grid"])
        find = self._inner.get_rope_index
        names = inspect.signature(find).parameters
        positions, _ = find(**{name: value for name, value in known.items() if name in names})
        return positions

    def split_inputs(self, kind: BaseModality, features: Mapping[str, Any]) -> list[dict[str, torch.Tensor]]:
        """Cut what the processor made of a batch's media of one kind into what each one's tower takes."""
        values, sizes = (features[name] for name in _TOWERS[kind].inputs)
        lengths = [1] * len(sizes) if kind == "audio" else sizes.prod(-1).tolist()
        names = _TOWERS[kind].inputs
        return [
            dict(zip(names, (value, sizes[number : number + 1]), strict=True))
            for number, value in enumerate(torch.split(values, lengths))
        ]

    # Computing

    def run_tower(self, kind: BaseModality, inputs: Sequence[Mapping[str, torch.Tensor]]) -> list[TowerStates]:
        """Run one kind's tower over media, all in one pass where it tells them apart."""
        if kind == "audio":
            return [self._run_audio_tower(one) for one in inputs]
        tower = _TOWERS[kind]
        joined = {name: torch.cat([one[name] for one in inputs]).to(self.device) for name in tower.inputs}
        output = getattr(self.network, tower.method)(**joined)
        merged = self.config.vision_config.spatial_merge_size**2
        sizes = [int(tokens) // merged for tokens in joined[tower.inputs[1]].prod(-1).tolist()]
        states = _split(getattr(output, "pooler_output", output), sizes)
        layers = [_split(layer, sizes) for layer in getattr(output, "deepstack_features", None) or ()]
        return [
            TowerStates(one.to(self.dtype), tuple(layer[number].to(self.dtype) for layer in layers))
            for number, one in enumerate(states)
        ]

    def _run_audio_tower(self, inputs: Mapping[str, torch.Tensor]) -> TowerStates:
        tower = _TOWERS["audio"]
        output = getattr(self.network, tower.method)(**{name: value.to(self.device) for name, value in inputs.items()})
        states = getattr(output, "last_hidden_state", output)
        return TowerStates(states.reshape(-1, states.shape[-1]).to(self.dtype))

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of token ids, `[rows, tokens, dim]`."""
        embeddings: torch.Tensor = self.decoder.get_input_embeddings()(ids)
        return embeddings

    def decode(
        self,
        embeddings: torch.Tensor,
        positions: torch.Tensor,
        mask: torch.Tensor | None,
        cache: Cache | None,
        deep: tuple[torch.Tensor, Sequence[torch.Tensor]] | None,
    ) -> torch.Tensor:
        """Run the decoder.

        Args:
            embeddings: `[rows, tokens, dim]`.
            positions: int64 `[axes, rows, tokens]`.
            mask: `[rows, 1, tokens, cached + tokens]`, or None for a plain causal one.
            cache: Keys and values of what comes before, or None.
            deep: Where media stand (`[rows, tokens]`, boolean) and what is added there in the first layers, each
                `[media tokens, dim]`; None without.

        Returns:
            Last hidden states, `[rows, tokens, dim]`.
        """
        more = {}
        if self._is_deep and deep is not None:
            more = {"visual_pos_masks": deep[0], "deepstack_visual_embeds": list(deep[1])}
        output = self.decoder(
            inputs_embeds=embeddings,
            position_ids=positions if self.axes == 3 else positions[0],
            attention_mask=mask,
            past_key_values=cache,
            use_cache=cache is not None,
            **more,
        )
        states: torch.Tensor = output.last_hidden_state
        return states

    def find_last(self, ids: np.ndarray) -> int:
        """Return the index of the token whose state is read: the last, or the last that is no padding."""
        padding = self.config.get_text_config().pad_token_id
        if self._task != "sequence-classification" or padding is None:
            return len(ids) - 1
        real = np.flatnonzero(ids != padding)
        return int(real[-1]) if len(real) else 0

    def finish(self, states: torch.Tensor) -> dict[str, Any]:
        """Run what is left of the model over the states of last tokens, `[prompts, dim]`."""
        features: dict[str, Any] = {"modality": "text"}
        if self._head is not None:
            features[self._feature_name] = self._head(states[:, None])
        elif self._task == "sequence-classification":
            features[self._feature_name] = self.network.score(states)
        else:
            features[self._feature_name] = states[:, None]
            features["attention_mask"] = torch.ones(len(states), 1, dtype=torch.int64, device=states.device)
        for module in self._tail:
            features = module(features)
        return features


def _split(states: Any, sizes: Sequence[int]) -> Sequence[torch.Tensor]:
    return torch.split(states, list(sizes)) if isinstance(states, torch.Tensor) else states


def _find_positioner(network: Any) -> Any:
    """Return the part of a network that makes rotary positions of three axes, or None if it has one axis."""
    for part in (network, getattr(network, "base_model", None)):
        if hasattr(part, "get_rope_index"):
            return part
    return None


def find_obstacle(modules: Sequence[nn.Module], modalities: Sequence[Any]) -> str | None:
    """Say why a model's prompts cannot share their beginning.

    Args:
        modules: The model's modules, in order.
        modalities: What it takes.

    Returns:
        A sentence for the log, or None if they can.
    """
    first = modules[0]
    if type(first) is not Transformer:
        return f"its first module is a {type(first).__name__}, not a Transformer"
    network: Any = unwrap_adapter(first.model)
    if any(
        getattr(adapter, "is_prompt_learning", False) for adapter in getattr(first.model, "peft_config", {}).values()
    ):
        return "its adapter puts virtual tokens in front"
    if any(entry["method"] != "forward" for entry in first.modality_config.values()):
        return "its network has a method for each modality"
    if len(getattr(network, "hf_device_map", None) or ()) > 1:
        return "its network lies on several devices"
    if getattr(network.config, "is_encoder_decoder", False) or not hasattr(network, "get_decoder"):
        return "its network is no decoder"
    return (
        _find_tail_obstacle(modules, network)
        or _find_decoder_obstacle(network.get_decoder())
        or _find_media_obstacle(network, modalities)
    )


def _find_tail_obstacle(modules: Sequence[nn.Module], network: Any) -> str | None:
    """Say why the state of one token a prompt is not enough for what follows the network."""
    first: Any = modules[0]
    following = modules[1] if len(modules) > 1 else None
    if first.transformer_task in CAUSAL_TASKS:
        if not isinstance(following, LogitScore) or following.module_input_name != first.module_output_name:
            return "no LogitScore reads its logits"
        if find_head(network) is None:
            return "its language head is no plain layer"
        config = network.config.get_text_config()
        if any(getattr(config, name, None) not in (None, 1, 1.0) for name in _LOGIT_FACTORS):
            return "its logits are scaled after the head"
        return None
    if first.transformer_task == "sequence-classification":
        from transformers.modeling_layers import GenericForSequenceClassification

        is_last = isinstance(network, GenericForSequenceClassification) and isinstance(network.score, nn.Linear)
        return None if is_last else "its classifier reads more than the last token"
    if first.transformer_task == "feature-extraction":
        is_last = isinstance(following, Pooling) and following._modes == ("lasttoken",)
        return None if is_last else "its pooling reads more than the last token"
    return f"its task is {first.transformer_task}"


def _find_decoder_obstacle(decoder: Any) -> str | None:
    """Say why a decoder's keys cannot be computed apart from what follows them."""
    config = decoder.config
    parameters = set(inspect.signature(decoder.forward).parameters)
    if not {"inputs_embeds", "position_ids", "attention_mask", "past_key_values"} <= parameters:
        return "its network takes no keys computed before"
    if getattr(config, "_attn_implementation", None) not in _MASKED_ATTENTION:
        return f"its attention ({config._attn_implementation}) takes no mask for each token"
    if not hasattr(decoder, "rotary_emb"):
        return "its positions are not rotary"
    attentions = [getattr(layer, "self_attn", None) for layer in getattr(decoder, "layers", ())]
    is_causal = attentions and all(getattr(attention, "is_causal", False) is True for attention in attentions)
    if not is_causal or getattr(config, "is_causal", None) is False:
        return "its attention is not causal in every layer: a token's keys depend on what follows it"
    if set(getattr(config, "layer_types", None) or ["full_attention"]) != {"full_attention"}:
        return "not all of its layers look back over all tokens"
    if getattr(config, "sliding_window", None) is not None and getattr(config, "use_sliding_window", True):
        return "its attention looks back over a sliding window"
    if any("dynamic" in kind or kind == "longrope" for kind in _list_rope_types(decoder.rotary_emb)):
        return "its rotary angles depend on the length of the prompt"
    return None


def _list_rope_types(rotary: Any) -> list[str]:
    """List the kinds of angles that a rotary embedding has: one, or one a kind of layer."""
    kinds = getattr(rotary, "rope_type", None)
    return [str(kind) for kind in (kinds.values() if isinstance(kinds, dict) else [kinds])]


def _find_media_obstacle(network: Any, modalities: Sequence[Any]) -> str | None:
    """Say why media cannot be put among the embeddings from outside."""
    named = {part for one in modalities for part in ([one] if isinstance(one, str) else one)}
    kinds: list[BaseModality] = [kind for kind in _TOWERS if kind in named]
    if not kinds:
        return None
    if _find_positioner(network) is None or not hasattr(network.config, "vision_config"):
        return "how its media are placed among tokens is not known here"
    missing = [
        kind
        for kind in kinds
        if not hasattr(network, _TOWERS[kind].method) or not hasattr(network.config, f"{kind}_token_id")
    ]
    return f"it has no tower of its own for {' and '.join(missing)}" if missing else None
