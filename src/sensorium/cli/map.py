"""`sensorium map`: a page that draws a collection. Must not know how it is drawn."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from sensorium.cli import opening
from sensorium.cli.options import CollectionOption, JsonOption
from sensorium.errors import InputError


class MethodName(str, Enum):
    """What `--method` takes."""

    auto = "auto"
    pca = "pca"
    umap = "umap"


def run(
    folder: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="[COLLECTION]", help="Folder of the collection; as for --collection."),
    ] = None,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="The page to write.")] = "map.html",
    method: Annotated[
        MethodName, typer.Option("--method", help="How to flatten: UMAP if it is installed, else PCA.")
    ] = MethodName.auto,
    max_points: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--max-points", min=1, help="Draw at most so many records, chosen evenly."),
    ] = None,
    collection: CollectionOption = None,
    is_json: JsonOption = False,
) -> int:
    """Draw a collection as a page in which near things lie near.

    The page needs nothing else: no network, no other file. Thumbnails appear under the pointer.
    """
    from sensorium.cli.output import print_json, print_line

    target = Path(os.path.abspath(os.path.expanduser(output)))
    _check_target(target)
    options = {} if max_points is None else {"max_points": max_points}
    with closing(opening.open_collection(folder or collection)) as opened:
        report = _find_write_map()(opened, target, method=method.value, **options)
    if is_json:
        print_json({"page": target, **_describe(report)})
    else:
        print_line(f"Wrote {target} ({target.stat().st_size / 1e6:.1f} MB). Open it in a browser.")
        for name, value in _describe(report).items():
            print_line(f"  {name}: {value}")
    return 0


def _check_target(target: Path) -> None:
    if target.is_dir():
        raise InputError(f"--output {target} is a folder. Name the page to write, such as map.html.")
    if not target.parent.is_dir():
        raise InputError(f"--output {target}: the folder {target.parent} is not there. Make it, or write elsewhere.")


def _find_write_map() -> Callable[..., Any]:
    from sensorium.collection.map_page import write_map

    return write_map


def _describe(report: Any) -> dict[str, Any]:
    if not is_dataclass(report) or isinstance(report, type):
        return {}
    return {name: value for name, value in asdict(report).items() if isinstance(value, (str, int, float))}
