from __future__ import annotations

from pathlib import Path

import pytest

from sensorium.errors import CheckpointError
from sensorium.hub.inside import check_inside, relative_parts


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        (("a", "b"), ("a", "b")),
        (("", "a/./b", ""), ("a", "b")),
        (("a\\b",), ("a", "b")),
        (("..a", "b..", "..."), ("..a", "b..", "...")),
        ((), ()),
    ],
)
def test_parts_become_plain_names(parts: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert relative_parts(parts, "m") == names


@pytest.mark.parametrize("part", ["..", "a/..", "/a", "\\a", "Z:", "\0"])
def test_parts_that_leave_are_refused(part: str) -> None:
    with pytest.raises(CheckpointError, match="leaves the checkpoint 'm'") as caught:
        relative_parts(("a", part), "m")
    assert caught.value.model == "m"


def test_only_a_snapshot_may_link_to_blobs(tmp_path: Path) -> None:
    blob = tmp_path / "blobs" / "x"
    blob.parent.mkdir()
    blob.touch()
    for folder, is_allowed in ((tmp_path / "snapshots" / "c", True), (tmp_path / "other" / "c", False)):
        folder.mkdir(parents=True)
        link = folder / "x"
        link.symlink_to("../../blobs/x")
        if is_allowed:
            assert check_inside(link, folder, "m") == link
        else:
            with pytest.raises(CheckpointError, match="symbolic link"):
                check_inside(link, folder, "m")
