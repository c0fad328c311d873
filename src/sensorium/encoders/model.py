"""`BaseModel`: a chain of modules with prompts and a device. What every encoder is, before it encodes.

Must not know how a call runs (that is `encoding`), nor what a module computes.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import nn

from sensorium.encoders import running
from sensorium.encoders.adapters import AdapterMethods
from sensorium.encoders.clip_frames import (
    CLIP_SIZES,
    average_frames,
    check_video_as_frames,
    ends_normalised,
    find_input_module,
)
from sensorium.encoders.loading import LoadedModel, LoadOptions, load_model
from sensorium.encoders.not_built import refuse
from sensorium.encoders.prompts import Prompts
from sensorium.encoders.saving import save_model
from sensorium.errors import InputError, UnsupportedModalityError
from sensorium.media.limits import MediaSettings
from sensorium.media.modality import infer_batch_modality, is_single_input
from sensorium.media.unsupported import raise_unsupported_modality_error
from sensorium.modules.device import get_device_name
from sensorium.modules.processors import image_backend

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transformers import PretrainedConfig, PreTrainedModel

    from sensorium.hub.checkpoint import Checkpoint
    from sensorium.types import Modality

logger = logging.getLogger(__name__)

#: Worker processes, as the compatible interface hands them around.
Pool = dict[Literal["input", "output", "processes"], Any]


class BaseModel(nn.Sequential, AdapterMethods):
    """A chain of modules, the first of which takes inputs.

    Subclasses say what their default modules are and what they compute; see `SentenceTransformer` for the arguments.
    """

    model_type: ClassVar[str]
    default_huggingface_organization: ClassVar[str | None] = None
    #: Name of the placeholder by which this library and the compatible one know a model card's example.
    card_placeholder: ClassVar[str] = "sentence_transformers_model_id"
    #: What a new model card says besides the name: tags, and a line of code that uses `model`.
    _card_tags: ClassVar[tuple[str, ...]] = ("feature-extraction",)
    _card_example: ClassVar[str] = 'embeddings = model.encode(["a sentence", "another one"])'

    def __init__(
        self,
        model_name_or_path: str | None,
        modules: Sequence[nn.Module] | OrderedDict[str, nn.Module] | None,
        device: str | torch.device | None,
        prompts: dict[str, str] | None,
        default_prompt_name: str | None,
        options: LoadOptions,
        media: MediaSettings | None,
    ) -> None:
        loaded = self._find_modules(model_name_or_path, modules, options)
        super().__init__(loaded.modules)
        self.module_kwargs = loaded.module_kwargs
        self.model_config = dict(loaded.config)
        self._checkpoint = loaded.checkpoint
        self.backend = options.backend
        self.trust_remote_code = options.trust_remote_code
        self._prompts = Prompts.merge(prompts, default_prompt_name, loaded.config, self._prompt_names())
        self.media = media or MediaSettings()
        self._clip_frames = 0
        self._place(device, options, is_loaded=model_name_or_path is not None)
        self.eval()
        for module in self.modules():
            if hasattr(module, "on_model_ready"):
                module.on_model_ready(self)  # type: ignore[operator]

    @classmethod
    def _prompt_names(cls) -> tuple[str, ...]:
        """Return the prompts that exist even where nobody gave them."""
        return ("query", "document")

    def _find_modules(self, name: str | None, modules: Any, options: LoadOptions) -> LoadedModel:
        if modules is not None and not len(modules):
            raise InputError("An empty modules list was passed; a model needs at least one module.")
        if name is None:
            if modules is None:
                raise InputError(f"{self.model_type} needs a model_name_or_path, or modules=[...].")
            named = (
                modules if isinstance(modules, OrderedDict) else OrderedDict((str(i), m) for i, m in enumerate(modules))
            )
            return LoadedModel(None, named, {}, {})  # type: ignore[arg-type]
        if modules is not None:
            logger.warning("The `modules` argument is ignored, because a model name or path was given too.")
        return load_model(
            os.fspath(name), options, self.model_type, self.default_huggingface_organization, self._default_modules
        )

    def _default_modules(self, name: str, options: LoadOptions) -> list[nn.Module]:
        raise NotImplementedError

    def _place(self, device: str | torch.device | None, options: LoadOptions, *, is_loaded: bool) -> None:
        """Put all modules on one device, or, where `device_map` placed the backbone, the others beside it."""
        if is_loaded and options.model_kwargs.get("device_map") is not None:
            if device is not None:
                logger.warning("The `device` argument is ignored, because model_kwargs has a `device_map`.")
            for module in list(self)[1:]:
                module.to(self.device)
        else:
            self.to(device or get_device_name())
        dtype = next((parameter.dtype for parameter in self[0].parameters()), None)
        if dtype is not None and dtype.is_floating_point:
            for module in list(self)[1:]:
                module.to(dtype)

    # What it is

    @property
    def media(self) -> MediaSettings:
        """Limits and fetch policy for media; set it to change them."""
        return self._media

    @media.setter
    def media(self, value: MediaSettings) -> None:
        self._media = value
        for module in self.modules():
            if hasattr(module, "media_settings"):
                setattr(module, "media_settings", value)  # noqa: B010 - modules have no declared attributes

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where the model was loaded from; None if it was put together from modules."""
        return self._checkpoint

    @property
    def prompts(self) -> dict[str, str]:
        """Prompts by name; `encode_query` uses `"query"`, `encode_document` `"document"`."""
        return self._prompts.texts

    @prompts.setter
    def prompts(self, value: dict[str, str]) -> None:
        self._prompts = Prompts(value, self._prompts.default)

    @property
    def default_prompt_name(self) -> str | None:
        """Name of the prompt of calls that name none."""
        return self._prompts.default

    @default_prompt_name.setter
    def default_prompt_name(self, value: str | None) -> None:
        self._prompts = Prompts(self._prompts.texts, value)

    @property
    def modalities(self) -> list[Modality]:
        """What the model takes, as its first module says."""
        own = self._own_modalities()
        return [*own, "video"] if self._clip_frames else own

    def _own_modalities(self) -> list[Modality]:
        return list(getattr(self[0], "modalities", ["text"]))

    @property
    def video_as_frames(self) -> int:
        """How many frames' vectors are averaged into a clip's; 0 for a model that takes clips by itself, or none.

        Set it to `True` (eight frames), a number, or `False`, on a model that takes images.
        """
        return self._clip_frames

    @video_as_frames.setter
    def video_as_frames(self, value: bool | int) -> None:
        self._clip_frames = check_video_as_frames(value, self._own_modalities())

    def supports(self, modality: Modality) -> bool:
        """Tell whether the model takes a modality, or several in one input (a tuple)."""
        known = self.modalities
        if modality in known:
            return True
        if not isinstance(modality, tuple):
            return False
        return tuple(sorted(modality)) in known or ("message" in known and all(part in known for part in modality))

    @property
    def image_backend(self) -> str | None:
        """`"torchvision"` or `"pil"`, what resizes images before the model; None for a model without images."""
        return image_backend(self.processor)

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        tensor: torch.Tensor | None = next(self.parameters(), None)
        if tensor is None:
            tensor = next(self.buffers(), None)
        return torch.device("cpu") if tensor is None else tensor.device

    @property
    def dtype(self) -> torch.dtype | None:
        """The type of the model's weights, or None for a model without any."""
        return next((parameter.dtype for parameter in self.parameters()), None)

    @property
    def tokenizer(self) -> Any:
        """The first module's tokenizer."""
        return getattr(self[0], "tokenizer", None)

    @tokenizer.setter
    def tokenizer(self, value: Any) -> None:
        first: Any = self[0]
        first.tokenizer = value

    @property
    def processor(self) -> Any:
        """What prepares inputs: the first module's processor, or its tokenizer."""
        return getattr(self[0], "processor", None) or self.tokenizer

    @property
    def max_seq_length(self) -> int | None:
        """Longest input in tokens."""
        return getattr(self[0], "max_seq_length", None)

    @max_seq_length.setter
    def max_seq_length(self, value: int | None) -> None:
        first: Any = self[0]
        first.max_seq_length = value

    def get_max_seq_length(self) -> int | None:
        """Return the longest input in tokens, or None if there is no limit."""
        return self.max_seq_length

    @property
    def transformers_model(self) -> PreTrainedModel | None:
        """The first network of `transformers` inside, or None."""
        from transformers import PreTrainedModel

        for module in self.modules():
            inner = None if module is self else getattr(module, "model", None)
            if isinstance(inner, PreTrainedModel) or hasattr(inner, "peft_config"):
                return inner
            if isinstance(module, PreTrainedModel):
                return module
        return None

    @property
    def config(self) -> PretrainedConfig | None:
        """The network's configuration, or None."""
        model = self.transformers_model
        return None if model is None else model.config

    @config.setter
    def config(self, value: PretrainedConfig) -> None:
        model = self.transformers_model
        if model is not None:
            model.config = value

    def get_backend(self) -> str:
        """Return `"torch"`."""
        return self.backend

    def get_model_kwargs(self) -> list[str]:
        """List the call arguments that modules of this model take, such as `task`."""
        taken = {name for names in self.module_kwargs.values() for name in names}
        for module in self.modules():
            if module is not self:
                taken.update(getattr(module, "forward_kwargs", ()))
        return sorted(taken)

    def is_singular_input(self, inputs: Any) -> bool:
        """Tell whether `inputs` is one input and not a batch of them."""
        return is_single_input(inputs)

    # Computing

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Turn inputs into the features that the first module's network takes.

        Raises:
            UnsupportedModalityError: The model takes no input of this kind, or not these in one batch.
        """
        if not len(inputs):
            return {}
        first = find_input_module(self)
        try:
            samples = [first.read(value) for value in inputs]
            for sample in samples:
                first.check(sample)
        except UnsupportedModalityError:
            raise_unsupported_modality_error(
                inputs, infer_batch_modality(inputs), self.modalities, f"{self.model_type} model"
            )
        return first.preprocess(inputs, prompt=prompt, **kwargs)

    def tokenize(self, texts: Sequence[Any], **kwargs: Any) -> dict[str, Any]:
        """Turn inputs into features, under the older name of `preprocess`."""
        return self.preprocess(texts, **kwargs)

    def forward(self, input: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Run the modules in order; each is given those of `kwargs` that it takes."""
        sizes = input.get(CLIP_SIZES)
        for name, module in self.named_children():
            taken = {*self.module_kwargs.get(name, ()), *getattr(module, "forward_kwargs", ())}
            if taken and kwargs:
                input = module(input, **{key: value for key, value in kwargs.items() if key in taken})
            else:
                input = module(input)
        if sizes is None:
            return input
        is_normalised = ends_normalised(list(self), input.get("route"))
        return {"sentence_embedding": average_frames(input["sentence_embedding"], sizes, is_normalised)}

    @contextlib.contextmanager
    def _on_device(self, device: str | torch.device | None) -> Iterator[torch.device]:
        """Compute on another device for one call, and go back."""
        home = self.device
        wanted = home if device is None else torch.device(device)
        if wanted == home or (wanted.type == home.type and wanted.index is None):
            yield home
            return
        try:
            self.to(wanted)  # half-way there, it may run out of memory
            yield wanted
        finally:
            self.to(home)

    # Processes

    def start_multi_process_pool(self, target_devices: list[str] | None = None) -> Pool:
        """Start one worker process a device, each with a copy of the model.

        Args:
            target_devices: Such as `["cuda:0", "cuda:1"]` or `["cpu"] * 4`; every accelerator, or four on the CPU, if
                None.

        Returns:
            The pool, for `pool=...` of a call, and for `stop_multi_process_pool`.
        """
        return running.start_pool(self, target_devices)

    @staticmethod
    def stop_multi_process_pool(pool: Pool) -> None:
        """End a pool's processes."""
        running.stop_pool(pool)

    # On disk

    def save(
        self,
        path: str,
        model_name: str | None = None,
        create_model_card: bool = True,
        train_datasets: list[str] | None = None,
        safe_serialization: bool = True,
    ) -> None:
        """Write the model into a folder that this library and Sentence Transformers can load.

        Args:
            path: The folder; made if absent. None writes nothing.
            model_name: Name for the model card.
            create_model_card: Whether to write a README.md.
            train_datasets: Accepted; the minimal card does not name datasets.
            safe_serialization: Write safetensors.
        """
        if path is not None:
            save_model(self, os.fspath(path), model_name, create_model_card, safe_serialization)

    def save_pretrained(
        self,
        path: str,
        model_name: str | None = None,
        create_model_card: bool = True,
        train_datasets: list[str] | None = None,
        safe_serialization: bool = True,
    ) -> None:
        """Write the model into a folder; see `save`."""
        self.save(path, model_name, create_model_card, train_datasets, safe_serialization)

    def get_embedding_dimension(self) -> int | None:
        """Return the width of the model's output, or None if no module says it."""
        raise NotImplementedError

    def _describe_output(self) -> str:
        """Say in a few words what the model gives, for its card."""
        raise NotImplementedError

    def get_saved_config(self) -> dict[str, Any]:
        """Return this model's part of `config_sentence_transformers.json`."""
        config = {"model_type": self.model_type, "prompts": self.prompts}
        frames = {"video_as_frames": self.video_as_frames} if self.video_as_frames else {}
        return {**config, "default_prompt_name": self.default_prompt_name, **frames}

    # Parts of the interface that are not built

    def fit(self, *args: Any, **kwargs: Any) -> None:
        """Train. Not built yet."""
        refuse("Training")

    def evaluate(self, evaluator: Any, output_path: str | None = None) -> dict[str, float] | float:
        """Run an evaluator on this model.

        Args:
            evaluator: Called with the model and `output_path`.
            output_path: Where it writes, or None.
        """
        if output_path is not None:
            os.makedirs(output_path, exist_ok=True)
        return evaluator(self, output_path)

    def push_to_hub(self, repo_id: str, **kwargs: Any) -> str:
        """Upload. Not built yet: `save` the model and upload the folder with `huggingface_hub.upload_folder`."""
        refuse("push_to_hub")

    def __repr__(self) -> str:
        backend = f", image_backend={self.image_backend!r}" if self.image_backend else ""
        return (
            super()
            .__repr__()
            .replace(f"{type(self).__name__}(", f"{type(self).__name__}(  # {self.device}{backend}", 1)
        )
