"""Clips for models that take images and no clips: a clip's vector is the mean of its frames' vectors.

`FrameInput` stands around a model's first module, turns each clip into images when a batch is made, and notes how many
belong to each; `average_frames` joins their vectors after the last module. Frames are chosen before decoding, so a long
clip costs as much as a short one. Source: the parameter-free mean over frames of CLIP4Clip (Luo et al. 2021,
arXiv:2104.08860, section 3.3). Must not know how a call runs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch.nn import functional

from sensorium.encoders.inputs import adapt_input_module
from sensorium.errors import InputError
from sensorium.media.decode import DecodeSpec, load_sample
from sensorium.media.limits import MediaSettings
from sensorium.media.modality import read_sample
from sensorium.media.samples import Frames, MediaCost, Part, Sample
from sensorium.modules.normalize import Normalize
from sensorium.modules.router import RoutedSample, Router
from sensorium.modules.wants import sample_array_clip

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from torch import nn

    from sensorium.encoders.model import BaseModel
    from sensorium.media.video import VideoInfo
    from sensorium.types import Modality

#: Frames taken of a clip where nobody says how many: a clip costs as much as eight images.
DEFAULT_FRAMES = 8

#: Feature -> how many images of the batch each input is, in order.
CLIP_SIZES = "clip_sizes"


def check_video_as_frames(value: bool | int | None, modalities: Sequence[Modality]) -> int:
    """Return how many frames stand for a clip; 0 where clips are not taken that way.

    Args:
        value: `True`, a number of frames, or `False` or None for off.
        modalities: What the model takes by itself. One that takes clips keeps its own way.

    Raises:
        InputError: Not a number of frames, or the model takes no images.
    """
    if not value:
        return 0
    if not isinstance(value, int) or value < 0:
        raise InputError(f"video_as_frames is True, False or a number of frames, got {value!r}.")
    if "image" not in modalities:
        raise InputError(
            f"video_as_frames needs a model that takes images; this one takes {list(modalities)}. Leave it off, or "
            "load another model."
        )
    if "video" in modalities:
        return 0
    return DEFAULT_FRAMES if value is True else value


def find_input_module(model: BaseModel) -> Any:
    """Return a model's first module with the methods that a call needs, taking clips apart if they are to be."""
    first = adapt_input_module(model[0])
    return FrameInput(first, model.video_as_frames, model.media) if model.video_as_frames else first


