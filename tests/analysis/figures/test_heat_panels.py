"""Heat maps beside each other: one scale, the order that was asked for, numbers only where they fit."""

from __future__ import annotations

import re
from typing import Any

import pytest
import vl_convert

from analysis.figures.heat_panels import BROAD, NARROW, PanelCell, cell_size, heat_panels

CELLS = [
    PanelCell("all", "a", "x", 0.5, "a x"),
    PanelCell("all", "b", "x", 0.01, "b x"),
    PanelCell("strict", "a", "x", 0.25, "a x strict"),
    PanelCell("strict", "b", "x", None, "b x: not computed"),
]


def spec(cells: list[PanelCell] = CELLS, **changed: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "rows": ["b", "a"],
        "columns": ["x"],
        "question": "Do they agree?",
        "subtitle": ["six items"],
        "row_title": "sees",
        "column_title": "reads",
        "value_title": "alignment",
    }
    return heat_panels(cells, **(options | changed))


def luminance(colour: str) -> float:
    shares = [int(value) / 255 for value in re.findall(r"\d+", colour)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_rows_and_columns_keep_the_order_that_was_asked_for() -> None:
    assert spec()["spec"]["encoding"]["y"]["scale"]["domain"] == ["b", "a"]


def test_each_panel_is_drawn_with_all_its_cells_and_the_missing_one_pale() -> None:
    drawn = vl_convert.vegalite_to_svg(spec())
    assert drawn.count('rect mark"') == 4
    assert drawn.count('fill="#ececf0"') == 1
    assert "strict" in drawn


def test_one_panel_needs_no_facet() -> None:
    assert "facet" in spec()
    assert "facet" not in spec(CELLS[:2])


def test_every_number_stands_out_from_its_cell_by_four_and_a_half() -> None:
    names = [f"n{number:02d}" for number in range(12)]
    cells = [
        PanelCell("p", row, column, (12 * i + j) / 143, "tip")
        for i, row in enumerate(names)
        for j, column in enumerate(names)
    ]
    drawn = vl_convert.vegalite_to_svg(spec(cells, rows=names, columns=names))
    fills = re.findall(r'fill="(rgb\([^"]*\))" stroke="white"', drawn)
    inks = re.findall(r'fill="(black|white)">[0-9.]+<', drawn)
    assert len(fills) == len(inks) == 144
    for fill, ink in zip(fills, inks, strict=True):
        ground = luminance(fill) + 0.05
        assert (1.05 / ground if ink == "white" else ground / 0.05) >= 4.5


@pytest.mark.parametrize(
    ("count", "decimals"), [(2, 3), (BROAD, 3), (BROAD + 1, 2), (NARROW, 2), (NARROW + 1, None), (60, None)]
)
def test_numbers_are_written_as_long_as_they_fit(count: int, decimals: int | None) -> None:
    assert cell_size(count).decimals == decimals


@pytest.mark.parametrize("count", [2, 12, 24, 40, 60, 200])
def test_labels_are_never_larger_than_their_rows_nor_too_small_to_read(count: int) -> None:
    size = cell_size(count)
    assert 8 <= size.label < size.height
    assert size.width * count <= max(1000, 9 * count)


def test_sixty_rows_are_drawn_whole() -> None:
    names = [f"model-{number:02d}" for number in range(60)]
    cells = [PanelCell("p", row, column, 0.5, "tip") for row in names for column in names]
    drawn = vl_convert.vegalite_to_svg(spec(cells, rows=names, columns=names)).replace("\u00a0", " ")
    assert all(drawn.count(f">{name}<") == 2 for name in names)


def test_a_gap_is_left_where_a_group_begins_and_none_at_the_edge() -> None:
    layers = spec(CELLS[:2], breaks=["b", "a"])["layer"]
    assert [layer["data"]["values"] for layer in layers if "data" in layer] == [[{"row": "a"}]]


def test_negative_values_keep_a_straight_scale() -> None:
    straight = spec([PanelCell("p", "a", "x", -0.2, ""), PanelCell("p", "b", "x", 0.4, "")])
    assert "type" not in straight["layer"][0]["encoding"]["color"]["scale"]
    assert spec(CELLS[:2])["layer"][0]["encoding"]["color"]["scale"]["type"] == "sqrt"


def test_the_figure_is_told_in_words() -> None:
    told = spec()["description"]
    for part in ("Do they agree?", "3 values", "1 more are missing", "0.010 (b and x)", "0.500 (a and x)"):
        assert part in told


def test_wrong_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="found 0"):
        spec([])
    with pytest.raises(ValueError, match="one per place"):
        spec([CELLS[0], CELLS[0]])
    with pytest.raises(ValueError, match="not named: z"):
        spec([PanelCell("p", "z", "x", 0.1, "")])
