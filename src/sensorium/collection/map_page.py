"""A collection as one page that draws its records in two dimensions: no network, no other file.

What comes from files reaches the page as JSON whose letters cannot end it, and is set as text there. A policy in the
page lets nothing run but its own script. Must not know how vectors are flattened.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from sensorium.collection.projection import choose_method, project
from sensorium.collection.snippets import make_snippet
from sensorium.errors import InputError
from sensorium.ingest.place import Place
from sensorium.store.durable import write_atomically

if TYPE_CHECKING:
    from sensorium.collection.collection import Collection
    from sensorium.store import LanceStore, Row

_SNIPPET = 120
#: Pixels of the longer side of a picture on the page.
_SIDE = 96
#: Bytes of pictures beyond which further points have none.
_MOST_PICTURES = 24_000_000


@dataclass(frozen=True, slots=True)
class MapReport:
    """What was drawn.

    Attributes:
        points: Records on the map.
        records: Records in the collection.
        method: How they were flattened: `"pca"` or `"umap"`.
        bytes: Size of the page.
    """

    points: int
    records: int
    method: Literal["pca", "umap"]
    bytes: int


def write_map(
    collection: Collection,
    path: str | os.PathLike[str],
    *,
    method: str = "auto",
    max_points: int = 20_000,
    seed: int = 0,
) -> MapReport:
    """Write a page that draws a collection.

    Args:
        collection: What to draw.
        path: Where the page goes; replaced whole.
        method: `"pca"`, `"umap"`, or `"auto"`: UMAP if the package umap-learn is installed, else principal components.
        max_points: Most records to draw; of more, as many are drawn by lot, the same each time.
        seed: Of the lot and of UMAP.

    Returns:
        What was drawn.

    Raises:
        InputError: A method or number that cannot be used.
        StoreError: The collection cannot be read, or the page not be written.
    """
    if isinstance(max_points, bool) or not isinstance(max_points, int) or max_points < 1:
        raise InputError(f"max_points must be a whole number from 1, got {max_points!r}.")
    records = collection.store.count()
    rows = list(_draw_rows(collection.store, records, max_points, seed))
    chosen = choose_method(method, len(rows))
    vectors = [row.vector for row in rows if row.vector is not None]
    stacked = np.stack(vectors) if vectors else np.zeros((0, collection.manifest.dim), np.float32)
    flat = project(stacked, [row.modality for row in rows], chosen, seed)
    data = _describe(collection, rows, flat, chosen, records)
    page = _fill_page(f"{collection.path.name}: a map", data).encode("utf-8")
    write_atomically(Path(path).absolute(), page)
    return MapReport(len(rows), records, chosen, len(page))


def _draw_rows(store: LanceStore, records: int, most: int, seed: int) -> Iterator[Row]:
    chosen = None
    if records > most:
        chosen = set(np.random.default_rng(seed).choice(records, most, replace=False).tolist())
    for place, row in enumerate(store.scan(with_vectors=True, with_thumbnails=True)):
        if chosen is None or place in chosen:
            yield row


def _describe(collection: Collection, rows: list[Row], flat: np.ndarray, method: str, records: int) -> dict[str, Any]:
    left = _MOST_PICTURES
    points = []
    for row, (x, y) in zip(rows, flat.tolist(), strict=True):
        picture = _shrink(row.thumbnail) if left > 0 else None
        left -= len(picture or "")
        points.append(
            {
                "x": round(x, 4),
                "y": round(y, 4),
                "modality": row.modality,
                "key": row.key,
                "place": str(Place.from_dict(row.place.as_dict())),
                "snippet": make_snippet(row.text, None, _SNIPPET),
                "address": _to_address(row.path),
                "thumbnail": picture,
            }
        )
    drawn = f"{len(rows):,} of {records:,} records" if len(rows) < records else f"{records:,} records"
    how = "UMAP" if method == "umap" else "principal components"
    about = f"{drawn}, {how} of {collection.manifest.model_id} vectors, each modality around its own mean."
    return {"about": about, "modalities": sorted({row.modality for row in rows}), "points": points}


def _shrink(thumbnail: bytes | None) -> str | None:
    if thumbnail is None:
        return None
    with Image.open(BytesIO(thumbnail)) as image:
        image.thumbnail((_SIDE, _SIDE))
        file = BytesIO()
        image.convert("RGB").save(file, "JPEG", quality=70)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _to_address(path: str | None) -> str | None:
    return Path(path).as_uri() if path is not None and os.path.isabs(path) else None


def _fill_page(title: str, data: dict[str, Any]) -> str:
    style, script = _read("map.css"), _read("map.js")
    policy = f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    parts = {
        "%CSP%": policy,
        "%TITLE%": html.escape(title),
        "%STYLE%": style,
        "%SCRIPT%": script,
        "%DATA%": _to_json(data),
    }
    page = _read("map.html")
    pieces = []
    while page:
        at, name = min(((page.find(name), name) for name in parts if name in page), default=(len(page), ""))
        pieces += [page[:at], parts.get(name, "")]
        page = page[at + len(name) :]
    return "".join(pieces)


def _to_json(data: dict[str, Any]) -> str:
    """Give JSON that cannot end the element it stands in: letters of markup and what is no ASCII as escapes."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def _read(name: str) -> str:
    return resources.files("sensorium.collection").joinpath(name).read_text(encoding="utf-8")
