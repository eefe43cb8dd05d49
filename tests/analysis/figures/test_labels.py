"""Names of points: none on another, none on a point, none outside."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from analysis.figures.labels import GAP, Box, Place, place_labels, text_width

SIZE = (400.0, 320.0)
LINE = 13.0


def boxes(places: list[Place | None], widths: list[float]) -> list[Box]:
    pairs = zip(places, widths, strict=True)
    return [Box(place.x, place.y, width / 2, LINE / 2) for place, width in pairs if place is not None]


def test_a_lonely_point_has_its_name_to_the_right() -> None:
    (place,) = place_labels([(100.0, 100.0)], [60.0], size=SIZE)
    assert place == Place(100 + GAP + 30, 100.0, None)


def test_at_the_right_edge_the_name_goes_left() -> None:
    (place,) = place_labels([(395.0, 100.0)], [60.0], size=SIZE)
    assert place == Place(395 - GAP - 30, 100.0, None)


def test_crowded_names_never_overlap_points_each_other_or_the_edge() -> None:
    generator = np.random.default_rng(0)
    points = [(float(x), float(y)) for x, y in generator.uniform((150, 120), (260, 200), (30, 2))]
    widths = generator.uniform(30, 110, 30).tolist()
    wall = Box(200.0, 160.0, 2.0, 160.0)
    places = place_labels(points, widths, size=SIZE, taken=[wall])
    found = boxes(places, widths)
    assert len(found) >= 15
    assert not any(one.overlaps(two) for one, two in combinations(found, 2))
    marks = [Box(x, y, GAP / 2, GAP / 2) for x, y in points]
    assert not any(box.overlaps(other) for box in found for other in (*marks, wall))
    assert all(box.half_width <= box.x <= 400 - box.half_width for box in found)
    assert all(box.half_height <= box.y <= 320 - box.half_height for box in found)


def test_a_name_that_has_to_go_far_gets_a_line_to_its_edge() -> None:
    around = Box(200.0, 160.0, 70.0, 16.0)
    (place,) = place_labels([(200.0, 160.0)], [90.0], size=SIZE, taken=[around])
    assert place is not None
    assert place.line_to is not None
    x, y = place.line_to
    assert abs(x - place.x) <= 45 + 1e-9
    assert abs(y - place.y) == LINE / 2


def test_a_line_to_a_name_runs_through_no_other_name_and_no_point() -> None:
    around = Box(200.0, 160.0, 70.0, 16.0)
    points = [(200.0, 160.0), (200.0, 120.0), (200.0, 137.0)]  # the last two stand in the way upward
    first = place_labels(points, [90.0, 20.0, 20.0], size=SIZE, taken=[around])[0]
    assert first is not None
    assert first.y > 160


def test_a_name_without_room_is_not_written() -> None:
    assert place_labels([(50.0, 50.0)], [500.0], size=SIZE) == [None]


def test_wide_letters_take_more_room_than_narrow_ones() -> None:
    assert text_width("mmmm") > text_width("aaaa") > text_width("iiii") > 0
