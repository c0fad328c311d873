"""Write a model into a folder that this library and Sentence Transformers can load.

Settings that only we know go into `config_sentence_transformers.json`, where the other library ignores unknown keys.
Must
not know how a module writes itself.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from sensorium._version import __version__
from sensorium.encoders.loading import MODULES_FILE
from sensorium.encoders.stored_config import CONFIG_FILE
from sensorium.modules.registry import is_carried_code, type_name

if TYPE_CHECKING:
    from sensorium.encoders.model import BaseModel

#: The release of Sentence Transformers whose layout is written; its readers compare their own version with it.
LAYOUT_VERSION = "5.4.0"


def save_model(
    model: BaseModel, path: str, model_name: str | None, creates_card: bool, safe_serialization: bool
) -> None:
    """Write modules, configuration and card into `path`."""
    os.makedirs(path, exist_ok=True)
    _write_json(os.path.join(path, CONFIG_FILE), {"__version__": _versions(), **model.get_saved_config()}, sort=True)
    entries = []
    for position, (name, module) in enumerate(model.named_children()):
        is_in_root = position == 0 and getattr(module, "save_in_root", False)
        folder = "" if is_in_root else f"{position}_{type(module).__name__}"
        target = os.path.join(path, folder)
        os.makedirs(target, exist_ok=True)
        _save_module(module, target, safe_serialization)
        entry: dict[str, Any] = {"idx": position, "name": name, "path": folder, "type": type_name(module)}
        if model.module_kwargs.get(name):
            entry["kwargs"] = model.module_kwargs[name]
        entries.append(entry)
    _write_json(os.path.join(path, MODULES_FILE), entries)
    _copy_code(model, path)
    if creates_card:
        with open(os.path.join(path, "README.md"), "w", encoding="utf-8") as file:
            file.write(_card(model, model_name))


def _copy_code(model: BaseModel, path: str) -> None:
    """Write the files of classes that came out of a checkpoint into the root, where `modules.json` is read to mean."""
    from transformers import PreTrainedModel
    from transformers.dynamic_module_utils import custom_object_save

    carried = {type(module).__module__: module for module in model.modules() if is_carried_code(module)}
    for module in carried.values():
        if not isinstance(module, PreTrainedModel):  # a network saves its own code
            custom_object_save(module, path)


def _save_module(module: Any, target: str, safe_serialization: bool) -> None:
    import inspect

    parameters = inspect.signature(module.save).parameters
    takes_it = "safe_serialization" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if takes_it:
        module.save(target, safe_serialization=safe_serialization)
    else:
        module.save(target)


def _write_json(path: str, value: Any, *, sort: bool = False) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, sort_keys=sort)


def _versions() -> dict[str, str]:
    found = {"sentence_transformers": LAYOUT_VERSION, "sensorium": __version__}
    for key, package in (("transformers", "transformers"), ("pytorch", "torch")):
        try:
            found[key] = version(package)
        except PackageNotFoundError:  # vendored under another name
            continue
    return found


def _card(model: BaseModel, model_name: str | None) -> str:
    """Return the card the model was loaded with, or a minimal new one."""
    stored = (
        model._checkpoint.find_file("README.md")
        if model._checkpoint is not None and model._checkpoint.is_local
        else None
    )
    if stored is not None:
        text = stored.read_text(encoding="utf-8", errors="replace")
        return text.replace(model.card_placeholder, model_name) if model_name else text
    name = model_name or model.card_placeholder
    modalities = ", ".join(str(modality) for modality in model.modalities)
    tags = "\n".join(f"- {tag}" for tag in ("sentence-transformers", *model._card_tags))
    return (
        f"---\nlibrary_name: sentence-transformers\ntags:\n{tags}\n---\n\n"
        f"# {model.model_type}\n\nTakes: {modalities}. Output: {model._describe_output()}.\n\n"
        f"```python\nfrom sensorium import {model.model_type}\n\n"
        f'model = {model.model_type}("{name}")\n{model._card_example}\n```\n'
    )
