"""`Transformer`: a backbone with its processor, usually the first module of a checkpoint.

It joins the rooms' smaller parts: `backbone` loads the network, `processors` the processor, `modality_config` says
what goes through which method, `chat` and `preparation` make features, `outputs` reads the result. Must not know about
pooling, encoders or threads, except that `preprocess` may be called from several.
"""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any

import torch

from sensorium.errors import InputError, NotBuiltError
from sensorium.media import decode
from sensorium.media.limits import MediaSettings
from sensorium.media.modality import read_pair, read_sample
from sensorium.media.samples import Frames, MediaCost, Part, Sample
from sensorium.media.unsupported import raise_unsupported_modality_error
from sensorium.modules import chat, wants
from sensorium.modules.backbone import check_backend, load_backbone, load_config, restore_cache, switch_off_cache
from sensorium.modules.early_resize import find_resizer
from sensorium.modules.feature_maker import FeatureMaker, check_left_padding
from sensorium.modules.input_module import InputModule
from sensorium.modules.modality_config import (
    ModalityConfig,
    check_modality_config,
    infer_modality_config,
    write_modality_config,
)
from sensorium.modules.outputs import MethodArguments, find_embedding_dimension, read_output, wants_hidden_states
from sensorium.modules.preparation import Settings, warn_unknown_settings
from sensorium.modules.processors import (
    cap_length,
    find_tokenizer,
    image_backend,
    load_processor,
    lower_case,
    pad_left,
    warn_about_image_backend,
)
from sensorium.modules.tasks import CAUSAL_TASKS, TASKS, TransformerTask
from sensorium.modules.token_estimates import estimate_tokens
from sensorium.modules.transformer_config import find_folder, merge_deprecated, read_init_arguments

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from sensorium.types import Modality

logger = logging.getLogger(__name__)


#: Model types whose text tower pools the last position without a mask. SigLIP is trained on texts padded to a fixed
#: length;
#: `processing_kwargs={"text": {"padding": "max_length"}}` gives that.
_SEES_PADDING = frozenset({"siglip", "siglip2"})


