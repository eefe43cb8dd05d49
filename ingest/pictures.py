"""Pictures: decoded the same way everywhere, encoded without loss, and refused when they are broken."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from registry.errors import InputError
from registry.keys import sha256_of_bytes

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
DECODING = {"transparency": "over white", "orientation": "as the EXIF tag says", "frame": "first"}
# Others are never tried: a decoder of PostScript starts another program.
_FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")
_BROKEN = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, EOFError,
    RuntimeError, TypeError, LookupError, ArithmeticError, struct.error,
)  # fmt: skip
_PLAIN_MODES = frozenset(
    {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"}
)


def decode(data: bytes, item: str) -> Image.Image:
    """Return an item's picture as RGB: first frame, turned as its EXIF tag says, transparency over white.

    Raises:
        InputError: the bytes are no picture, are truncated, or have more than 8 bits per channel.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
            opened.load()
            picture = ImageOps.exif_transpose(opened)
    except _BROKEN as error:
        reason = "its form is not known" if isinstance(error, UnidentifiedImageError) else error
        raise InputError(
            f"item '{item}' is not a picture that can be read: {reason}",
            hint="replace the file, or leave it out",
        ) from error
    if picture.mode not in _PLAIN_MODES:
        raise InputError(
            f"item '{item}' has pixels of type {picture.mode}, expected 8 bits per channel",
            hint="convert the picture to 8 bits, so that the scaling is yours and not a guess",
        )
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        white = Image.new("RGBA", layered.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, layered)
    return picture.convert("RGB")


def picture_digest(data: bytes, item: str) -> str:
    """Return what identifies a picture: its pixels where it is a plain PNG, else its bytes.

    A PNG of the same pixels may have other bytes under another release of the compressor.

    Raises:
        InputError: the bytes are no picture.
    """
    pixels = decode(data, item)
    with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
        is_plain = opened.format == "PNG" and opened.mode == "RGB" and "transparency" not in opened.info
        is_plain = is_plain and not getattr(opened, "is_animated", False)
    if not is_plain:
        return sha256_of_bytes(data)
    return sha256_of_bytes(f"RGB {pixels.width}x{pixels.height} ".encode() + pixels.tobytes())


def encode_png(pixels: NDArray[Any]) -> bytes:
    """Return one picture, `(h, w, 3)` of uint8, as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()


def resized(picture: Image.Image, size: tuple[int, int], interpolation: str) -> NDArray[np.float32]:
    """Return a whole picture squeezed to a size, as numbers between 0 and 1.

    Args:
        picture: RGB.
        size: height and width.
        interpolation: `bicubic`, `bilinear`, `lanczos` or `nearest`, with anti-aliasing as Pillow does it.

    Returns:
        `(h, w, 3)` float32.
    """
    height, width = size
    method = Image.Resampling[interpolation.upper()]
    squeezed = picture.resize((width, height), method)
    return np.asarray(squeezed, dtype=np.float32) / np.float32(255)
