from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from sensorium.errors import MediaError, MediaLimitError
from sensorium.media.image import decode_image, is_lazy, probe_image, to_rgb
from sensorium.media.limits import MediaLimits
from sensorium.media.source import open_source
from tests.media.media_files import encode_image, noise_image

LIMITS = MediaLimits()
FORMATS = ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF"]


def decode(data: bytes, min_side: int | None = None) -> Image.Image:
    return decode_image(open_source(data), LIMITS, min_side)


def assert_same(one: Image.Image, other: Image.Image) -> None:
    assert one.mode == other.mode == "RGB"
    assert one.size == other.size
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("form", FORMATS)
def test_upright_rgb_file_decodes_as_pillow_does(form: str) -> None:
    data = encode_image(noise_image(), form)
    assert_same(decode(data), Image.open(io.BytesIO(data)).convert("RGB"))
    assert probe_image(open_source(data), LIMITS) == (53, 37)


@pytest.mark.parametrize("form", FORMATS)
def test_lazy_image_stays_lazy(form: str) -> None:
    data = encode_image(noise_image(), form)
    image = Image.open(io.BytesIO(data))
    position = image.fp.tell()
    assert is_lazy(image)
    assert_same(to_rgb(image, LIMITS), decode(data))
    assert is_lazy(image)
    assert image.fp.tell() == position
    image.load()
    assert not is_lazy(image)
    assert_same(to_rgb(image, LIMITS), decode(data))


def test_lazy_image_opened_by_path_stays_lazy(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode_image(noise_image(), "PNG"))
    with Image.open(path) as image:
        assert_same(to_rgb(image, LIMITS), decode(path.read_bytes()))
        assert is_lazy(image)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_applied_through_every_door(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode_image(noise_image(), form, exif=exif)
    upright = decode(data)
    assert_same(upright, ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    assert probe_image(open_source(data), LIMITS) == upright.size
    image = Image.open(io.BytesIO(data))
    assert_same(to_rgb(image, LIMITS), upright)
    image.load()
    assert_same(to_rgb(image, LIMITS), upright)
    assert_same(to_rgb(upright, LIMITS), upright)  # not applied twice


@pytest.mark.parametrize("key", ["Raw profile type exif", "XML:com.adobe.xmp"])
def test_orientation_in_png_text(key: str) -> None:
    from PIL.PngImagePlugin import PngInfo

    exif = Image.Exif()
    exif[0x0112] = 6
    text = PngInfo()
    profile = "\nexif\n      10\n" + exif.tobytes().hex()
    xmp = '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    text.add_itxt(key, profile if key.startswith("Raw") else xmp)
    data = encode_image(noise_image(), "PNG", pnginfo=text)
    assert_same(decode(data), noise_image().transpose(Image.Transpose.ROTATE_270))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "L", "1", "CMYK", "YCbCr", "HSV", "RGBX"])
def test_modes_come_out_as_the_field_treats_them(mode: str) -> None:
    from transformers.image_transforms import convert_to_rgb

    source = noise_image(channels=4)
    image = source.convert("P").convert("PA") if mode == "PA" else source.convert(mode)
    np.testing.assert_array_equal(np.asarray(to_rgb(image, LIMITS)), convert_to_rgb(image, return_numpy=True))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "RGBa", "La", "PA", "P"])
def test_transparency_is_composited_on_white(mode: str) -> None:
    clear = Image.new("LA", (4, 3), (10, 0)) if "L" in mode else Image.new("RGBA", (4, 3), (10, 20, 30, 0))
    if mode == "P":
        clear = Image.new("P", (4, 3), 5)
        clear.info["transparency"] = 5
    elif mode == "PA":
        clear = clear.convert("PA")
    else:
        clear = clear.convert(mode)
    assert np.all(np.asarray(to_rgb(clear, LIMITS)) == 255)


@pytest.mark.parametrize(("mode", "key"), [("L", 7), ("RGB", (7, 8, 9)), ("P", b"\x00\xff")])
def test_transparent_colour_of_a_png(mode: str, key: object) -> None:
    image = Image.new(mode, (4, 1), 0 if mode == "P" else key)
    if mode == "P":
        image.putpalette([1, 2, 3, 4, 5, 6])
        image.putpixel((3, 0), 1)
    else:
        image.putpixel((3, 0), 0 if mode == "L" else (0, 0, 0))
    pixels = np.asarray(decode(encode_image(image, "PNG", transparency=key)))
    assert np.all(pixels[0, :3] == 255)
    assert np.all(pixels[0, 3] < 10)


def test_sixteen_bits_keep_their_upper_byte() -> None:
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    image = Image.fromarray(deep)
    expected = np.repeat((deep >> 8).astype(np.uint8)[..., None], 3, axis=2)
    for form in ("PNG", "TIFF"):
        np.testing.assert_array_equal(np.asarray(decode(encode_image(image, form))), expected)
    np.testing.assert_array_equal(np.asarray(to_rgb(image, LIMITS)), expected)
    as_integers = Image.fromarray(deep.astype(np.int32))
    np.testing.assert_array_equal(np.asarray(to_rgb(as_integers, LIMITS)), expected)


@pytest.mark.parametrize("highest", [1.0, 255.0, 65535.0])
def test_float_images_are_taken_by_their_range(highest: float) -> None:
    ramp = np.linspace(0, highest, 256, dtype=np.float32)[None, :]
    grey = np.asarray(to_rgb(Image.fromarray(ramp), LIMITS))[0, :, 0].astype(int)
    assert np.abs(grey - np.arange(256)).max() <= 1
    assert (grey[0], grey[-1]) == (0, 255)


