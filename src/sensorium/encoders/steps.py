"""A model's modules as the engine's steps: read, load, collate, compute, finish.

`ModelSteps` has those that encoders and rerankers share, `EncodeSteps` ends in vectors. Must not know threads, order or
batches.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from sensorium.encoders.clip_frames import find_input_module
from sensorium.errors import InputError, UnsupportedModalityError
from sensorium.media.cost import probe_sample
from sensorium.media.digest import sample_key
from sensorium.media.samples import Part, Sample
from sensorium.media.unsupported import raise_unsupported_modality_error
from sensorium.modules.router import RoutedSample, Router

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from sensorium.encoders.call import EncodeCall
    from sensorium.encoders.model import BaseModel

#: Features that are flattened over a batch: their first dimension is not the batch's, even where the numbers agree.
_FLATTENED = frozenset(
    [
        "pixel_values",
        "pixel_values_videos",
        "image_grid_thw",
        "video_grid_thw",
        "cu_seq_lens_q",
        "cu_seq_lens_k",
        "seq_idx",
        "offsets",
    ]
)

#: What torch says, in a plain RuntimeError, when the CPU's memory is used up.
_MEMORY_WORDS = ("not enough memory", "can't allocate memory")


class ModelSteps:
    """The steps of one call on one model, up to features on its device.

    Args:
        model: The model.
        prompt: Text put before inputs, or None.
        kwargs: Arguments for modules: `task`, `processing_kwargs`, ...
        device: Where the model is.
    """

    def __init__(self, model: BaseModel, prompt: str | None, kwargs: Mapping[str, Any], device: torch.device) -> None:
        self.model = model
        self.prompt = prompt
        self.kwargs = kwargs
        self.device = device
        self.first = find_input_module(model)
        task = kwargs.get("task")
        self.reading = {"task": task} if task is not None and isinstance(model[0], Router) else {}
        self.loading = {key: kwargs[key] for key in ("processing_kwargs",) if key in kwargs}
        self.routed = {key: value for key, value in kwargs.items() if key != "processing_kwargs"}

    def read(self, value: Any) -> Sample:
        """Say what an input is, and refuse what the model does not take."""
        sample = self.read_value(value)
        try:
            self.first.check(sample)
        except UnsupportedModalityError:
            owner = f"{self.model.model_type} model"
            raise_unsupported_modality_error([value], sample.modality, self.model.modalities, owner)
        return sample

    def read_value(self, value: Any) -> Sample:
        """Bring an input to normal form."""
        sample: Sample = self.first.read(value, **self.reading)
        return sample

    def key(self, sample: Sample) -> Hashable | None:
        """Name the content, and the way it takes: equal names are computed once."""
        key = sample_key(sample)
        if key is None or not isinstance(sample, RoutedSample):
            return key
        return sample.route, sample.task, key

    def cost(self, sample: Sample) -> int:
        """Estimate tokens."""
        return self.first.count_tokens(sample, probe_sample(sample, self.model.media))

    def group(self, sample: Sample) -> Hashable:
        """Say which samples may share a pass."""
        return self.first.group(sample)

    def load(self, sample: Sample) -> Sample:
        """Fetch and decode."""
        return self.first.load_sample(sample, self.model.media, **self.loading)

    def collate(self, samples: list[Sample]) -> dict[str, Any]:
        """Make features of a batch, in memory that a device can copy from while it computes."""
        with explain_broken_texts(samples):
            features = self.first.preprocess(samples, prompt=self.prompt, **self.kwargs)
        if self.device.type == "cuda":
            features = {k: v.pin_memory() if isinstance(v, torch.Tensor) else v for k, v in features.items()}
        return features

    def to_device(self, features: dict[str, Any]) -> dict[str, Any]:
        """Copy a batch's tensors to the model's device."""
        return {
            key: value.to(self.device, non_blocking=True) if isinstance(value, torch.Tensor) else value
            for key, value in features.items()
        }

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Tell whether a device ran out of memory."""
        if isinstance(error, torch.OutOfMemoryError):
            return True
        return isinstance(error, RuntimeError) and any(words in str(error) for words in _MEMORY_WORDS)


