"""Arguments that several commands have, each described once. Must not know what commands do with them."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Optional

import typer


class ModalityName(str, Enum):
    """What `--modality` takes."""

    text = "text"
    image = "image"
    audio = "audio"
    video = "video"


class BalanceName(str, Enum):
    """What `--balance` takes."""

    auto = "auto"
    off = "off"


# typer reads these at run time, on Python 3.10 and with versions that know no `X | None` inside `Annotated`.
CollectionOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--collection",
        "-c",
        metavar="DIR",
        envvar="SENSORIUM_COLLECTION",
        help="Folder of the collection; .sensorium in the current folder by default.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document, for scripts.")]
DeviceOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--device", metavar="NAME", help="Where the model computes: cpu, cuda, cuda:1, mps."),
]
TopKOption = Annotated[int, typer.Option("--top-k", "-k", min=1, help="How many results.")]
ModalityOption = Annotated[
    Optional[list[ModalityName]],  # noqa: UP045
    typer.Option("--modality", "-m", help="Only records of this modality; may be repeated.", case_sensitive=False),
]
WhereOption = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--where",
        "-w",
        metavar="CONDITION",
        help='Only records for which this holds: name=value, or SQL such as "year >= 2020". '
        "May be repeated; one name with several values means any of them.",
    ),
]
RerankOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--rerank", metavar="MODEL", help="Order the best once more with this reranker."),
]
NoHybridOption = Annotated[bool, typer.Option("--no-hybrid", help="Compare vectors only, and not words with words.")]
BalanceOption = Annotated[
    BalanceName, typer.Option("--balance", help="Whether scores are made comparable between modalities.")
]
WithThumbnailsOption = Annotated[
    bool, typer.Option("--with-thumbnails", help="Put thumbnails into the JSON, as base64 of JPEG files.")
]
ThumbnailsOption = Annotated[
    Optional[bool],  # noqa: UP045
    typer.Option(
        "--thumbnails/--no-thumbnails", help="Show thumbnails, where this is a terminal; by default if it is able to."
    ),
]


def names_of(modality: list[ModalityName] | None) -> list[str] | None:
    """Give what `--modality` got as a list of names, or None for every modality."""
    return [one.value for one in modality] if modality else None
