"""From the name that a user gives to the name that the hub knows, or to a folder.

Must not open files or reach the network.
"""

from __future__ import annotations

import os
from pathlib import Path

from sensorium.errors import ModelError, ModelNotFoundError


class NotAFolderError(ModelError, NotADirectoryError):
    """A model name that is a file."""

    def __str__(self) -> str:
        return str(self.args[0])


def _names(family: str, variants: str) -> set[str]:
    return {f"{family}{variant}" for variant in variants.split()}


#: Models that the hub serves under a name without an organisation, so that none may be put in front.
#: Source: the canonical models of the hub, as documented by `transformers` 4 under "Pretrained models".
ORIGINAL_NAMES: frozenset[str] = frozenset(
    _names("albert-", "base-v1 base-v2 large-v1 large-v2 xlarge-v1 xlarge-v2 xxlarge-v1 xxlarge-v2")
    | _names("bert-base-", "cased cased-finetuned-mrpc chinese german-cased german-dbmdz-cased german-dbmdz-uncased")
    | _names("bert-base-", "multilingual-cased multilingual-uncased uncased")
    | _names("bert-large-", "cased cased-whole-word-masking cased-whole-word-masking-finetuned-squad")
    | _names("bert-large-", "uncased uncased-whole-word-masking uncased-whole-word-masking-finetuned-squad")
    | _names("distilbert-base-", "cased cased-distilled-squad german-cased multilingual-cased uncased")
    | _names("distilbert-base-", "uncased-distilled-squad uncased-finetuned-sst-2-english")
    | _names("gpt2", " -large -medium -xl")
    | {"gpt2", "camembert-base", "ctrl", "distilgpt2", "distilroberta-base", "openai-gpt", "transfo-xl-wt103"}
    | _names("roberta-", "base base-openai-detector large large-mnli large-openai-detector")
    | _names("t5-", "11b 3b base large small")
    | _names("xlm-", "clm-ende-1024 clm-enfr-1024 mlm-100-1280 mlm-17-1280 mlm-en-2048 mlm-ende-1024 mlm-enfr-1024")
    | _names("xlm-", "mlm-enro-1024 mlm-tlm-xnli15-1024 mlm-xnli15-1024")
    | _names("xlm-roberta-", "base large large-finetuned-conll02-dutch large-finetuned-conll02-spanish")
    | _names("xlm-roberta-", "large-finetuned-conll03-english large-finetuned-conll03-german")
    | _names("xlnet-", "base-cased large-cased")
)


def resolve_name(name_or_path: str | os.PathLike[str], default_org: str | None = None) -> str:
    """Turn what a user typed into a folder or a full hub name.

    Args:
        name_or_path: An existing folder, `organisation/name`, or a bare name.
        default_org: Put in front of a bare name, unless that is one of `ORIGINAL_NAMES`; None leaves bare names alone.

    Returns:
        The folder as given, or the hub name. Nothing is looked up.

    Raises:
        NotAFolderError: The name is an existing file.
        ModelNotFoundError: The name can only be a path, and no such folder exists.
    """
    name = os.fspath(name_or_path)
    if not name:
        raise ModelNotFoundError("An empty string is not a model. Give a folder or a hub name.", model=name)
    path = Path(name)
    if path.is_dir():
        return name
    if path.is_file():
        raise NotAFolderError(
            f"{name!r} is a file, not a directory. Give the folder that holds the model's files.", model=name
        )
    if _can_only_be_a_path(name):
        raise ModelNotFoundError(
            f"Path {name!r} not found: there is no such folder (looked from {str(Path.cwd())!r}), and a name on the "
            "hub has the form 'organisation/name'. Correct the path, or give a hub name.",
            model=name,
        )
    if "/" not in name and default_org and name.lower() not in ORIGINAL_NAMES:
        return f"{default_org}/{name}"
    return name


def _can_only_be_a_path(name: str) -> bool:
    return name.count("/") > 1 or "\\" in name or name.startswith(("/", "./", "../", "~"))
