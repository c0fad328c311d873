"""The words every room shares: modalities, the dict forms of media, what one input may be.

This file holds names only. It must not know how a value is recognised (`media.modality`) or decoded
(`media.image`, `media.audio`, `media.video`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import BinaryIO

    import numpy as np
    import torch
    from PIL import Image

BaseModality: TypeAlias = Literal["text", "image", "audio", "video"]
Modality: TypeAlias = Literal["text", "image", "audio", "video", "message"] | tuple[BaseModality, ...]

BASE_MODALITIES: tuple[BaseModality, ...] = ("text", "image", "audio", "video")
MULTIMODAL_DICT_KEYS: frozenset[str] = frozenset(BASE_MODALITIES)
PAIR_ROLES: tuple[str, str] = ("query", "document")

#: The keyword under which a `transformers` processor takes each modality.
MODALITY_TO_PROCESSOR_ARG: dict[str, str] = {
    "text": "text",
    "image": "images",
    "audio": "audio",
    "video": "videos",
    "message": "message",
}


class AudioDict(TypedDict):
    """A waveform with its rate: `array` is `[samples]` or `[channels, samples]`, `sampling_rate` is in Hz."""

    array: np.ndarray | torch.Tensor | list[float]
    sampling_rate: int


class VideoDict(TypedDict, total=False):
    """Frames with what is known of their clip (`fps`, `total_num_frames`, `duration`, `frames_indices`)."""

    array: np.ndarray | torch.Tensor | Sequence[Any]
    video_metadata: dict[str, Any] | None


class FileRecord(TypedDict, total=False):
    """A file as dataset libraries carry it: its bytes, its path, or both."""

    bytes: bytes | None
    path: str | None


class MessageDict(TypedDict):
    """One chat turn. `content` is a string, or a list of `{"type": "text" | "image" | ..., ...}` items."""

    role: str
    content: Any


if TYPE_CHECKING:
    FileInput: TypeAlias = str | PathLike[str] | bytes | bytearray | BinaryIO | FileRecord
    TextInput: TypeAlias = str
    ImageInput: TypeAlias = FileInput | Image.Image | np.ndarray | torch.Tensor
    AudioInput: TypeAlias = FileInput | AudioDict | np.ndarray | torch.Tensor
    VideoInput: TypeAlias = FileInput | VideoDict | np.ndarray | torch.Tensor | list[Image.Image] | list[np.ndarray]
    MessageInput: TypeAlias = MessageDict | list[MessageDict]
    MultimodalInput: TypeAlias = dict[str, Any]
    SingleInput: TypeAlias = TextInput | ImageInput | AudioInput | VideoInput | MessageInput | MultimodalInput
    PairInput: TypeAlias = tuple[SingleInput, SingleInput] | list[SingleInput]
