"""`CrossEncoder`: a query and a document, of any modality, become a score. The interface of the class of that name.

A call is checked here, walked by the engine through `score_steps` or `shared_steps`, and put together by `score_call`.
Must not know what pairs have in common, how media are decoded, or how work is spread.
"""

from __future__ import annotations

import os
import time
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from torch import nn

from sensorium.encoders import running
from sensorium.encoders.activation import find_activation
from sensorium.encoders.call import check_arguments
from sensorium.encoders.loading import LoadOptions
from sensorium.encoders.model import BaseModel, Pool
from sensorium.encoders.older_arguments import take_older_arguments
from sensorium.encoders.ranking import list_documents, make_pairs, order_documents
from sensorium.encoders.score_call import ScoreCall, assemble_scores
from sensorium.encoders.score_running import compute_in_processes, compute_scores, warn_about_errors
from sensorium.engine.report import EncodeResult, PredictResult, RankResult, RunResult
from sensorium.errors import CheckpointError, InputError
from sensorium.media.modality import is_single_pair
from sensorium.modules.activations import class_path
from sensorium.modules.preparation import warn_unknown_settings

if TYPE_CHECKING:
    from collections import OrderedDict
    from collections.abc import Callable, Sequence

    import torch
    from transformers import PreTrainedModel

    from sensorium.encoders.call import OnError
    from sensorium.media.limits import MediaSettings