def test_first_frame_of_an_animation() -> None:
    frames = [noise_image(seed=seed) for seed in range(3)]
    data = encode_image(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert_same(decode(data), frames[0])


def test_a_caller_may_seek_to_another_frame() -> None:
    frames = [noise_image(seed=seed) for seed in range(3)]
    data = encode_image(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    image = Image.open(io.BytesIO(data))
    image.seek(2)
    assert_same(to_rgb(image, LIMITS), frames[2])


def test_pixels_that_the_caller_changed_are_used() -> None:
    image = Image.open(io.BytesIO(encode_image(noise_image(), "PNG")))
    image.putpixel((0, 0), (1, 2, 3))
    assert to_rgb(image, LIMITS).getpixel((0, 0)) == (1, 2, 3)


def test_an_rgb_image_is_not_copied() -> None:
    image = noise_image()
    image.info["comment"] = "kept"
    assert to_rgb(image, LIMITS) is image
    assert image.info == {"comment": "kept"}


def test_an_image_that_was_drafted_keeps_its_size() -> None:
    image = Image.open(io.BytesIO(encode_image(noise_image(640, 480), "JPEG")))
    image.draft("RGB", (160, 120))
    assert to_rgb(image, LIMITS).size == image.size == (160, 120)


@pytest.mark.parametrize(
    ("min_side", "size"),
    [(100, (151, 113)), (113, (151, 113)), (114, (301, 225)), (226, (601, 450)), (451, (1201, 900))],
)
def test_reduced_jpeg_keeps_the_shorter_side(min_side: int, size: tuple[int, int]) -> None:
    data = encode_image(Image.new("RGB", (1201, 900), "teal"), "JPEG")
    assert decode(data, min_side).size == size
    assert decode(encode_image(Image.new("RGB", (1201, 900)), "PNG"), min_side).size == (1201, 900)


def test_reduced_jpeg_resembles_the_whole() -> None:
    ramp = np.linspace(0, 255, 800, dtype=np.uint8)
    whole = Image.fromarray(np.stack([np.tile(ramp, (600, 1))] * 3, axis=2))
    reduced = decode(encode_image(whole, "JPEG", quality=95), min_side=150)
    difference = np.asarray(reduced).astype(int) - np.asarray(whole.resize(reduced.size, Image.Resampling.BOX))
    assert np.abs(difference).mean() < 2


def test_limits_are_checked_before_decoding() -> None:
    data = encode_image(Image.new("RGB", (300, 200)), "PNG")
    with pytest.raises(MediaLimitError, match="300 by 200") as caught:
        decode_image(open_source(data), MediaLimits(max_pixels=59_999))
    assert caught.value.source == "bytes"
    with pytest.raises(MediaLimitError, match="max_image_dimension"):
        probe_image(open_source(data), MediaLimits(max_image_dimension=299))
    with pytest.raises(MediaLimitError):
        to_rgb(Image.new("1", (300, 200)), MediaLimits(max_pixels=59_999))


def test_no_warning_and_no_global_for_a_size_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # warnings are errors in these tests
    for form in ("PNG", "TIFF", "GIF", "JPEG"):
        assert decode(encode_image(noise_image(), form)).size == (53, 37)
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("form", [*FORMATS])
def test_truncated_files_are_errors(form: str) -> None:
    data = encode_image(noise_image(200, 200), form)
    with pytest.raises(MediaError) as caught:
        decode(data[: len(data) * 2 // 3])
    assert caught.value.source == "bytes"
    assert caught.value.index is None
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize("form", ["EPS", "PDF", "ICO", "TGA", "JPEG2000", "PCX"])
def test_formats_off_the_list_are_refused(form: str) -> None:
    data = encode_image(noise_image(64, 64), form)
    with pytest.raises(MediaError, match="no image of a format"):
        decode(data)


def test_the_error_says_what_it_is() -> None:
    with pytest.raises(MediaError, match="kind web page"):
        decode(b"<!doctype html><html>")
    with pytest.raises(MediaError, match=r"a sound \(FLAC\): give it as"):
        decode(b"fLaC" + bytes(100))
    with pytest.raises(MediaError, match="no known format"):
        decode(b"\x01\x02\x03\x04" * 9)


def test_undecoded_image_of_a_format_off_the_list_is_refused() -> None:
    image = Image.open(io.BytesIO(encode_image(noise_image(), "EPS")))
    with pytest.raises(MediaError, match="EPS"):
        to_rgb(image, LIMITS)


def test_image_closed_before_it_was_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    noise_image().save(path)
    with Image.open(path) as image:
        pass
    with pytest.raises(MediaError, match="closed") as caught:
        to_rgb(image, LIMITS)
    assert caught.value.source == str(path)


def test_one_image_may_be_given_to_many_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    data = encode_image(noise_image(300, 200), "PNG")
    image = Image.open(io.BytesIO(data))
    expected = decode(data).tobytes()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: to_rgb(image, LIMITS).tobytes(), range(32)))
    assert all(result == expected for result in results)


def test_damaged_exif_does_not_hinder() -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\x00\x03\xff\xff\xff\xff\x00\x06\x00\x00" + b"\xff" * 50
    assert_same(decode(encode_image(noise_image(), "PNG", exif=exif)), noise_image())
    jpeg = encode_image(noise_image(), "JPEG", exif=exif)
    assert decode(jpeg).size == (53, 37)
