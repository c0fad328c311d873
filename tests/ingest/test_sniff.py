"""Kinds of files: by content, whatever the name says."""

from __future__ import annotations

import pytest
from PIL import Image

from sensorium.ingest import sniff_content
from tests.ingest.made_files import make_pdf
from tests.media.media_files import encode_image, encode_sound, tone

PNG = encode_image(Image.new("RGB", (4, 4)), "PNG")


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"words", "a.jpg", "text"),
        (b"words", "", "text"),
        (b"# Words", "A.MD", "markdown"),
        (b"# Words", "a.txt", "text"),
        (b"<!DOCTYPE HTML><p>", "a.txt", "html"),
        (b"\xef\xbb\xbf <html>", "a", "html"),
        ("<!doctype html>".encode("utf-16"), "a", "html"),
        (b"<p>a fragment", "a.html", "html"),
        (b"no tags at all", "a.html", "text"),
        (b"<p>a fragment", "a.txt", "text"),
        (b"<?xml version='1.0'?><doc/>", "a.xml", "text"),
        (b"<?xml version='1.0'?><html>", "a.xml", "html"),
        (b'{"a": 1}', "a.json", "text"),
        ("Grüße".encode("cp1252"), "a.txt", "text"),
        ("Grüße".encode("utf-16"), "a.txt", "text"),
        (b"ID3 is a kind of tag in the beginning of MP3 files", "a.txt", "text"),
        (b"OggS begins every page of an Ogg file", "a.txt", "text"),
        (PNG, "a.txt", "image"),
        (b"P3\n1 1\n255\n1 2 3\n", "a", "image"),
        (encode_sound(tone(0.1)), "a.txt", "audio"),
        (encode_sound(tone(0.1), "OGG"), "a.mp4", "audio"),
        (make_pdf(["x"]), "a.png", "pdf"),
        (b"junk before\n" + make_pdf(["x"]), "a", "pdf"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2", "a.mp4", "video"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2", "a.m4a", "audio"),
    ],
)
def test_the_kind_of_a_file(head: bytes, name: str, kind: str) -> None:
    assert sniff_content(head, name).kind == kind


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "empty"),
        (b"words\x00words", "binary"),
        (bytes(range(1, 256)), "control characters"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"#EXTM3U\nhttp://10.0.0.1/a", "HLS playlist"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "SVG"),
        (b"%!PS-Adobe", "PostScript"),
        (b"\x7fELF\x02\x01", "program"),
    ],
)
def test_what_is_not_read_has_a_reason(head: bytes, reason: str) -> None:
    sniffed = sniff_content(head, "a.txt")
    assert sniffed.kind is None
    assert reason in sniffed.reason
