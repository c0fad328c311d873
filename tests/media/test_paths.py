"""Strings: text, addresses, and paths that exist or should."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.errors import InputError, MissingMediaError
from sensorium.media import paths
from sensorium.media.formats import MODALITY_BY_SUFFIX
from sensorium.media.paths import LONGEST_PATH, find_media_kind, find_suffix_kind, guess_media_kind, is_address

ALL = ("text", "image", "audio", "video", "message")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a current folder with files of every ending."""
    for suffix in MODALITY_BY_SUFFIX:
        (tmp_path / f"file{suffix}").write_bytes(b"x")
        (tmp_path / f"FILE{suffix.upper()}").write_bytes(b"x")
    (tmp_path / "two words.jpg").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("suffix", MODALITY_BY_SUFFIX)
def test_existing_files_of_every_ending(folder: Path, suffix: str) -> None:
    expected = MODALITY_BY_SUFFIX[suffix]
    for name in (f"file{suffix}", f"FILE{suffix.upper()}", f"./file{suffix}", str(folder / f"file{suffix}")):
        assert find_media_kind(name) == expected
        assert find_media_kind(name, ALL) == expected
        assert find_media_kind(name, ["text"]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.org/cat.jpg", "image"),
        ("https://example.org/cat.JPG?size=2&x=.mp4#top", "image"),
        ("HTTP://example.org/cat.png", "image"),
        ("HtTpS://example.org/a%20cat.webp", "image"),
        ("http://example.org/clip.webm", "video"),
        ("http://example.org/sound.opus", "audio"),
        ("http://example.org/cat.jpg;v=1", "image"),
        ("https://www.youtube.com/watch?v=abc", "video"),
        ("https://YouTu.be/abc", "video"),
        ("http://m.youtube.com", "video"),
        ("https://www.youtube.com/thumb.jpg", "image"),
        ("data:image/png;base64,iVBO", "image"),
        ("DATA:Image/PNG;base64,iVBO", "image"),
        ("data:audio/wav;base64,UklG", "audio"),
        ("data:video/mp4;base64,AAAA", "video"),
        ("data:image/", "image"),
        ("data:text/plain,hello", None),
        ("data:,hello", None),
        ("data: a word", None),
        ("https://example.org/page", None),
        ("https://example.org/cat.jpg/", None),
        ("https://example.org/page?file=cat.jpg", None),
        ("https://example.org.jpg", None),
        ("https://example.org/my cat.jpg", None),
        ("https://example.org/cat.jpg\n", None),
        ("https://example.org/\tcat.jpg", None),
        ("http://[bad/cat.jpg", None),
        ("http://", None),
        (" https://example.org/cat.jpg", None),
        ("https://youtube.com.example.org/x", None),
        ("https://example.org/youtube.com", None),
        ("ftp://example.org/cat.jpg", None),
        ("file:///cat.jpg", None),
        ("no/such/cat.jpg", None),
        ("cat.jpg", None),
        (".jpg", None),
        ("", None),
        (".", None),
        ("a photograph of a cat.jpg", None),
        ("cat.jpg\n", None),
        ("cat\x00.jpg", None),
        ("\udcff.jpg", None),
        ("x" * LONGEST_PATH + ".jpg", None),
        ("http://example.org/" + "x" * LONGEST_PATH + ".jpg", None),
        ("data:image/png;base64," + "A" * 100_000, "image"),
    ],
)
def test_strings(folder: Path, text: str, expected: str | None) -> None:
    assert find_media_kind(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat.jpg", "image"),
        ("no/such/clip.MOV", "video"),
        ("a photograph of a cat.jpg", "image"),
        ("two\nlines.jpg", None),
        ("x" * LONGEST_PATH + ".jpg", None),
        ("hello", None),
    ],
)
def test_a_guess_does_not_look_at_the_disk(text: str, expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "stat", lambda *args, **kwargs: pytest.fail("looked at the disk"))
    assert guess_media_kind(text) == expected


@pytest.mark.parametrize(
    "text",
    ["no/such/cat.jpg", "/no/such/clip.mp4", "./sound.WAV", "~/cat.jpg", "C:\\photos\\cat.jpg", "notes.txt/a.jpg"],
)
def test_a_missing_path_is_an_error_where_the_modality_is_taken(folder: Path, text: str) -> None:
    with pytest.raises(MissingMediaError, match=r'no such file.*\{"text": \.\.\.\}') as caught:
        find_media_kind(text, ALL)
    assert caught.value.source == text
    assert isinstance(caught.value, (InputError, FileNotFoundError, ValueError))
    assert find_media_kind(text, ["text"]) is None
    assert find_media_kind(text, None) is None


