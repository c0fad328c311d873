"""Load and describe a checkpoint's processor: the part of `transformers` that turns media into tensors.

Names the pip command when a processor needs an absent package, and says which image back end it uses, because the
PIL one resizes differently. Must not know how inputs are normalised or what the model computes.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any

from tokenizers.normalizers import Lowercase
from tokenizers.normalizers import Sequence as NormalizerSequence
from transformers import PreTrainedTokenizerBase

from sensorium._optional import PACKAGES, is_installed, missing_extra
from sensorium.errors import MissingExtraError
from sensorium.hub.checkpoint import Checkpoint
from sensorium.modules.foreign_errors import explain_loading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PretrainedConfig

logger = logging.getLogger(__name__)

#: Files of which a checkpoint of anything but text has at least one.
_PROCESSOR_FILES = (
    "processor_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "feature_extractor_config.json",
)

#: What `transformers` says when a processor's package is absent -> our package that provides it.
_DEPENDENCY_WORDS: tuple[tuple[str, str], ...] = (
    (r"torchvision|read_video|Torchvision|torchcodec", "torchvision"),
    (r"soundfile|librosa|torchaudio", "soundfile"),
)


def load_processor(name_or_path: str, processor_kwargs: Mapping[str, Any]) -> Any:
    """Load whatever prepares inputs for a checkpoint: a processor, tokenizer, image processor or feature extractor.

    Raises:
        MissingExtraError: It needs a package that is not installed.
        CheckpointError: Its files are damaged.
    """
    with explain_loading(name_or_path, "processor"):
        loader = _choose_loader(name_or_path, processor_kwargs)
        try:
            processor = loader.from_pretrained(name_or_path, **processor_kwargs)
        except (ImportError, AttributeError, ValueError) as exc:
            extra = explain_missing_package(exc, f"the processor of {name_or_path}")
            if extra is None:
                raise
            raise extra from exc
    _keep_from_tokenizer(processor, ("min_pixels", "max_pixels"))
    return processor


def _keep_from_tokenizer(processor: Any, names: tuple[str, ...]) -> None:
    """Take arguments that were meant for the image processor out of the tokenizer's, which got them all the same.

    A processor passes its tokenizer's arguments on with every call, and `transformers` calls these two deprecated
    there.
    """
    tokenizer = find_tokenizer(processor)
    if tokenizer is not None and find_part(processor, "image_processor") is not None:
        for name in names:
            tokenizer.init_kwargs.pop(name, None)


def is_processor(processor: Any) -> bool:
    """Tell whether `processor` joins several parts (a tokenizer, an image processor, ...).

    Looked up without an import: where the base class was never loaded, nothing is an instance of it, and loading it
    takes
    torchvision, and with it two seconds, along.
    """
    module = sys.modules.get("transformers.processing_utils")
    return module is not None and isinstance(processor, module.ProcessorMixin)


def _choose_loader(name_or_path: str, processor_kwargs: Mapping[str, Any]) -> Any:
    """Return the tokenizer's loader for a checkpoint of text alone, which loads in half the time, or the general
    one."""
    checkpoint = Checkpoint(
        name_or_path,
        revision=processor_kwargs.get("revision"),
        token=processor_kwargs.get("token"),
        cache_folder=processor_kwargs.get("cache_dir"),
        local_files_only=bool(processor_kwargs.get("local_files_only")),
    )
    folder = [processor_kwargs["subfolder"]] if processor_kwargs.get("subfolder") else []
    settings = checkpoint.read_json(*folder, "tokenizer_config.json")
    says_more = any(checkpoint.find_file(*folder, name) is not None for name in _PROCESSOR_FILES)
    if settings and not says_more and not {"processor_class", "auto_map"} & set(settings):
        from transformers import AutoTokenizer

        return AutoTokenizer
    from transformers import AutoProcessor

    return AutoProcessor


def explain_missing_package(error: BaseException, purpose: str) -> MissingExtraError | None:
    """Translate a complaint of `transformers` about an absent package, or return None if it is about something else."""
    text = str(error)
    for pattern, package in _DEPENDENCY_WORDS:
        if re.search(pattern, text) and package in PACKAGES and not is_installed(package):
            return missing_extra(package, purpose)
    return None


def find_tokenizer(processor: Any) -> PreTrainedTokenizerBase | None:
    """Return the processor's tokenizer, or the processor if it is one, or None."""
    if isinstance(processor, PreTrainedTokenizerBase):
        return processor
    return getattr(processor, "tokenizer", None)


def find_part(processor: Any, part: str) -> Any:
    """Return a processor's `image_processor`, `video_processor` or `feature_extractor`, or the bare one itself, or
    None."""
    found = getattr(processor, part, None)
    if found is not None:
        return found
    wanted = {"image_processor": "ImageProcessor", "video_processor": "VideoProcessor"}.get(part, "FeatureExtractor")
    return processor if wanted in type(processor).__name__ else None


def image_backend(processor: Any) -> str | None:
    """Return `"torchvision"` or `"pil"`, the library that resizes images, or None for a model without images."""
    image_processor = find_part(processor, "image_processor")
    if image_processor is None:
        return None
    stated = getattr(image_processor, "backend", None)
    if isinstance(stated, str):
        return stated
    from transformers.image_processing_utils_fast import BaseImageProcessorFast

    return "torchvision" if isinstance(image_processor, BaseImageProcessorFast) else "pil"


def cap_length(tokenizer: PreTrainedTokenizerBase, config: PretrainedConfig) -> None:
    """Limit a tokenizer to the positions that the model has."""
    positions = getattr(config, "max_position_embeddings", None)
    if positions is not None and positions != -1:  # XLNet says -1 for "no limit"
        tokenizer.model_max_length = min(tokenizer.model_max_length, positions)


def lower_case(tokenizer: PreTrainedTokenizerBase) -> None:
    """Make a tokenizer lower-case its text first, once. One written in Python is told to, and does so if it can."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        tokenizer.do_lower_case = True  # type: ignore[attr-defined]
        return
    present: Any = backend.normalizer
    is_sequence = isinstance(present, NormalizerSequence)
    steps: list[Any] = [*present] if is_sequence else [present] if present is not None else []
    if not any(isinstance(step, Lowercase) for step in steps):
        backend.normalizer = NormalizerSequence([Lowercase(), *steps])


def pad_left(processor: Any) -> None:
    """Pad on the left, so that the last position is always a real token."""
    if hasattr(processor, "padding_side"):
        processor.padding_side = "left"
    if hasattr(processor, "tokenizer"):
        processor.tokenizer.padding_side = "left"


def warn_about_image_backend(processor: Any, name_or_path: str) -> None:
    """Warn once a model is loaded whose images are resized by PIL: its vectors differ from torchvision's."""
    if image_backend(processor) == "pil":
        logger.warning(
            "%s prepares images with PIL, because torchvision is not installed or the checkpoint asks for it. Its "
            "resize differs "
            "slightly from torchvision's, and so do the vectors. Install torchvision with: pip install "
            '"sensorium[image]"',
            name_or_path,
        )
