"""Objects that decode themselves when they are asked: known by what they can do, never imported.

Sounds and clips have the interface of torchcodec's decoders, as data set libraries hand them out. Images, for which
there is none, have one of ours: `decode_image(limits, min_side)` and `size`. Must not know files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from sensorium.errors import MediaError
from sensorium.media.arrays import check_frame_count
from sensorium.media.image import to_rgb
from sensorium.media.pillow_files import check_image_size
from sensorium.media.samples import Frames, Waveform
from sensorium.media.video import VideoInfo, choose_numbers
from sensorium.media.waveform import check_channels, check_length, mix_and_resample

if TYPE_CHECKING:
    from sensorium.media.limits import MediaLimits

_IMAGE = "image decoder"
_AUDIO = "AudioDecoder"
_VIDEO = "VideoDecoder"


def is_decoder(value: Any) -> bool:
    """Tell whether a value is a decoder of any modality."""
    return is_image_decoder(value) or is_audio_decoder(value) or is_video_decoder(value)


def is_image_decoder(value: Any) -> bool:
    """Tell whether a value decodes one image: it has `size`, and `decode_image(limits, min_side)`.

    `size` is the width and height in pixels as the image is shown, known without decoding. `decode_image` takes the
    `MediaLimits` to keep to, and the pixels that the shorter side must keep if the image may come smaller (None if it
    must not), and gives a `PIL.Image`, upright and of mode RGB. It is called in an encoder's threads, also several at
    once.
    """
    return callable(getattr(value, "decode_image", None)) and hasattr(value, "size")


def is_audio_decoder(value: Any) -> bool:
    """Tell whether a value decodes sound as torchcodec's `AudioDecoder` does."""
    return callable(getattr(value, "get_all_samples", None)) and hasattr(value, "metadata")


def is_video_decoder(value: Any) -> bool:
    """Tell whether a value decodes frames as torchcodec's `VideoDecoder` does."""
    return callable(getattr(value, "get_frames_at", None)) and hasattr(value, "metadata")


def read_decoder_size(decoder: Any) -> tuple[int, int]:
    """Give the width and height that an image decoder states, in pixels.

    Raises:
        MediaError: It states none.
    """
    try:
        width, height = decoder.size
        return int(width), int(height)
    except (TypeError, ValueError) as exc:
        raise MediaError("the decoder states no size: it must be (width, height) in pixels.", source=_IMAGE) from exc


def read_decoder_seconds(decoder: Any) -> float:
    """Give the length that an audio decoder states, in seconds; 0 if it states none."""
    return float(getattr(decoder.metadata, "duration_seconds", None) or 0.0)


def read_decoder_info(decoder: Any) -> VideoInfo:
    """Give what a video decoder states of its clip.

    Raises:
        MediaError: It states no number of frames.
    """
    about = decoder.metadata
    count = int(getattr(about, "num_frames", None) or 0)
    if count < 1:
        raise MediaError("the decoder's metadata states no frames.", source=_VIDEO)
    fps = float(getattr(about, "average_fps", None) or 0.0)
    seconds = float(getattr(about, "duration_seconds", None) or 0.0)
    fps = fps if fps > 0 else count / seconds if seconds > 0 else 1.0
    width, height = (int(getattr(about, name, None) or 0) for name in ("width", "height"))
    return VideoInfo(count, fps, seconds or count / fps, width, height)


def decode_with_image_decoder(decoder: Any, min_side: int | None, limits: MediaLimits) -> Image.Image:
    """Decode the image of an image decoder; the size that it states is checked first.

    Args:
        decoder: As `is_image_decoder` describes it.
        min_side: Pixels that the shorter side must keep if it may be decoded smaller; None if it must not.
        limits: What its size is checked against.

    Returns:
        An upright image of mode RGB.

    Raises:
        MediaError: It raises on its file, or gives no image.
        MediaLimitError: Larger than `limits` allow.
    """
    check_image_size(read_decoder_size(decoder), limits, _IMAGE)
    try:
        image = decoder.decode_image(limits, min_side)
    except MediaError:  # ours; a ValueError too
        raise
    except (RuntimeError, ValueError, OSError) as exc:
        raise _decoder_failed(exc, _IMAGE) from exc
    if not isinstance(image, Image.Image):
        raise MediaError(f"the decoder gave {type(image).__name__}, and must give a PIL image.", source=_IMAGE)
    return to_rgb(image, limits)


def decode_with_audio_decoder(decoder: Any, sampling_rate: int | None, limits: MediaLimits) -> Waveform:
    """Decode all samples of an audio decoder; its length is checked first.

    Raises:
        MediaError: It raises on its file, or gives no samples.
        MediaLimitError: Longer, or of more channels, than `limits` allow.
    """
    rate = getattr(decoder.metadata, "sample_rate", None)
    check_length(int(read_decoder_seconds(decoder) * (rate or 1)), rate or 1, limits, _AUDIO)
    check_channels(int(getattr(decoder.metadata, "num_channels", None) or 1), limits, _AUDIO)
    try:
        samples = decoder.get_all_samples()
    except MediaError:  # ours; a ValueError too
        raise
    except (RuntimeError, ValueError) as exc:
        raise _decoder_failed(exc, _AUDIO) from exc
    return mix_and_resample(samples.data, samples.sample_rate, sampling_rate, limits)


def decode_with_video_decoder(
    decoder: Any, choose_frames: Callable[[VideoInfo], Sequence[int]] | None, limits: MediaLimits
) -> Frames:
    """Decode the chosen frames of a video decoder, and no others.

    Returns:
        The frames, uint8 `[frames, height, width, 3]`, with the metadata that `decode_video` gives.

    Raises:
        MediaError: It raises on its file, or states no frames.
        MediaLimitError: More or larger frames than `limits` allow.
    """
    info = read_decoder_info(decoder)
    if info.width and info.height:
        check_image_size((info.width, info.height), limits, _VIDEO)
    last = info.total_num_frames - 1
    numbers = [min(number, last) for number in choose_numbers(info, choose_frames, limits, _VIDEO)]
    check_frame_count(len(numbers), limits, _VIDEO)
    try:
        batch = decoder.get_frames_at(numbers)
    except MediaError:  # ours; a ValueError too
        raise
    except (RuntimeError, ValueError, IndexError) as exc:
        raise _decoder_failed(exc, _VIDEO) from exc
    array = batch.data.permute(0, 2, 3, 1).cpu().numpy()
    metadata = {
        "fps": info.fps,
        "total_num_frames": info.total_num_frames,
        "duration": info.duration,
        "frames_indices": numbers,
        "width": array.shape[2],
        "height": array.shape[1],
    }
    return Frames(array, metadata, is_sampled=choose_frames is not None)


def _decoder_failed(exc: Exception, name: str) -> MediaError:
    reason = " ".join(str(exc).split())[:200]
    return MediaError(f"the decoder could not decode its file ({reason}).", source=name)
