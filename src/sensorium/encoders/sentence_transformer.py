"""`SentenceTransformer`: any input becomes a vector. The interface of the library of that name, kept to the letter.

A call is checked here, walked by the engine through `steps`, and put together by `call`. Must not know how media are
decoded, how a module computes, or how work is spread.
"""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from torch import nn

from sensorium.encoders import running
from sensorium.encoders.call import EncodeCall, check_arguments
from sensorium.encoders.loading import LoadOptions
from sensorium.encoders.model import BaseModel, Pool
from sensorium.engine.report import EncodeResult
from sensorium.errors import InputError
from sensorium.scoring.similarity_function import SimilarityFunction

if TYPE_CHECKING:
    from collections import OrderedDict
    from collections.abc import Generator, Iterable, Iterator

    import numpy as np
    import torch
    from torch import Tensor

    from sensorium.encoders.call import OnError
    from sensorium.media.limits import MediaSettings

logger = logging.getLogger(__name__)

Precision = Literal["float32", "int8", "uint8", "binary", "ubinary"]
SimilarityName = Literal["cosine", "dot", "euclidean", "manhattan"]


class SentenceTransformer(BaseModel):
    """Loads a checkpoint, or joins modules, that turn text, images, audio and video into vectors.

    Args:
        model_name_or_path: Folder, or name on the hub.
        modules: Modules to join, where no checkpoint is named.
        device: `"cpu"`, `"cuda:0"`, ...; the best there is, if None.
        prompts: Texts put before inputs, by name; they win over the checkpoint's.
        default_prompt_name: The prompt of calls that name none.
        cache_folder: Where the hub's files are kept; else `SENTENCE_TRANSFORMERS_HOME`, else the hub's own place.
        trust_remote_code: Run code that the checkpoint carries.
        revision: Branch, tag or commit.
        local_files_only: Ask no hub.
        token: Hub token.
        use_auth_token: Older name of `token`.
        model_kwargs: For the network: `dtype`, `attn_implementation`, `device_map`, ...
        processor_kwargs: For the processor: `min_pixels`, `max_pixels`, `chat_template`, ...
        config_kwargs: For the network's configuration.
        model_card_data: Accepted; model cards are minimal.
        backend: `"torch"`.
        similarity_fn_name: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`.
        truncate_dim: Leading dimensions kept of each vector; None keeps all.
        media: Limits and fetch policy for media, and whether JPEG files may be decoded at a reduced size.
        tokenizer_kwargs: Older name of `processor_kwargs`.
        video_as_frames: Take clips on a model that takes images and no clips: a clip's vector is the mean of its
            frames' vectors, of 8 frames spread over it, or as many as given. The checkpoint's own setting if None.

    Raises:
        ModelNotFoundError: There is no such checkpoint.
        CheckpointError: Its files are malformed, or need `trust_remote_code`.
        MissingExtraError: It needs a package that is not installed.

    Example:
        >>> model = SentenceTransformer("all-MiniLM-L6-v2")  # doctest: +SKIP
        >>> model.encode(["a cat", "a dog"]).shape  # doctest: +SKIP
        (2, 384)
    """

    model_type: ClassVar[str] = "SentenceTransformer"
    default_huggingface_organization: ClassVar[str | None] = "sentence-transformers"

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
        use_auth_token: bool | str | None = None,
        model_kwargs: dict[str, Any] | None = None,
        processor_kwargs: dict[str, Any] | None = None,
        config_kwargs: dict[str, Any] | None = None,
        model_card_data: Any | None = None,
        backend: Literal["torch", "onnx", "openvino"] = "torch",
        similarity_fn_name: SimilarityName | SimilarityFunction | None = None,
        truncate_dim: int | None = None,
        media: MediaSettings | None = None,
        tokenizer_kwargs: dict[str, Any] | None = None,
        video_as_frames: bool | int | None = None,
    ) -> None:
        options = LoadOptions(
            token=_join_tokens(token, use_auth_token),
            cache_folder=cache_folder or os.environ.get("SENTENCE_TRANSFORMERS_HOME"),
            revision=revision,
            local_files_only=local_files_only,
            trust_remote_code=trust_remote_code,
            model_kwargs=model_kwargs or {},
            processor_kwargs=_join_processor_kwargs(processor_kwargs, tokenizer_kwargs),
            config_kwargs=config_kwargs or {},
            backend=backend,
        )
        super().__init__(model_name_or_path, modules, device, prompts, default_prompt_name, options, media)
        saved = self.model_config
        self.video_as_frames = saved.get("video_as_frames") or False if video_as_frames is None else video_as_frames
        self.truncate_dim = truncate_dim if truncate_dim is not None else saved.get("truncate_dim")
        self._similarity: SimilarityFunction | None = None
        if similarity_fn_name is not None:
            self.similarity_fn_name = similarity_fn_name
        elif saved.get("similarity_fn_name") in running.SIMILARITY_NAMES:
            self.similarity_fn_name = saved["similarity_fn_name"]

    def _default_modules(self, name: str, options: LoadOptions) -> list[nn.Module]:
        from sensorium.modules.pooling import Pooling
        from sensorium.modules.transformer import Transformer

        transformer = Transformer.load(name, **options.for_module(), is_plain=True)
        if transformer.module_output_name == "sentence_embedding":
            return [transformer]
        architecture = (transformer.config.architectures or [""])[0]
        is_causal = architecture.endswith("ForCausalLM") and getattr(transformer.config, "is_causal", None) is not False
        mode = "lasttoken" if is_causal else "mean"
        return [transformer, Pooling(transformer.get_embedding_dimension(), mode)]

    # Encoding

    def encode(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: Literal["sentence_embedding", "token_embeddings"] | None = "sentence_embedding",
        precision: Precision = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | list[str | torch.device] | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: Pool | None = None,
        chunk_size: int | None = None,
        *,
        on_error: OnError = "raise",
        return_report: bool = False,
        **kwargs: Any,
    ) -> list[Tensor] | np.ndarray | Tensor | dict[str, Tensor] | list[dict[str, Tensor]] | EncodeResult:
        """Compute the vectors of inputs.

        Args:
            inputs: One input or a batch: text, path, address, PIL image, bytes, array, dict of modalities, chat
                messages; see the guide on inputs. A batch may mix them freely.
            prompt_name: Name of a prompt of the model.
            prompt: A text put before each input (a system message on chat models); wins over `prompt_name`.
            batch_size: Most inputs in one pass; long inputs make smaller batches.
            show_progress_bar: None shows it where this library logs at INFO.
            output_value: `"sentence_embedding"`, `"token_embeddings"` (a list of `[tokens, dim]`), or None for a dict
                of
                every feature an input.
            precision: `"float32"`, `"int8"`, `"uint8"`, `"binary"` or `"ubinary"` (8 dimensions a byte).
            convert_to_numpy: Return one array; otherwise a list of tensors.
            convert_to_tensor: Return one tensor; wins over `convert_to_numpy`.
            device: Compute there for this call; a list spreads the call over one process a device.
            normalize_embeddings: Scale vectors to length 1.
            truncate_dim: Leading dimensions kept; the model's own if None.
            pool: From `start_multi_process_pool`.
            chunk_size: Inputs sent to a process at a time.
            on_error: `"raise"`, or `"skip"`: inputs that cannot be used get a row of NaN (of zeros in an integer
                precision)
                and the others are computed.
            return_report: Return an `EncodeResult` with the vectors and the errors.
            **kwargs: `task`, `processing_kwargs`, and what `get_model_kwargs()` lists.

        Returns:
            `[inputs, dim]`, float32 unless the model or `precision` says otherwise; `[dim]` for one input; for an
            empty batch an
            empty array.

        Raises:
            InputError: An input cannot be used; names its position. See `on_error`.
            UnknownArgumentError: A keyword that nothing reads.

        Example:
            >>> model.encode("photo.jpg").shape  # doctest: +SKIP
            (512,)
        """
        inputs, kwargs = _take_alias(inputs, kwargs)
        self._check_arguments("encode", kwargs)
        call = EncodeCall(
            prompt=self._prompts.resolve(prompt, prompt_name),
            batch_size=batch_size,
            output_value=output_value,
            precision=precision or "float32",
            as_tensor=convert_to_tensor and output_value == "sentence_embedding",
            as_numpy=convert_to_numpy and not convert_to_tensor and output_value == "sentence_embedding",
            normalize=normalize_embeddings,
            truncate_dim=truncate_dim if truncate_dim is not None else self.truncate_dim,
            on_error=on_error,
            kwargs=kwargs,
        )
        is_single = self.is_singular_input(inputs)
        values = [inputs] if is_single else running.as_list(inputs)
        if pool is not None or (isinstance(device, list) and device):
            result = running.run_in_processes(self, values, call, pool, device, chunk_size, show_progress_bar)
        else:
            place = None if isinstance(device, list) else device
            result = running.run_here(self, values, call, place, show_progress_bar)
        return running.hand_over(result, is_single, return_report)

    def encode_query(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: Literal["sentence_embedding", "token_embeddings"] | None = "sentence_embedding",
        precision: Precision = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | list[str | torch.device] | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: Pool | None = None,
        chunk_size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Encode queries: with the prompt named `"query"`, unless another is given, and `task="query"`. See
        `encode`."""
        if prompt is None and prompt_name is None:
            prompt_name = self._prompts.query_name()
        return self.encode(
            inputs=inputs,
            prompt_name=prompt_name,
            prompt=prompt,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            output_value=output_value,
            precision=precision,
            convert_to_numpy=convert_to_numpy,
            convert_to_tensor=convert_to_tensor,
            device=device,
            normalize_embeddings=normalize_embeddings,
            truncate_dim=truncate_dim,
            pool=pool,
            chunk_size=chunk_size,
            **{"task": "query", **kwargs},
        )

    def encode_document(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: Literal["sentence_embedding", "token_embeddings"] | None = "sentence_embedding",
        precision: Precision = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | list[str | torch.device] | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: Pool | None = None,
        chunk_size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Encode documents: with the first prompt named `"document"`, `"passage"` or `"corpus"`, and
        `task="document"`."""
        if prompt is None and prompt_name is None:
            prompt_name = self._prompts.document_name()
        return self.encode(
            inputs=inputs,
            prompt_name=prompt_name,
            prompt=prompt,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            output_value=output_value,
            precision=precision,
            convert_to_numpy=convert_to_numpy,
            convert_to_tensor=convert_to_tensor,
            device=device,
            normalize_embeddings=normalize_embeddings,
            truncate_dim=truncate_dim,
            pool=pool,
            chunk_size=chunk_size,
            **{"task": "document", **kwargs},
        )

    def encode_stream(
        self,
        inputs: Iterable[Any],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        precision: Literal["float32", "binary", "ubinary"] = "float32",
        convert_to_tensor: bool = False,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        on_error: OnError = "raise",
        return_report: bool = False,
        window: int | None = None,
        **kwargs: Any,
    ) -> Generator[Any, None, None]:
        """Compute vectors of inputs that come one after another, in memory that does not grow with their number.

        Args:
            inputs: Any iterable, endless ones included; each item is one input.
            prompt_name: As in `encode`.
            prompt: As in `encode`.
            batch_size: As in `encode`.
            precision: `"float32"`, `"binary"` or `"ubinary"`: int8 needs ranges over all rows, which a stream never
                sees.
            convert_to_tensor: Yield tensors, not arrays.
            normalize_embeddings: As in `encode`.
            truncate_dim: As in `encode`.
            on_error: As in `encode`; skipped inputs yield a row of NaN (of zeros in a binary precision).
            return_report: Yield `StreamRow(index, embedding, error)` instead of bare rows.
            window: Inputs held at a time, among which long and short are sorted and duplicates found.
            **kwargs: As in `encode`.

        Yields:
            A vector `[dim]` an input, in order.
        """
        self._check_arguments("encode_stream", kwargs)
        if precision in ("int8", "uint8"):
            raise InputError(
                f"precision={precision!r} needs ranges over all rows, which a stream never sees. Stream float32 "
                f"and use "
                "quantize_embeddings with ranges, or use a binary precision."
            )
        call = EncodeCall(
            prompt=self._prompts.resolve(prompt, prompt_name),
            batch_size=batch_size,
            precision=precision,
            as_tensor=convert_to_tensor,
            as_numpy=not convert_to_tensor,
            normalize=normalize_embeddings,
            truncate_dim=truncate_dim if truncate_dim is not None else self.truncate_dim,
            on_error=on_error,
            kwargs=kwargs,
        )
        return running.run_stream(self, inputs, call, window, return_report)

    def encode_document_stream(self, inputs: Iterable[Any], **kwargs: Any) -> Generator[Any, None, None]:
        """Compute vectors of documents that come one after another: `encode_stream`, with the prompt and the task of
        `encode_document`.

        Args:
            inputs: Any iterable; each item is one document.
            **kwargs: As in `encode_stream`.

        Yields:
            A vector `[dim]` an input, in order.
        """
        if kwargs.get("prompt") is None and kwargs.get("prompt_name") is None:
            kwargs["prompt_name"] = self._prompts.document_name()
        return self.encode_stream(inputs, **{"task": "document", **kwargs})

    def _check_arguments(self, method: str, given: dict[str, Any]) -> None:
        if given:
            known = [*self.get_model_kwargs(), "task", "processing_kwargs"]
            check_arguments(f"{self.model_type}.{method}()", given, known, getattr(self, method))

    # Processes

    def _compute_chunk(self, values: list[Any], device: str, call: EncodeCall) -> EncodeResult:
        """Compute a chunk in a worker process, whose copy of the model moves to the worker's device for good."""
        self.to(device)
        result = running.compute_rows(self, values, call, self.device, has_progress=False)
        return EncodeResult(result.rows, result.errors)

    def encode_multi_process(
        self,
        sentences: list[str],
        pool: Pool,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        chunk_size: int | None = None,
        show_progress_bar: bool | None = None,
        precision: Precision = "float32",
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
    ) -> np.ndarray:
        """Encode in a pool, under the older name of `encode(pool=...)`."""
        embeddings: Any = self.encode(
            sentences,
            prompt_name=prompt_name,
            prompt=prompt,
            batch_size=batch_size,
            chunk_size=chunk_size,
            show_progress_bar=show_progress_bar,
            precision=precision,
            normalize_embeddings=normalize_embeddings,
            truncate_dim=truncate_dim,
            pool=pool,
        )
        return embeddings

    # Comparing

    @property
    def similarity_fn_name(self) -> SimilarityName:
        """How vectors of this model are compared; cosine where nobody says."""
        name: Any = (self._similarity or SimilarityFunction.COSINE).value
        return name

    @similarity_fn_name.setter
    def similarity_fn_name(self, value: SimilarityName | SimilarityFunction | None) -> None:
        name = value.value if isinstance(value, SimilarityFunction) else value
        if name is not None and name not in running.SIMILARITY_NAMES:
            hint = " Maximum similarity over tokens is MultiVectorEncoder's." if "maxsim" in name else ""
            raise InputError(
                f"{self.model_type} only supports the similarity functions {list(running.SIMILARITY_NAMES)}, got "
                f"{name!r}.{hint}"
            )
        self._similarity = None if name is None else SimilarityFunction(name)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Compare every vector of one set with every one of another.

        Args:
            embeddings1: `[n, dim]` or `[dim]`, tensor, array or list.
            embeddings2: `[m, dim]` or `[dim]`.

        Returns:
            float32 `[n, m]`, higher is more alike.
        """
        return SimilarityFunction.to_similarity_fn(self.similarity_fn_name)(embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """Compare vectors pair by pair.

        Args:
            embeddings1: `[n, dim]`.
            embeddings2: `[n, dim]`.

        Returns:
            float32 `[n]`, higher is more alike.
        """
        return SimilarityFunction.to_similarity_pairwise_fn(self.similarity_fn_name)(embeddings1, embeddings2)

    # Dimensions

    def get_embedding_dimension(self) -> int | None:
        """Return the width of the vectors that `encode` returns, or None if no module says it."""
        names = ("get_embedding_dimension", "get_sentence_embedding_dimension", "get_word_embedding_dimension")
        width = None
        for module in reversed(list(self)):
            method = next((getattr(module, name) for name in names if hasattr(module, name)), None)
            width = method() if method is not None else None
            if width is not None:
                break
        if self.truncate_dim is None:
            return width
        return self.truncate_dim if width is None else min(width, self.truncate_dim)

    def get_sentence_embedding_dimension(self) -> int | None:
        """Return the width of the vectors, under its older name."""
        return self.get_embedding_dimension()

    @contextlib.contextmanager
    def truncate_embeddings(self, truncate_dim: int | None) -> Iterator[None]:
        """Set `truncate_dim` for a while.

        Args:
            truncate_dim: Leading dimensions kept; None keeps all.
        """
        former = self.truncate_dim
        self.truncate_dim = truncate_dim
        try:
            yield
        finally:
            self.truncate_dim = former

    def truncate_sentence_embeddings(self, truncate_dim: int | None) -> Any:
        """Set `truncate_dim` for a while, under its older name."""
        return self.truncate_embeddings(truncate_dim)

    def set_pooling_include_prompt(self, include_prompt: bool) -> None:
        """Say whether a prompt's tokens count in pooling."""
        from sensorium.modules.pooling import Pooling

        for module in self:
            if isinstance(module, Pooling):
                module.include_prompt = include_prompt
                return

    def _describe_output(self) -> str:
        """Say in a few words what the model gives, for its card."""
        return f"{self.get_embedding_dimension()} dimensions, compared by {self.similarity_fn_name}"

    def get_saved_config(self) -> dict[str, Any]:
        """Return this model's part of `config_sentence_transformers.json`."""
        config = {**super().get_saved_config(), "similarity_fn_name": self.similarity_fn_name}
        return config if self.truncate_dim is None else {**config, "truncate_dim": self.truncate_dim}

    @staticmethod
    def load(input_path: str) -> SentenceTransformer:
        """Load a checkpoint, under the older name of the constructor."""
        return SentenceTransformer(input_path)


def _take_alias(inputs: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Take `sentences=`, the older name of `inputs`."""
    if "sentences" not in kwargs:
        if inputs is None:
            raise InputError(
                "inputs is None. Pass one input or a batch; a batch with a missing item needs on_error='skip'."
            )
        return inputs, kwargs
    logger.warning("The argument `sentences` was renamed and is now deprecated; its name is `inputs`.")
    rest = {key: value for key, value in kwargs.items() if key != "sentences"}
    return (kwargs["sentences"] if inputs is None else inputs), rest


def _join_tokens(token: bool | str | None, older: bool | str | None) -> bool | str | None:
    if older is None:
        return token
    if token is not None:
        raise InputError("Both `token` and `use_auth_token` were given. Give `token` only.")
    logger.warning("The argument `use_auth_token` is deprecated; its name is now `token`.")
    return older


def _join_processor_kwargs(given: dict[str, Any] | None, older: dict[str, Any] | None) -> dict[str, Any]:
    if older is not None:
        logger.warning(
            "The argument `tokenizer_kwargs` was renamed and is now deprecated; its name is `processor_kwargs`."
        )
    return dict(given if given is not None else older or {})
