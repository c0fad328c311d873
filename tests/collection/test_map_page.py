"""The map of a collection: one page that shows every record, needs nothing else, and runs nothing from files."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sensorium.collection import Collection, map_page
from sensorium.collection.map_page import write_map
from sensorium.errors import InputError, StoreError

HOSTILE = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """What a browser sees of a page: its elements, and what stands in its scripts.

    Attributes:
        tags: Every element, with its attributes.
        scripts: The text of each script.
        styles: The text of each style.
        policy: Of what may be loaded.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._open = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    @property
    def policy(self) -> str:
        (policy,) = (
            attributes["content"] for tag, attributes in self.tags if "http-equiv" in attributes and tag == "meta"
        )
        return str(policy)

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads(self.scripts[0]))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style"):
            (self.scripts if self._open == "script" else self.styles).append(data)

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def test_every_record_is_on_it(full: Collection, tmp_path: Path) -> None:
    report = write_map(full, tmp_path / "map.html")
    assert (report.points, report.records, report.method) == (8, 8, "pca")
    assert report.bytes == (tmp_path / "map.html").stat().st_size
    data = Page(tmp_path / "map.html").data
    rows = {row.id: row for row in full.store.scan()}
    assert sorted(point["key"] for point in data["points"]) == sorted(row.key for row in rows.values())
    assert data["modalities"] == ["audio", "image", "text", "video"]
    assert "8 records, principal components" in data["about"]
    assert all(-1 <= point[axis] <= 1 for point in data["points"] for axis in "xy")
    pages = [point["place"] for point in data["points"] if point["key"].endswith(".pdf")]
    assert sorted(pages) == ["page 1", "page 2", "page 3"]


def test_points_have_small_pictures_words_and_addresses(full: Collection, folder: Path, tmp_path: Path) -> None:
    write_map(full, tmp_path / "map.html")
    points = {point["key"]: point for point in Page(tmp_path / "map.html").data["points"]}
    with Image.open(BytesIO(base64.b64decode(points["pictograms/pictures/glasses.png"]["thumbnail"]))) as image:
        assert (image.format, max(image.size) <= 96) == ("JPEG", True)
    assert points["pictograms/words/glasses.flac"]["thumbnail"] is None
    assert points["notes/wolf.txt"]["snippet"]
    assert points["notes/wolf.txt"]["address"] == (folder / "notes/wolf.txt").as_uri()


def test_it_needs_nothing_else_and_lets_nothing_else_run(full: Collection, tmp_path: Path) -> None:
    write_map(full, tmp_path / "map.html")
    page = Page(tmp_path / "map.html")
    assert not [attributes for _, attributes in page.tags if {"src", "href"} & set(attributes)]
    assert "default-src 'none'" in page.policy
    for kind, text in (("script-src", page.scripts[1]), ("style-src", page.styles[0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in page.policy
    assert "unsafe" not in page.policy
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", page.scripts[1])


def test_what_stands_in_files_is_data(empty: Collection, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    (made / "%DATA% %SCRIPT% <b>&amp;.txt").write_text(HOSTILE)
    with open(bytes(made) + b"/\xff\xe2\x80\xa8.txt", "wb") as file:
        file.write(b"words")
    empty.add(made)
    write_map(empty, tmp_path / "map.html")
    page = Page(tmp_path / "map.html")
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert "img" not in [tag for tag, _ in page.tags]
    points = {point["key"]: point for point in page.data["points"]}
    assert points["%DATA% %SCRIPT% <b>&amp;.txt"]["snippet"] == HOSTILE
    assert "alert(1)</script>" not in (tmp_path / "map.html").read_text()


def test_the_name_of_the_folder_is_data_too(full: Collection, tmp_path: Path) -> None:
    full.close()
    moved = full.path.rename(tmp_path / "<b>&%DATA%")
    with Collection.open(moved) as collection:
        write_map(collection, tmp_path / "map.html")
    page = Page(tmp_path / "map.html")
    assert "b" not in [tag for tag, _ in page.tags]
    assert len(page.data["points"]) == 8


def test_of_many_some_are_drawn_the_same_each_time(full: Collection, tmp_path: Path) -> None:
    report = write_map(full, tmp_path / "a.html", max_points=3)
    assert (report.points, report.records) == (3, 8)
    write_map(full, tmp_path / "b.html", max_points=3)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert "3 of 8 records" in Page(tmp_path / "a.html").data["about"]


def test_pictures_end_where_the_page_would_grow_too_large(
    full: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_page, "_MOST_PICTURES", 1)
    write_map(full, tmp_path / "map.html")
    pictured = [point for point in Page(tmp_path / "map.html").data["points"] if point["thumbnail"]]
    assert len(pictured) == 1


def test_an_empty_collection_has_an_empty_map(empty: Collection, tmp_path: Path) -> None:
    assert write_map(empty, tmp_path / "map.html").points == 0
    assert Page(tmp_path / "map.html").data["points"] == []


@pytest.mark.parametrize("wrong", [{"max_points": 0}, {"max_points": True}, {"max_points": "9"}, {"method": "tsne"}])
def test_wrong_options_write_nothing(full: Collection, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        write_map(full, tmp_path / "map.html", **wrong)
    assert not (tmp_path / "map.html").exists()


def test_a_place_that_cannot_be_written(full: Collection, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        write_map(full, tmp_path / "no such folder" / "map.html")
