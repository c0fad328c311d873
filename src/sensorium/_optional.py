"""The one gate for optional packages: import it, or raise the error that names the pip command.

Must not know what the packages are used for.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from sensorium.errors import MissingExtraError

#: Import name -> (name on PyPI, extra that installs it).
PACKAGES: dict[str, tuple[str, str]] = {
    "torchvision": ("torchvision", "image"),
    "soundfile": ("soundfile", "audio"),
    "soxr": ("soxr", "audio"),
    "av": ("av", "video"),
    "peft": ("peft", "peft"),
    "pypdfium2": ("pypdfium2", "pdf"),
    "pathspec": ("pathspec", "ingest"),
    "lancedb": ("lancedb", "store"),
    "pyarrow": ("lancedb", "store"),
    "filelock": ("filelock", "store"),
    "typer": ("typer", "cli"),
    "rich": ("rich", "cli"),
    "watchfiles": ("watchfiles", "cli"),
    "openai": ("openai", "rag"),
    "sensorium_mini": ("sensorium-mini", "mini"),
}


def is_installed(name: str) -> bool:
    """Tell whether `name` can be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


def missing_extra(name: str, purpose: str) -> MissingExtraError:
    """Build the error for an absent package.

    Args:
        name: Import name, a key of `PACKAGES`.
        purpose: What needs it, as the beginning of a sentence: "reading a sound file".
    """
    package, extra = PACKAGES[name]
    return MissingExtraError(
        f"{purpose} needs the package {package!r}, which is not installed. "
        f'Install it with: pip install "sensorium[{extra}]"',
        extra=extra,
        package=package,
    )


def require(name: str, purpose: str) -> ModuleType:
    """Import an optional package.

    Args:
        name: Import name, a key of `PACKAGES`.
        purpose: What needs it, for the error's sentence.

    Returns:
        The module.

    Raises:
        MissingExtraError: The package is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module(name)
    except ImportError as exc:
        raise missing_extra(name, purpose) from exc