class CrossEncoder(BaseModel):
    """Loads a checkpoint, or joins modules, that score pairs of text, images, audio and video.

    Args:
        model_name_or_path: Folder, or name on the hub.
        modules: Modules to join, where no checkpoint is named.
        device: `"cpu"`, `"cuda:0"`, ...; the best there is, if None.
        prompts: Instructions by name; they win over the checkpoint's.
        default_prompt_name: The prompt of calls that name none.
        cache_folder: Where the hub's files are kept; else `SENTENCE_TRANSFORMERS_HOME`, else the hub's own place.
        trust_remote_code: Run code that the checkpoint carries.
        revision: Branch, tag or commit.
        local_files_only: Ask no hub.
        token: Hub token.
        model_kwargs: For the network: `dtype`, `attn_implementation`, `device_map`, ...
        processor_kwargs: For the processor: `min_pixels`, `max_pixels`, `chat_template`, ...
        config_kwargs: For the network's configuration.
        model_card_data: Accepted; model cards are minimal.
        backend: `"torch"`.
        num_labels: Scores a pair, for classifiers; the checkpoint's number if None, 1 if it states none.
        max_length: Longest pair in tokens.
        activation_fn: Applied to scores; else the checkpoint's, else a sigmoid for one label, nothing for several.
        keep_in_fp32_modules: Paths of linear layers that compute in float32 whatever the type of their weights.
        media: Limits and fetch policy for media.

    Raises:
        ModelNotFoundError: There is no such checkpoint.
        CheckpointError: Its files are malformed, or need `trust_remote_code`.
        MissingExtraError: It needs a package that is not installed.

    Example:
        >>> model = CrossEncoder("Qwen/Qwen3-VL-Reranker-2B")  # doctest: +SKIP
        >>> model.rank("a cat on a sofa", ["cat.jpg", "a dog in the rain"])  # doctest: +SKIP
        [{'corpus_id': 0, 'score': 0.83}, {'corpus_id': 1, 'score': 0.02}]
    """

    model_type: ClassVar[str] = "CrossEncoder"
    default_huggingface_organization: ClassVar[str | None] = "cross-encoder"
    card_placeholder: ClassVar[str] = "cross_encoder_model_id"
    _card_tags: ClassVar[tuple[str, ...]] = ("cross-encoder", "reranker")
    _card_example: ClassVar[str] = 'ranking = model.rank("a question", ["a passage", "another one"])'

    @take_older_arguments(
        "CrossEncoder",
        positional=("num_labels", "max_length", "activation_fn", "device"),
        keeps=1,
        renamed={
            "model_name": "model_name_or_path",
            "automodel_args": "model_kwargs",
            "tokenizer_args": "processor_kwargs",
            "tokenizer_kwargs": "processor_kwargs",
            "config_args": "config_kwargs",
            "cache_dir": "cache_folder",
            "default_activation_function": "activation_fn",
        },
        moved={"classifier_dropout": "config_kwargs"},
    )
    def __init__(
        self,
        model_name_or_path: str | None = None,
        *,
        modules: list[nn.Module] | OrderedDict[str, nn.Module] | None = None,
        device: str | None = None,
        prompts: dict[str, str] | None = None,
        default_prompt_name: str | None = None,
        cache_folder: str | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
        model_kwargs: dict[str, Any] | None = None,
        processor_kwargs: dict[str, Any] | None = None,
        config_kwargs: dict[str, Any] | None = None,
        model_card_data: Any | None = None,
        backend: Literal["torch", "onnx", "openvino"] = "torch",
        num_labels: int | None = None,
        max_length: int | None = None,
        activation_fn: Callable[..., Any] | None = None,
        keep_in_fp32_modules: list[str] | None = None,
        media: MediaSettings | None = None,
    ) -> None:
        options = LoadOptions(
            token=token,
            cache_folder=cache_folder or os.environ.get("SENTENCE_TRANSFORMERS_HOME"),
            revision=revision,
            local_files_only=local_files_only,
            trust_remote_code=trust_remote_code,
            model_kwargs=model_kwargs or {},
            processor_kwargs=_with(processor_kwargs, "model_max_length", max_length),
            config_kwargs=_with(config_kwargs, "num_labels", num_labels),
            backend=backend,
        )
        super().__init__(model_name_or_path, modules, device, prompts, default_prompt_name, options, media)
        self.activation_fn = find_activation(
            activation_fn, self.model_config, self.config, self.num_labels, trust_remote_code
        )
        selected = (
            self.model_config.get("keep_in_fp32_modules") if keep_in_fp32_modules is None else keep_in_fp32_modules
        )
        self.set_keep_in_fp32_modules(selected or [])

    @classmethod
    def _prompt_names(cls) -> tuple[str, ...]:
        return ()

    def _default_modules(self, name: str, options: LoadOptions) -> list[nn.Module]:
        from sensorium.modules.backbone import load_config
        from sensorium.modules.logit_score import LogitScore
        from sensorium.modules.transformer import Transformer

        config, _ = load_config(name, options.for_config())
        is_causal = (config.architectures or [""])[0].endswith("ForCausalLM")
        task = "text-generation" if is_causal else "sequence-classification"
        defaults = {"transformer_task": task}
        transformer = Transformer.load(name, **options.for_module(), init_defaults=defaults, is_plain=True)
        if not is_causal:
            return [transformer]
        tokenizer: Any = transformer.tokenizer
        answers: list[Any] = [tokenizer and tokenizer.convert_tokens_to_ids(word) for word in ("yes", "no")]
        unknown = getattr(tokenizer, "unk_token_id", None)
        if any(answer is None or answer == unknown for answer in answers):
            raise CheckpointError(
                f"{name} is a language model whose tokenizer has no tokens 'yes' and 'no', so it is not known how it "
                "answers. Load it with modules=[Transformer(..., transformer_task='text-generation'), "
                "LogitScore(true_token_id=..., false_token_id=...)].",
                model=name,
            )
        return [transformer, LogitScore(*answers)]

    # What it is

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "activation_fn":  # no part of the model: a module here would run as its last one
            object.__setattr__(self, name, value)
            return
        super().__setattr__(name, value)

    @property
    def model(self) -> PreTrainedModel | None:
        """The network of `transformers`, or None."""
        return self.transformers_model

    @property
    def num_labels(self) -> int:
        """Scores a pair."""
        from sensorium.modules import Dense, LogitScore, Transformer

        for module in reversed(list(self)):
            if isinstance(module, Dense) and module.module_output_name == "scores":
                return module.out_features
            if isinstance(module, LogitScore):
                return 1
            if isinstance(module, Transformer):
                return int(getattr(module.config, "num_labels", 1))
        return 1

    @property
    def max_length(self) -> int | None:
        """Longest pair in tokens, under its older name."""
        warnings.warn("`max_length` is deprecated; its name is `max_seq_length`.", DeprecationWarning, stacklevel=2)
        return self.max_seq_length

    @max_length.setter
    def max_length(self, value: int | None) -> None:
        warnings.warn("`max_length` is deprecated; its name is `max_seq_length`.", DeprecationWarning, stacklevel=2)
        self.max_seq_length = value

    @property
    def default_activation_function(self) -> Callable[..., Any]:
        """What scores go through, under its older name."""
        warnings.warn(
            "`default_activation_function` is deprecated; its name is `activation_fn`.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.activation_fn

    def get_default_activation_fn(self) -> Callable[..., Any]:
        """Return the activation of a model of this many labels whose checkpoint states none."""
        return find_activation(None, self.model_config, self.config, self.num_labels, self.trust_remote_code)

    def set_keep_in_fp32_modules(self, module_names: list[str]) -> None:
        """Choose linear layers that compute in float32 and return it, whatever the type of their weights.

        Args:
            module_names: Paths as in `named_modules()`, such as `"0.model.classifier"`. They replace those chosen
                before.

        Raises:
            InputError: There is no linear layer of that name.
        """
        from sensorium.modules.float32_linear import choose_float32_layers

        choose_float32_layers(self, module_names)
        object.__setattr__(self, "keep_in_fp32_modules", list(module_names))

    def get_embedding_dimension(self) -> int | None:
        """Return None: a reranker makes scores, no vectors."""
        return None

    def _describe_output(self) -> str:
        """Say in a few words what the model gives, for its card."""
        scores = "a score" if self.num_labels == 1 else f"{self.num_labels} scores"
        return f"{scores} for each pair of a query and a document"

    def get_saved_config(self) -> dict[str, Any]:
        """Return this model's part of `config_sentence_transformers.json`."""
        config = {**super().get_saved_config(), "activation_fn": class_path(self.activation_fn)}
        chosen = getattr(self, "keep_in_fp32_modules", [])
        return {**config, "keep_in_fp32_modules": chosen} if chosen else config

    def is_singular_input(self, inputs: Any) -> bool:
        """Tell whether `inputs` is one pair and not a batch of them."""
        return is_single_pair(inputs)

    # Scoring

    @take_older_arguments(
        "CrossEncoder.predict",
        renamed={"sentences": "inputs", "activation_fct": "activation_fn"},
        ignored=("num_workers",),
    )
    def predict(
        self,
        inputs: Any,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Callable[..., Any] | None = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | list[str | torch.device] | None = None,
        pool: Pool | None = None,
        chunk_size: int | None = None,
        *,
        shared: bool = True,
        on_error: OnError = "raise",
        return_report: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Compute the scores of pairs.

        Args:
            inputs: A pair `(query, document)` or a batch of pairs. Either side may be anything that `encode` takes:
                text, path, address, PIL image, bytes, array, dict of modalities. A chat with a `query` and a `document`
                turn is a pair, too.
            prompt_name: Name of an instruction of the model.
            prompt: An instruction: a system message on chat models, else put before each query; wins over
                `prompt_name`.
            batch_size: Most pairs in one pass; long pairs make smaller batches.
            show_progress_bar: None shows it where this library logs at INFO.
            activation_fn: Instead of the model's, for this call.
            apply_softmax: Make several labels' scores add up to 1.
            convert_to_numpy: Return one array; otherwise a list of tensors.
            convert_to_tensor: Return one tensor; wins over `convert_to_numpy`.
            device: Compute there for this call; a list spreads the call over one process a device.
            pool: From `start_multi_process_pool`.
            chunk_size: Pairs sent to a process at a time.
            shared: Compute once what pairs have in common: the beginning of their prompts, equal images. False computes
                each pair from nothing.
            on_error: `"raise"`, or `"skip"`: pairs that cannot be used get NaN and the others are computed.
            return_report: Return a `PredictResult` with the scores and the errors.
            **kwargs: `processing_kwargs`, and what `get_model_kwargs()` lists.

        Returns:
            float32 `[pairs]`, or `[pairs, labels]` for several labels; a number or `[labels]` for one pair; for an
            empty batch an empty array.

        Raises:
            InputError: A pair cannot be used; names its position. See `on_error`.
            UnknownArgumentError: A keyword that nothing reads.

        Example:
            >>> model.predict([("a cat", "cat.jpg"), ("a cat", "a dog in the rain")])  # doctest: +SKIP
            array([0.83, 0.02], dtype=float32)
        """
        self._check_arguments("predict", kwargs)
        call = ScoreCall(
            activation=activation_fn or self.activation_fn,
            prompt=self._prompts.resolve(prompt, prompt_name),
            batch_size=batch_size,
            apply_softmax=bool(apply_softmax),
            as_tensor=convert_to_tensor,
            as_numpy=convert_to_numpy and not convert_to_tensor,
            shared=shared,
            on_error=on_error,
            kwargs=kwargs,
        )
        is_single = self.is_singular_input(inputs)
        if is_single:
            values: Sequence[Any] = [inputs.tolist() if isinstance(inputs, np.ndarray) and inputs.ndim == 1 else inputs]
        else:
            values = running.as_list(inputs)
        result, place = self._compute(values, call, device, pool, chunk_size, show_progress_bar)
        scores = assemble_scores(result.rows, call, self.num_labels, place)
        scores = scores[0] if is_single else scores
        if return_report:
            return PredictResult(scores, result.errors)
        warn_about_errors(result.errors, "pairs", stacklevel=3)
        return scores

    @take_older_arguments(
        "CrossEncoder.rank",
        renamed={"activation_fct": "activation_fn"},
        ignored=("apply_softmax", "convert_to_numpy", "convert_to_tensor", "num_workers"),
    )
    def rank(
        self,
        query: Any,
        documents: Sequence[Any],
        top_k: int | None = None,
        return_documents: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Callable[..., Any] | None = None,
        device: str | list[str | torch.device] | None = None,
        pool: Pool | None = None,
        chunk_size: int | None = None,
        *,
        shared: bool = True,
        max_time_s: float | None = None,
        on_error: OnError = "raise",
        return_report: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Order documents by their score for a query, best first.

        Args:
            query: Anything that `encode` takes.
            documents: A batch of the same.
            top_k: Documents returned; None for all.
            return_documents: Whether to return the documents themselves, under `"text"` whatever they are.
            prompt_name: As in `predict`.
            prompt: As in `predict`.
            batch_size: As in `predict`.
            show_progress_bar: As in `predict`.
            activation_fn: As in `predict`.
            device: As in `predict`.
            pool: As in `predict`.
            chunk_size: As in `predict`.
            shared: As in `predict`.
            max_time_s: Begin no further pass after this many seconds, and return what is scored by then. Documents are
                then begun in the order given, so give the likeliest first.
            on_error: `"raise"`, or `"skip"`: documents that cannot be used come last, with NaN.
            return_report: Return a `RankResult` with the ranking, the errors and how many documents were not scored.
            **kwargs: As in `predict`.

        Returns:
            One dict a document: `corpus_id` (its position), `score` (a Python float) and, if asked for, `text`. Equal
            scores keep the documents' order. Empty for no documents.

        Raises:
            InputError: The model has several labels; or a document cannot be used, see `on_error`.
            UnknownArgumentError: A keyword that nothing reads.

        Example:
            >>> model.rank("a cat on a sofa", ["cat.jpg", "a dog in the rain"])  # doctest: +SKIP
            [{'corpus_id': 0, 'score': 0.83}, {'corpus_id': 1, 'score': 0.02}]
        """
        self._check_arguments("rank", kwargs)
        if self.num_labels != 1:
            raise InputError(
                f"CrossEncoder.rank() only works for models with num_labels=1, and this one has {self.num_labels}. Use "
                "CrossEncoder.predict() with input pairs instead, and choose a label."
            )
        if max_time_s is not None and not (isinstance(max_time_s, (int, float)) and max_time_s >= 0):
            raise InputError(
                f"max_time_s={max_time_s!r} is not usable: it must be None, or a number of seconds, 0 or more."
            )
        if max_time_s is not None and (pool is not None or isinstance(device, list)):
            raise InputError("max_time_s works in this process only. Leave out `pool`, and give one device.")
        call = ScoreCall(
            activation=activation_fn or self.activation_fn,
            prompt=self._prompts.resolve(prompt, prompt_name),
            batch_size=batch_size,
            shared=shared,
            on_error=on_error,
            stop_at_s=None if max_time_s is None else time.monotonic() + max_time_s,
            kwargs=kwargs,
        )
        documents = list_documents(documents)
        result, _ = self._compute(
            make_pairs(self[0], query, documents), call, device, pool, chunk_size, show_progress_bar
        )
        ranking = order_documents(result, documents, top_k, return_documents)
        unscored = sum(row is None for row in result.rows) - len(result.errors)
        if return_report:
            return RankResult(ranking, result.errors, unscored)
        warn_about_errors(result.errors, "documents", stacklevel=3)
        if unscored:
            warnings.warn(
                f"the time of {max_time_s} s was up before {unscored} of {len(documents)} documents were scored; they "
                "are left out.",
                stacklevel=3,
            )
        return ranking

    def _check_arguments(self, method: str, given: dict[str, Any]) -> None:
        if given:
            known = [*self.get_model_kwargs(), "processing_kwargs"]
            check_arguments(f"{self.model_type}.{method}()", given, known, getattr(self, method))
            warn_unknown_settings(given.get("processing_kwargs"), "per-call `processing_kwargs`")

    def _compute(
        self,
        values: Sequence[Any],
        call: ScoreCall,
        device: str | list[str | torch.device] | None,
        pool: Pool | None,
        chunk_size: int | None,
        show_progress: bool | None,
    ) -> tuple[RunResult, torch.device]:
        """Compute the rows of a call, wherever it is to run; returns them with the device they are on."""
        has_progress = running.wants_progress(show_progress)
        if pool is not None or (isinstance(device, list) and device):
            result = compute_in_processes(self, values, call, pool, device, chunk_size, has_progress)
            return result, self.device
        with self._on_device(None if isinstance(device, list) else device) as place:
            return compute_scores(self, values, call, place, has_progress), place

    def _compute_chunk(self, values: list[Any], device: str, call: ScoreCall) -> EncodeResult:
        """Compute a chunk in a worker process, whose copy of the model moves to the worker's device for good."""
        self.to(device)
        result = compute_scores(self, values, call, self.device, has_progress=False)
        return EncodeResult(result.rows, result.errors)


def _with(given: dict[str, Any] | None, key: str, value: Any) -> dict[str, Any]:
    """Return a copy of `given` with a setting added that has an argument of its own."""
    return {**(given or {}), **({} if value is None else {key: value})}