class Transformer(InputModule):
    """A `transformers` backbone and what prepares its inputs.

    Args:
        model_name_or_path: Folder, or name on the hub.
        transformer_task: What the network is loaded for; see `modules.tasks.TASKS`.
        model_kwargs: For the network's `from_pretrained`: `dtype`, `attn_implementation`, `device_map`, ...
        processor_kwargs: For the processor's `from_pretrained`: `min_pixels`, `max_pixels`, `chat_template`, ...
        config_kwargs: For the configuration's `from_pretrained`.
        processing_kwargs: Defaults for every call of the processor, one dict under each of `"common"`, `"text"`,
            `"image"`, `"audio"`, `"video"`, `"chat_template"`.
        backend: `"torch"`.
        modality_config: Modality -> `{"method", "method_output_name"}`; inferred where absent.
        module_output_name: Name of the feature made; needed beside a given `modality_config`.
        unpad_inputs: Accepted; inputs are always padded.
        query_length: Longest query in tokens, where it differs from the model's maximum.
        document_length: Longest document in tokens.
        query_expansion: Not built.
        max_seq_length: Longest input in tokens.
        do_lower_case: Lower-case text first.
        tokenizer_name_or_path: Folder or name of the processor, if not that of the model.

    Raises:
        MissingExtraError: The checkpoint needs a package that is not installed.
        NotBuiltError: `backend` or `query_expansion` asks for what is not built.
    """

    config_file_name = "sentence_bert_config.json"
    save_in_root = True
    peer_type = "sentence_transformers.base.modules.transformer.Transformer"

    def __init__(
        self,
        model_name_or_path: str,
        *,
        transformer_task: TransformerTask = "feature-extraction",
        model_kwargs: dict[str, Any] | None = None,
        processor_kwargs: dict[str, Any] | None = None,
        config_kwargs: dict[str, Any] | None = None,
        processing_kwargs: dict[str, dict[str, Any]] | None = None,
        backend: str = "torch",
        modality_config: ModalityConfig | None = None,
        module_output_name: str | None = None,
        unpad_inputs: bool | None = None,
        query_length: int | None = None,
        document_length: int | None = None,
        query_expansion: dict[str, Any] | None = None,
        max_seq_length: int | None = None,
        do_lower_case: bool = False,
        tokenizer_name_or_path: str | None = None,
        **deprecated: Any,
    ) -> None:
        super().__init__()
        if transformer_task not in TASKS:
            raise InputError(f"Unsupported transformer_task {transformer_task!r}. Known tasks: {list(TASKS)}.")
        check_backend(backend)
        if query_expansion is not None:
            raise NotBuiltError("query_expansion belongs to late interaction, which is not built yet.")
        given = {"model_kwargs": model_kwargs, "processor_kwargs": processor_kwargs, "config_kwargs": config_kwargs}
        kwargs = merge_deprecated(given, deprecated)
        warn_unknown_settings(processing_kwargs, "`processing_kwargs`")
        self.transformer_task = transformer_task
        self.backend = backend
        self.processing_kwargs = copy.deepcopy(processing_kwargs or {})
        self.query_length, self.document_length = query_length, document_length
        self.query_expansion = None
        self.do_lower_case = do_lower_case
        self.track_media_counts = False
        self.media_settings = MediaSettings()
        self._load(model_name_or_path, kwargs, max_seq_length, tokenizer_name_or_path)
        self._set_modalities(modality_config, module_output_name)
        self.unpad_inputs = unpad_inputs
        self._arguments = MethodArguments()
        self._maker = FeatureMaker(self.config.model_type, self.modalities, self.message_format)

    def _load(
        self,
        name: str,
        kwargs: dict[str, dict[str, Any]],
        max_seq_length: int | None,
        processor_name: str | None,
    ) -> None:
        config, is_adapter = load_config(name, kwargs["config_kwargs"])
        self._former_cache = switch_off_cache(config, kwargs["config_kwargs"])
        if self.transformer_task == "sequence-classification" and "num_labels" not in kwargs["config_kwargs"]:
            names = config.architectures or []
            if not any(architecture.endswith("ForSequenceClassification") for architecture in names):
                config.num_labels = 1
        self.model = load_backbone(name, self.transformer_task, config, is_adapter, kwargs["model_kwargs"])
        processor_kwargs = dict(kwargs["processor_kwargs"])
        if max_seq_length is not None:
            processor_kwargs.setdefault("model_max_length", max_seq_length)
        self.processor = load_processor(processor_name or name, processor_kwargs)
        warn_about_image_backend(self.processor, name)
        if self.tokenizer is not None:
            if "model_max_length" not in processor_kwargs:
                cap_length(self.tokenizer, self.config)
            if self.do_lower_case:
                lower_case(self.tokenizer)
        if self.transformer_task in CAUSAL_TASKS:
            pad_left(self.processor)

    def _set_modalities(self, config: ModalityConfig | None, feature_name: str | None) -> None:
        if config is not None:
            check_modality_config(config, feature_name)
        stated = (config or {}).get("message", {}).get("format", "auto")
        self.message_format: chat.MessageFormat = (
            chat.infer_message_format(self.config.model_type, self.processor) if stated == "auto" else stated
        )
        if config is not None:
            self.modality_config = copy.deepcopy(config)
        else:
            self.modality_config, feature_name = infer_modality_config(
                self.model, self.processor, self.transformer_task
            )
            if "message" in self.modality_config:
                self.modality_config["message"]["format"] = self.message_format
        self.module_output_name: str = feature_name or TASKS[self.transformer_task].feature_name

    # What it is

    @property
    def auto_model(self) -> PreTrainedModel:
        """The network, under its older name."""
        return self.model

    @property
    def config(self) -> PretrainedConfig:
        """The network's configuration."""
        return self.model.config

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase | None:
        """The tokenizer, or None for a model without text."""
        return find_tokenizer(self.processor)

    @property
    def modalities(self) -> list[Modality]:  # type: ignore[override]
        """What the module takes."""
        return list(self.modality_config)

    @property
    def image_backend(self) -> str | None:
        """`"torchvision"` or `"pil"`: what resizes images. None for a model without images."""
        return image_backend(self.processor)

    @property
    def max_seq_length(self) -> int | None:
        """Longest input in tokens. Setting it changes nothing on a model without a tokenizer."""
        if self.tokenizer is not None:
            return self.tokenizer.model_max_length
        return getattr(self.config.get_text_config(), "max_position_embeddings", None)

    @max_seq_length.setter
    def max_seq_length(self, value: int | None) -> None:
        if self.tokenizer is not None:
            self.tokenizer.model_max_length = value

    @property
    def unpad_inputs(self) -> bool | None:
        """Whether packing texts without padding was asked for; inputs are always padded."""
        return self._unpad_inputs

    @unpad_inputs.setter
    def unpad_inputs(self, value: bool | None) -> None:
        self._unpad_inputs = value
        if value:
            logger.warning("unpad_inputs=True was set, but packing without padding is not built; inputs are padded.")

    def get_embedding_dimension(self) -> int:
        """Return the width of the feature that this module makes."""
        if self.transformer_task == "retrieval":
            return self.config.embedding_dim
        return find_embedding_dimension(self.config, self.module_output_name)

    # From inputs to features

    def read(self, value: Any) -> Sample:
        """Bring an input to normal form, strings judged by what the model supports.

        Raises:
            InputError: The value is no input, or of a modality that the model does not take.
        """
        return read_sample(value, self._sniffable())

    def read_pair(self, pair: Sequence[Any]) -> Sample:
        """Bring a query and a document to normal form, as `read` does; a side may be a chat message, too."""
        return read_pair(pair, self._sniffable())

    def _sniffable(self) -> list[Modality]:
        """List the modalities a string may stand for: those supported alone or inside a mixture."""
        parts = [part for key in self.modality_config if isinstance(key, tuple) for part in key]
        return [*self.modality_config, *(part for part in dict.fromkeys(parts) if part not in self.modality_config)]

    def check(self, sample: Sample) -> None:
        """Raise InputError (UnsupportedModalityError for a modality) unless the model takes this sample."""
        kinds = [part.modality for part in sample.all_parts()]
        if "message" in self.modality_config:
            if set(kinds).issubset(self.modality_config):
                return
        elif sample.modality in self.modality_config:
            if sample.is_pair or len(kinds) == len(set(kinds)):
                return
            raise InputError(
                f"this model takes one item of a modality in an input, got {', '.join(kinds)}. Pass them as inputs of "
                "their own, or use a model with a chat template."
            )
        raise_unsupported_modality_error([sample], sample.modality, self.modalities, "Transformer module")

    def group(self, sample: Sample) -> Hashable:
        """Name the forward pass a sample may share: any, for a chat model; its own modality's, otherwise.

        A network that sees padding (it pools the last position, whatever stands there) gets texts of one length
        together,
        so that a row does not depend on its neighbours.
        """
        if "message" in self.modality_config:
            return "message"
        if sample.modality == "text" and self.config.model_type in _SEES_PADDING:
            return "text", self._maker.count_tokens(self.processor, sample)
        return sample.modality, sample.is_pair

    def count_tokens(self, sample: Sample, cost: MediaCost) -> int:
        """Estimate the sequence length of a sample, at most the model's maximum."""
        tokens = estimate_tokens(cost, sample, self.processor, self.config, self.processing_kwargs)
        limit = self.max_seq_length
        return min(tokens, limit) if limit else tokens

    def load_sample(
        self,
        sample: Sample,
        settings: MediaSettings | None = None,
        processing_kwargs: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Sample:
        """Fetch and decode the media of a sample, at the rate and with the frames that the processor wants."""
        if all(part.is_loaded for part in sample.all_parts()):
            return sample
        settings = settings or self.media_settings
        merged = Settings.for_model(self.config.model_type, self.processing_kwargs, processing_kwargs)
        video = merged.video
        spec = wants.decode_spec(self.processor, {"video": video}, settings.reduced_jpeg)
        loaded = decode.load_sample(sample, spec, settings)
        if spec.choose_frames is not None and wants.samples_arrays(self.processor, video):
            loaded = loaded.map_parts(lambda part: _sample_clip(part, spec.choose_frames))
        resize = find_resizer(self.processor, merged.image)
        return loaded if resize is None else loaded.map_parts(resize)

    def preprocess(
        self,
        inputs: Sequence[Any],
        prompt: str | None = None,
        processing_kwargs: dict[str, dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Turn inputs into features. May be called from several threads.

        Args:
            inputs: Inputs of any form, or samples that `read` and `load_sample` made.
            prompt: An instruction: put before texts, or a chat's system message.
            processing_kwargs: For this call, laid over those of the module, key by key.
            **kwargs: `task` (`"query"` or `"document"`) and `max_length` (tokens) are read.

        Returns:
            Tensors by name, and `"modality"`; `"prompt_length"` (tokens) where a prompt was put before texts.

        Raises:
            InputError: An input cannot be used. Its position is not named; `encode` names it.
        """
        if not len(inputs):
            return {}
        warn_unknown_settings(processing_kwargs, "per-call `processing_kwargs`")
        samples = [self.read(value) for value in inputs]
        if "message" in self.modality_config or len({sample.modality for sample in samples}) == 1:
            for sample in samples:  # several modalities that cannot share a batch are refused together, further on
                self.check(sample)
        samples = [self.load_sample(sample, None, processing_kwargs) for sample in samples]
        return self.make_features(samples, prompt, processing_kwargs, **kwargs)

    def make_features(
        self,
        samples: Sequence[Sample],
        prompt: str | None = None,
        processing_kwargs: Mapping[str, Any] | None = None,
        processor: Any = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Turn samples that `check` let pass and `load_sample` decoded into features; see `preprocess`.

        Args:
            samples: The samples.
            prompt: An instruction.
            processing_kwargs: For this call.
            processor: Used instead of the module's own; it must give the same features.
            **kwargs: As in `preprocess`.
        """
        settings = self._settings(processing_kwargs, **kwargs)
        features = self._maker.make(processor or self.processor, samples, prompt, settings, kwargs.get("task"))
        if self.transformer_task in CAUSAL_TASKS:
            check_left_padding(features)
            features["logits_to_keep"] = 1
        return features

    def _settings(
        self,
        processing_kwargs: Mapping[str, Any] | None,
        task: str | None = None,
        max_length: int | None = None,
        **_: Any,
    ) -> Settings:
        by_task = {"query": self.query_length, "document": self.document_length}
        length = max_length if max_length is not None else by_task.get(task or "")
        lengths = {"text": {"max_length": length}} if length is not None else {}
        return Settings.for_model(self.config.model_type, lengths, self.processing_kwargs, processing_kwargs)

    # From features to the output

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Run the network and store its output among the features.

        Args:
            features: From `preprocess`, on the network's device. Changed in place.
            **kwargs: Further arguments for the network.

        Returns:
            `features` with `module_output_name` added: `[batch, tokens, dim]`, or `[batch, dim]` for a sentence
            embedding.
        """
        modality = features.get("modality", "text")
        if modality not in self.modality_config:
            raise InputError(
                f"features of modality {modality!r} are not among those this module takes: {self.modalities}."
            )
        entry = self.modality_config[modality]
        method, path = entry["method"], entry["method_output_name"]
        if not hasattr(self.model, method):
            raise InputError(f"The model {type(self.model).__name__} does not have the requested method {method!r}.")
        arguments = self._arguments.select(self.model, method, {**features, **kwargs, "return_dict": True})
        if wants_hidden_states(path):
            arguments["output_hidden_states"] = True
        output = getattr(self.model, method)(**arguments)
        features[self.module_output_name] = read_output(output, path)
        if self.module_output_name == "token_embeddings" and "attention_mask" in features:
            features["attention_mask"] = _cover_virtual_tokens(self.model, features["attention_mask"])
        if getattr(self.config, "output_hidden_states", False) and "hidden_states" in output:
            features["all_layer_embeddings"] = output["hidden_states"]
        return features

    # On disk

    def get_config_dict(self) -> dict[str, Any]:
        """Return what `sentence_bert_config.json` holds."""
        config: dict[str, Any] = {
            "transformer_task": self.transformer_task,
            "modality_config": write_modality_config(self.modality_config),
            "module_output_name": self.module_output_name,
        }
        optional = {
            "processing_kwargs": self.processing_kwargs or None,
            "unpad_inputs": self.unpad_inputs,
            "query_length": self.query_length,
            "document_length": self.document_length,
            # `transformers` rebuilds some tokenizers without their normalizers, so the tokenizer's files may forget it.
            "do_lower_case": self.do_lower_case or None,
        }
        return {**config, **{key: value for key, value in optional.items() if value is not None}}

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Write the network, the processor and this module's configuration into a folder."""
        with restore_cache(self.config, self._former_cache):
            self.model.save_pretrained(output_path)
        self.processor.save_pretrained(output_path)
        self.save_config(output_path)

    @classmethod
    def load(
        cls,
        model_name_or_path: str,
        subfolder: str = "",
        token: bool | str | None = None,
        cache_folder: str | None = None,
        revision: str | None = None,
        local_files_only: bool = False,
        trust_remote_code: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        processor_kwargs: dict[str, Any] | None = None,
        config_kwargs: dict[str, Any] | None = None,
        backend: str = "torch",
        init_defaults: dict[str, Any] | None = None,
        is_plain: bool = False,
        **kwargs: Any,
    ) -> Transformer:
        """Load the module from a checkpoint; the caller's arguments win over the checkpoint's.

        Args:
            model_name_or_path: Folder, or name on the hub.
            subfolder: Where in the checkpoint the module lies.
            token: Hub token.
            cache_folder: Where the hub's files are kept.
            revision: Branch, tag or commit.
            local_files_only: Ask no hub.
            trust_remote_code: Run code that the checkpoint carries.
            model_kwargs: As in the constructor.
            processor_kwargs: As in the constructor.
            config_kwargs: As in the constructor.
            backend: `"torch"`.
            init_defaults: Constructor arguments where the checkpoint states none.
            is_plain: Whether the checkpoint is a backbone without modules, whose modalities are inferred; else one that
                states none takes text.
            **kwargs: Ignored, for modules that take more.
        """
        places = {
            "subfolder": subfolder,
            "token": token,
            "cache_dir": cache_folder,
            "revision": revision,
            "local_files_only": local_files_only,
            "trust_remote_code": trust_remote_code,
        }
        if subfolder:
            folder = find_folder(model_name_or_path, subfolder)
            if folder is not None:
                model_name_or_path, places["subfolder"] = folder, ""
        overrides = {"model_kwargs": model_kwargs, "processor_kwargs": processor_kwargs, "config_kwargs": config_kwargs}
        arguments = read_init_arguments(cls, model_name_or_path, places, overrides, is_plain)
        for key, value in (init_defaults or {}).items():
            arguments.setdefault(key, value)
        return cls(model_name_or_path, backend=backend, **arguments)

    def __repr__(self) -> str:
        described = {**self.get_config_dict(), "architecture": type(self.model).__name__}
        if self.image_backend is not None:
            described["image_backend"] = self.image_backend
        return f"Transformer({described})"


def _sample_clip(part: Part, choose: Any) -> Part:
    if part.modality != "video" or not isinstance(part.value, Frames) or part.value.is_sampled:
        return part
    if getattr(part.value.array, "ndim", 4) != 4:
        return part
    return Part("video", wants.sample_array_clip(part.value, choose), True)


def _cover_virtual_tokens(model: torch.nn.Module, mask: torch.Tensor) -> torch.Tensor:
    """Lengthen the mask by the virtual tokens that a prompt-learning adapter puts in front."""
    adapters = getattr(model, "peft_config", None)
    active = adapters.get(getattr(model, "active_adapter", None)) if isinstance(adapters, dict) else None
    if active is None or not getattr(active, "is_prompt_learning", False):
        return mask
    return torch.cat([mask.new_ones(mask.shape[0], active.num_virtual_tokens), mask], dim=1)