class FrameInput:
    """A first module that takes clips, too.

    Args:
        first: The model's own first module.
        frames: How many frames stand for a clip.
        media: Limits and fetch policy for clips.
    """

    def __init__(self, first: Any, frames: int, media: MediaSettings) -> None:
        self.first, self.frames, self.media = first, frames, media

    @property
    def modalities(self) -> list[Modality]:
        """What the first module takes, and clips."""
        return [*self.first.modalities, "video"]

    def read(self, value: Any, **kwargs: Any) -> Sample:
        """Bring an input to normal form; what is no clip is read by the first module."""
        sample = read_sample(value, self.modalities)
        if sample.modality == "video":
            return self._route(sample, **kwargs)
        # A file might not be readable twice, while a string may mean something else to the first module.
        return self.first.read(value if isinstance(value, (str, list, tuple, dict)) else sample, **kwargs)

    def check(self, sample: Sample) -> None:
        """Raise UnsupportedModalityError unless the sample is a clip or the first module takes it."""
        if sample.modality != "video":
            self.first.check(sample)

    def group(self, sample: Sample) -> Hashable:
        """Keep clips apart from images: their batches are smaller."""
        return ("clip", getattr(sample, "route", None)) if sample.modality == "video" else self.first.group(sample)

    def count_tokens(self, sample: Sample, cost: MediaCost) -> int:
        """Estimate what a clip costs as what its frames cost."""
        if sample.modality != "video":
            return self.first.count_tokens(sample, cost)
        frame = self._read_frames(sample, [None])[0]
        return self.frames * self.first.count_tokens(frame, MediaCost(pixels=cost.frame_pixels))

    def load_sample(self, sample: Sample, settings: MediaSettings | None = None, **kwargs: Any) -> Sample:
        """Decode the frames of a clip that are looked at.

        Raises:
            MediaError: The clip cannot be had, or is not usable.
        """
        if sample.modality != "video":
            return self.first.load_sample(sample, settings, **kwargs)
        choose = self._chooser(kwargs.get("processing_kwargs"))
        loaded = load_sample(sample, DecodeSpec(choose_frames=choose), settings or self.media)
        return replace(loaded, parts=tuple(_choose_of_array(part, choose) for part in loaded.parts))

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Turn inputs into features, each clip into as many images as it has frames.

        Raises:
            InputError: Clips stand beside what is no image.
        """
        samples = [value if isinstance(value, Sample) else self.read(value) for value in inputs]
        clips = [sample.modality == "video" for sample in samples]
        if not any(clips):
            return self.first.preprocess(inputs, prompt=prompt, **kwargs)
        images, sizes = [], []
        for sample, is_clip in zip(samples, clips, strict=True):
            frames = self._split(sample, kwargs.get("processing_kwargs")) if is_clip else [sample]
            images += frames
            sizes.append(len(frames))
        features = self.first.preprocess(images, prompt=prompt, **_without_video(kwargs))
        return {**features, CLIP_SIZES: sizes}

    def _split(self, sample: Sample, processing_kwargs: Any) -> list[Sample]:
        loaded = self.load_sample(sample, processing_kwargs=processing_kwargs)
        clip: Any = loaded.parts[0].value
        frames = clip.array if isinstance(clip, Frames) else clip
        images = [frame if isinstance(frame, Image.Image) else Image.fromarray(frame) for frame in frames]
        return self._read_frames(sample, images)

    def _route(self, sample: Sample, task: str | None = None) -> Sample:
        """Note the route that a clip's frames will take, where there are several."""
        if not isinstance(self.first, Router):
            return sample
        route = self.first.find_route(task, "image")
        return RoutedSample(sample.modality, sample.parts, sample.turns, sample.is_pair, route, task)

    def _read_frames(self, sample: Sample, images: Sequence[Any]) -> list[Sample]:
        """Make a sample of each frame, as the first module would have read an image."""
        kwargs = {"task": sample.task} if isinstance(sample, RoutedSample) else {}
        return [self.first.read(Sample("image", (Part("image", image, True),)), **kwargs) for image in images]

    def _chooser(self, processing_kwargs: Mapping[str, Any] | None) -> Callable[[VideoInfo], list[int]]:
        asked = ((processing_kwargs or {}).get("video") or {}).get("num_frames", self.frames)
        if not isinstance(asked, int) or asked < 1:
            raise InputError(f'processing_kwargs={{"video": {{"num_frames": ...}}}} is at least 1, got {asked!r}.')
        return lambda info: spread_evenly(info.total_num_frames, asked)


def spread_evenly(total: int, wanted: int) -> list[int]:
    """Choose the frames in the middle of `wanted` equal parts of a clip; each once, where it has fewer."""
    return sorted({int((part + 0.5) * total / wanted) for part in range(wanted)})


def average_frames(vectors: torch.Tensor, sizes: Sequence[int], is_normalised: bool) -> torch.Tensor:
    """Join frames' vectors into clips'.

    Args:
        vectors: `[frames, dim]`, in order of the clips.
        sizes: How many of them each clip has.
        is_normalised: Whether the model's vectors have length 1; then clips' have, too.

    Returns:
        `[clips, dim]`, the means.
    """
    means = torch.stack([rows.mean(dim=0) for rows in vectors.split(list(sizes))])
    return functional.normalize(means, dim=-1) if is_normalised else means


def ends_normalised(modules: Sequence[nn.Module], route: str | None) -> bool:
    """Tell whether a chain's last module, or that of its route, brings vectors to length 1."""
    last = modules[-1]
    if isinstance(last, Router) and route is not None:
        last = list(last.sub_modules[route].children())[-1]  # type: ignore[operator]
    return isinstance(last, Normalize)


def _choose_of_array(part: Part, choose: Callable[[VideoInfo], list[int]]) -> Part:
    if part.modality != "video" or not isinstance(part.value, Frames) or part.value.is_sampled:
        return part
    return Part("video", sample_array_clip(part.value, choose), True)


def _without_video(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Leave out the settings that choose frames: the first module knows no clips."""
    if not kwargs.get("processing_kwargs"):
        return kwargs
    own = {key: value for key, value in kwargs["processing_kwargs"].items() if key != "video"}
    return {**kwargs, "processing_kwargs": own}