class EncodeSteps(ModelSteps):
    """The steps of one call that encodes."""

    def __init__(self, model: BaseModel, call: EncodeCall, device: torch.device) -> None:
        super().__init__(model, call.prompt, call.kwargs, device)
        self.call = call

    def compute(self, features: dict[str, Any]) -> dict[str, Any]:
        """Run the modules, and keep only what the call returns."""
        with torch.inference_mode():
            output = self.model(self.to_device(features), **self.routed)
            if self.call.output_value is None:
                return output
            return {key: output[key] for key in self._needed(output)}

    def _needed(self, output: dict[str, Any]) -> list[str]:
        wanted = self.call.output_value
        if wanted not in output:
            raise InputError(
                f"this model does not produce {wanted!r}; it produces "
                f"{sorted(key for key in output if 'embedding' in key)}."
            )
        return [wanted] if self.call.is_embedding or "attention_mask" not in output else [wanted, "attention_mask"]

    def finish(self, output: dict[str, Any]) -> list[Any]:
        """Cut the batch's output into rows."""
        with torch.inference_mode():
            if self.call.is_embedding:
                return self._finish_embeddings(output["sentence_embedding"])
            if self.call.output_value == "token_embeddings":
                return _split_tokens(output["token_embeddings"], output.get("attention_mask"))
            return _split_features(self._truncated(output))

    def _truncated(self, output: dict[str, Any]) -> dict[str, Any]:
        dim = self.call.truncate_dim
        if dim is not None and "sentence_embedding" in output:
            return {**output, "sentence_embedding": output["sentence_embedding"][..., :dim].clone()}
        return output

    def _finish_embeddings(self, vectors: torch.Tensor) -> list[Any]:
        dim = self.call.truncate_dim
        if dim is not None and dim < vectors.shape[-1]:
            vectors = vectors[..., :dim].clone()  # a view would keep the full width alive
        if self.call.normalize:
            vectors = functional.normalize(vectors.float(), p=2, dim=-1).to(vectors.dtype)
        if not self.call.as_numpy and self.call.precision == "float32":
            return list(vectors)
        vectors = vectors.cpu()
        if self.call.as_tensor or not self.call.as_numpy:
            return list(vectors)
        return list((vectors.float() if vectors.dtype == torch.bfloat16 else vectors).numpy())


@contextlib.contextmanager
def explain_broken_texts(samples: Sequence[Sample]) -> Iterator[None]:
    """Say what is wrong with a text that cannot be written as UTF-8; tokenizers have only a puzzling error for it."""
    try:
        yield
    except (TypeError, UnicodeEncodeError) as exc:
        if any(_is_broken_text(part) for sample in samples for part in sample.all_parts()):
            raise InputError(
                "the text holds half of a surrogate pair, which is no character and has no tokens. Decode its "
                'source as UTF-8, or replace it: text.encode("utf-8", "replace").decode().'
            ) from exc
        raise


def _is_broken_text(part: Part) -> bool:
    """Tell whether a text cannot be written as UTF-8."""
    if part.modality != "text" or not isinstance(part.value, str):
        return False
    return any("\ud800" <= character <= "\udfff" for character in part.value)


def _split_tokens(tokens: torch.Tensor, mask: torch.Tensor | None) -> list[torch.Tensor]:
    """Return each row's real tokens, `[tokens_i, dim]`; padding on either side is left out."""
    if mask is None or mask.shape[-1] != tokens.shape[1]:
        return list(tokens)
    starts = mask.argmax(dim=1).tolist()
    ends = (mask.shape[1] - mask.flip(1).argmax(dim=1)).tolist()
    return [row[start:end] for row, start, end in zip(tokens, starts, ends, strict=True)]


def _split_features(output: dict[str, Any]) -> list[dict[str, Any]]:
    """Give each sample its row of every feature that has one; whole-batch features are shared."""
    size = next((output[key].shape[0] for key in ("sentence_embedding", "token_embeddings") if key in output), 1)

    def is_by_row(name: str, value: Any) -> bool:
        return isinstance(value, torch.Tensor) and value.ndim > 0 and value.shape[0] == size and name not in _FLATTENED

    return [
        {name: value[row] if is_by_row(name, value) else value for name, value in output.items()} for row in range(size)
    ]