def test_a_missing_path_of_a_modality_that_is_not_taken_is_text(folder: Path) -> None:
    assert find_media_kind("no/such/clip.mp4", ["text", "image"]) is None
    assert find_media_kind("no/such/cat.jpg", ["text", ("image", "text")]) is None


@pytest.mark.parametrize("text", ["cat.jpg", "see photos/cat.jpg", "photos/my cat.jpg", "a/b.jpg\tc.jpg", "x/y.txt"])
def test_what_is_not_surely_a_path_is_text(folder: Path, text: str) -> None:
    assert find_media_kind(text, ALL) is None


@pytest.mark.parametrize(("text", "scheme"), [("s3://bucket/cat.jpg", "s3"), ("file:///cat.jpg", "file")])
def test_other_schemes_are_named(folder: Path, text: str, scheme: str) -> None:
    with pytest.raises(MissingMediaError, match=f"scheme '{scheme}' are not opened, only http, https and data"):
        find_media_kind(text, ALL)


def test_credentials_do_not_reach_the_message(folder: Path) -> None:
    with pytest.raises(MissingMediaError) as caught:
        find_media_kind("ftp://user:secret@host/cat.jpg", ALL)
    assert "secret" not in str(caught.value)


def test_a_file_whose_name_has_spaces_is_a_medium(folder: Path) -> None:
    assert find_media_kind("two words.jpg", ALL) == "image"


@pytest.mark.parametrize("name", ["folder.png", "./folder.png", "pipe.mp4", "my pipe.mp4"])
def test_what_is_no_regular_file_is_refused(folder: Path, name: str) -> None:
    os.mkfifo(folder / "pipe.mp4")
    os.mkfifo(folder / "my pipe.mp4")
    assert find_media_kind(name) is None
    assert find_media_kind(name, ["text"]) is None
    with pytest.raises(MissingMediaError, match="not a regular file"):
        find_media_kind(name, ALL)


def test_links_are_followed(folder: Path) -> None:
    (folder / "link.jpg").symlink_to(folder / "file.png")
    (folder / "broken.jpg").symlink_to(folder / "nothing")
    assert find_media_kind("link.jpg", ALL) == "image"
    assert find_media_kind("broken.jpg", ALL) is None
    with pytest.raises(MissingMediaError, match="no such file"):
        find_media_kind("./broken.jpg", ALL)


def test_a_path_that_is_too_long_for_the_system_says_so(folder: Path) -> None:
    with pytest.raises(MissingMediaError, match="cannot be looked at"):
        find_media_kind("./" + "x" * 1000 + ".jpg", ALL)


@given(st.text(max_size=200))
def test_any_text_is_text_unless_it_looks_like_a_medium(text: str) -> None:
    if not is_address(text) and find_suffix_kind(text) is None:
        assert find_media_kind(text) is None
        assert find_media_kind(text, ALL) is None


@given(
    st.tuples(
        st.sampled_from(["", "http://", "data:image/", "/", "x/", "\\"]), st.text(), st.sampled_from([".jpg", ".Mp4"])
    )
)
def test_what_looks_like_a_medium_never_raises_without_a_model(pieces: tuple[str, str, str]) -> None:
    assert find_media_kind("".join(pieces)) in ("image", "video", None)


def test_long_texts_are_not_scanned() -> None:
    """Judging must not depend on the length of a text, of which only the ends are looked at."""

    def measure(text: str) -> float:
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(2000):
                find_media_kind(text, ALL)
            best = min(best, time.perf_counter() - start)
        return best

    assert measure("word " * 40_000) < 10 * measure("word " * 10)


def test_the_disk_is_not_asked_about_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths.os, "stat", lambda *args, **kwargs: pytest.fail("looked at the disk"))
    for text in ("hello", "https://example.org/cat.jpg", "a.jpeg2000", "data:image/png;base64,AAAA"):
        find_media_kind(text, ALL)
    assert find_media_kind("/etc/cat.jpg", ["text"]) is None
