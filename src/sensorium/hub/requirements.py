"""The packages a checkpoint asks for in its `requirements`, compared with those installed.

Must not know what the packages are used for, and must not install or import any of them.
"""

from __future__ import annotations

import importlib.metadata
import logging
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)

#: Names that are spelt differently on PyPI.
_ALIASES = {"pytorch": "torch"}

#: Both go into a command that people paste into a shell, so no other characters are repeated there.
_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_SPECIFIER = re.compile(r"[A-Za-z0-9.,<>=!~*+ _-]*")


@dataclass(frozen=True, slots=True)
class _Unmet:
    package: str
    specifier: str
    installed: str | None
    reason: str

    def sentence(self) -> str:
        state = "it is not installed" if self.installed is None else f"{self.package}=={self.installed} is installed"
        return f"- {self.package}{self.specifier}, but {state}.{' ' + self.reason if self.reason else ''}"


def check_requirements(requirements: Mapping[str, Any] | None, source: str | None = None) -> None:
    """Raise unless the installed packages satisfy what a checkpoint asks for.

    Args:
        requirements: Package name to version specifier (PEP 440), or to `{"specifier": ..., "reason": ...}`. None or
            empty asks for nothing. What cannot be parsed is warned about and skipped, so that a newer notation does not
            lock a model out.
        source: Name of the model, for the message.

    Raises:
        ImportError: One or more are unmet; names them all, with one pip command. Pre-releases count as installed.
    """
    if requirements is None:
        return
    if not isinstance(requirements, Mapping):
        logger.warning("Ignoring the `requirements` of %s: expected a dictionary of version specifiers.", source)
        return
    found = (_check(str(package), wanted, source) for package, wanted in requirements.items())
    unmet = [item for item in found if item is not None]
    if not unmet:
        return
    lines = [f"The model {source!r} requires:" if source else "This model requires:"]
    lines += [item.sentence() for item in unmet]
    installable = [f'"{item.package}{item.specifier}"' for item in unmet if item.package != "python"]
    if installable:
        lines += ["Install compatible versions with:", f"    pip install -U {' '.join(installable)}"]
    raise ImportError("\n".join(lines))


def installed_version(package: str) -> str | None:
    """Return a package's installed version, or None. `python` is the interpreter."""
    if package == "python":
        return platform.python_version()
    try:
        return importlib.metadata.version(package)
    except (importlib.metadata.PackageNotFoundError, ValueError):  # ValueError: not a package name at all
        return None


def _check(package: str, wanted: Any, source: str | None) -> _Unmet | None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    reason = ""
    if isinstance(wanted, Mapping):
        reason = str(wanted.get("reason") or "")
        wanted = wanted.get("specifier", "")
    if not isinstance(wanted, str):
        _warn(package, wanted, source, "expected a version specifier string.")
        return None
    if not _PACKAGE.fullmatch(package) or not _SPECIFIER.fullmatch(wanted):
        _warn(package, wanted, source, "not a package name with a version specifier.")
        return None
    package = _ALIASES.get(package.lower(), package)
    installed = installed_version(package)
    try:
        specifier = SpecifierSet(wanted)
        if installed is not None and specifier.contains(installed, prereleases=True):
            return None
    except (InvalidSpecifier, InvalidVersion) as exc:
        _warn(package, wanted, source, str(exc))
        return None
    return _Unmet(package, wanted, installed, reason)


def _warn(package: str, wanted: Any, source: str | None, cause: str) -> None:
    logger.warning("Could not verify the requirement %r for %r of %s: %s", wanted, package, source, cause)
