"""Pictures that take little room: items inside the page, and figures beside it."""

from __future__ import annotations

import base64
import io

from PIL import Image, UnidentifiedImageError

SIDE = 56  # pixels: shown at the same size, so that a page of a hundred stays small
COLOURS = 64


def smaller_png(encoded: bytes) -> bytes:
    """Return a drawing as a PNG of a palette: a quarter of the bytes, and no difference that shows."""
    with Image.open(io.BytesIO(encoded)) as opened:
        drawing = opened.convert("RGB")
    buffer = io.BytesIO()
    drawing.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def data_uri(encoded: bytes) -> str:
    """Return a picture as a small PNG inside an address, empty where it cannot be read.

    Args:
        encoded: the picture as a file holds it; what is transparent becomes white.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as opened:
            picture = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return ""
    white = Image.new("RGBA", picture.size, "white")
    flat = Image.alpha_composite(white, picture).convert("RGB")
    flat.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    small = flat.quantize(COLOURS, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    small.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
