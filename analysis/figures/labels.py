"""Where to write the names of points so that no two stand on each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

GAP = 9.0  # pixels from a point's centre to its label
RINGS = (1.0, 1.5, 2.4, 3.6, 5.0, 6.6)  # of the gap
LINE_FROM = 2.0  # of the gap: a label that has to go this far gets a line to its point
SHIFTS = (0.0, 0.9, -0.9, 0.45, -0.45)  # of half its width: how far a label above or below is pushed aside
CLEAR = 4.0  # pixels that a label at a corner stands beside its point
NARROW, WIDE = "fijlrtI1-.,:;'|!/ ()", "mwMW@%"  # letters


def text_width(text: str, font_size: float = 11.0) -> float:
    """Return about how many pixels a text is wide in the figures' font, rather too many than too few."""
    shares = (0.42 if letter in NARROW else 1.0 if letter in WIDE else 0.66 for letter in text)
    return font_size * sum(shares)


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, its centre and its half sizes."""

    x: float
    y: float
    half_width: float
    half_height: float

    def overlaps(self, other: Box) -> bool:
        """Return whether two rectangles share any area."""
        return (
            abs(self.x - other.x) < self.half_width + other.half_width
            and abs(self.y - other.y) < self.half_height + other.half_height
        )


@dataclass(frozen=True)
class Place:
    """The centre of a label in pixels, and where its line ends: None where it stands beside its point."""

    x: float
    y: float
    line_to: tuple[float, float] | None


def place_labels(
    points: Sequence[tuple[float, float]],
    widths: Sequence[float],
    *,
    size: tuple[float, float],
    line_height: float = 13.0,
    taken: Sequence[Box] = (),
) -> list[Place | None]:
    """Return a place for each label, None where none is free: better no label than two on each other.

    Labels are placed in the order they are given, each at the first free place around its point, near places
    before far ones.

    Args:
        points: centres of the points in pixels, y downward.
        widths: of the labels in pixels.
        size: width and height of the area that labels stay inside.
        line_height: height of a label.
        taken: rectangles that are not free.
    """
    marks = [Box(x, y, GAP / 2, GAP / 2) for x, y in points]
    labels: list[Box] = []  # with the lines to them
    places: list[Place | None] = []
    for (x, y), width in zip(points, widths, strict=True):
        others = [mark for mark in marks if math.hypot(mark.x - x, mark.y - y) > GAP]
        place = None
        for box, ring in _around(x, y, width / 2, line_height / 2):
            line = _line(box, x, y) if ring >= LINE_FROM else []
            if (
                _is_inside(box, size)
                and _is_free([box], [*marks, *taken, *labels])
                and _is_free(line, [*others, *labels])  # it may cross a whisker or a rule
            ):
                labels += [box, *line]
                place = Place(box.x, box.y, _edge(box, x, y) if line else None)
                break
        places.append(place)
    return places


def _is_free(boxes: Sequence[Box], blocked: Sequence[Box]) -> bool:
    return not any(box.overlaps(other) for box in boxes for other in blocked)


def _around(x: float, y: float, half_width: float, half_height: float) -> Iterator[tuple[Box, float]]:
    """Yield rectangles around a point with how far they are: right and left, then above and below."""
    for ring in RINGS:
        gap = GAP * ring
        for right in (1, -1):
            yield Box(x + right * (gap + half_width), y, half_width, half_height), ring
        for down in (-1, 1):
            corners = (half_width + CLEAR, -half_width - CLEAR)
            for aside in (*(shift * half_width for shift in SHIFTS), *corners):
                yield Box(x + aside, y + down * (gap + half_height), half_width, half_height), ring


def _line(box: Box, x: float, y: float) -> list[Box]:
    """Return small rectangles along the line from a point to its label, from where it leaves the point."""
    end_x, end_y = _edge(box, x, y)
    length = math.hypot(end_x - x, end_y - y)
    steps = [at / length for at in np.arange(GAP, length - 1.0, 3.0)]
    return [Box(x + step * (end_x - x), y + step * (end_y - y), 1.0, 1.0) for step in steps]


def _is_inside(box: Box, size: tuple[float, float]) -> bool:
    width, height = size
    return (
        box.half_width <= box.x <= width - box.half_width
        and box.half_height <= box.y <= height - box.half_height
    )


def _edge(box: Box, x: float, y: float) -> tuple[float, float]:
    """Return the point of a rectangle that is nearest to a point outside."""
    return (
        min(max(x, box.x - box.half_width), box.x + box.half_width),
        min(max(y, box.y - box.half_height), box.y + box.half_height),
    )
