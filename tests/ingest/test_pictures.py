"""Pictures: decoding, transparency, digests."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ingest.pictures import decode, encode_png, picture_digest, resized
from registry.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def test_png_keeps_every_pixel() -> None:
    assert np.array_equal(np.asarray(decode(encode_png(PIXELS), "a")), PIXELS)


def test_transparency_is_laid_over_white() -> None:
    rgba = np.zeros((1, 2, 4), dtype=np.uint8)
    rgba[0, 0] = (255, 0, 0, 255)
    picture = decode(encoded(Image.fromarray(rgba), "PNG"), "a")
    assert np.asarray(picture).tolist() == [[[255, 0, 0], [255, 255, 255]]]


def test_a_picture_is_turned_as_its_tag_says() -> None:
    picture = Image.fromarray(PIXELS)
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the picture is its right side
    assert decode(encoded(picture, "PNG", exif=exif), "a").size == (5, 7)


@pytest.mark.parametrize("cut", [0, 30, 100])
def test_a_broken_picture_is_refused_by_its_item(cut: int) -> None:
    with pytest.raises(InputError, match="item 'cat' is not a picture"):
        decode(encode_png(PIXELS)[:cut], "cat")


def test_sixteen_bits_are_refused() -> None:
    deep = Image.fromarray(np.full((2, 2), 60000, dtype=np.uint16))
    with pytest.raises(InputError, match=r"pixels of type I;16, expected 8 bits"):
        decode(encoded(deep, "PNG"), "a")


def test_the_same_pixels_under_other_compression_have_one_digest() -> None:
    small = encoded(Image.fromarray(PIXELS), "PNG", compress_level=9)
    large = encoded(Image.fromarray(PIXELS), "PNG", compress_level=0)
    assert small != large
    assert picture_digest(small, "a") == picture_digest(large, "a")


def test_other_pixels_or_another_shape_have_other_digests() -> None:
    other = PIXELS.copy()
    other[0, 0, 0] ^= 1
    digests = {picture_digest(encode_png(pixels), "a") for pixels in (PIXELS, other, PIXELS.reshape(7, 5, 3))}
    assert len(digests) == 3


def test_a_jpeg_is_identified_by_its_bytes() -> None:
    first = encoded(Image.fromarray(PIXELS), "JPEG", quality=90)
    second = encoded(Image.fromarray(PIXELS), "JPEG", quality=91)
    assert picture_digest(first, "a") != picture_digest(second, "a")


def test_resizing_keeps_the_whole_picture_between_0_and_1() -> None:
    array = resized(Image.fromarray(np.full((4, 8, 3), 255, dtype=np.uint8)), (3, 2), "bicubic")
    assert array.shape == (3, 2, 3)
    assert array.dtype == np.float32
    assert np.array_equal(array, np.ones((3, 2, 3), dtype=np.float32))
