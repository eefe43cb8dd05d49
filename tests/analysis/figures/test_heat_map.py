"""The heat map: a value in every cell, what is missing shown as missing, chance said in words."""

from __future__ import annotations

from typing import Any

import pytest
import vl_convert

from analysis.figures.heat_map import Cell, heat_map

CELLS = [
    Cell("pixels", "tf-idf", 0.05),
    Cell("lite0", "minilm-l6-untrained", 0.066),
    Cell("lite0", "tf-idf", 0.075, note="layers 3 and 0"),
    Cell("pixels", "minilm-l6-untrained", None, note="failed: out of memory"),
]


def spec(cells: list[Cell] = CELLS, **changed: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "question": "Do they agree?",
        "subtitle": "mutual-kNN, k = 10, 1,001 items",
        "row_title": "pictures",
        "column_title": "words",
        "value_title": "shared neighbours",
        "chance": 0.01,
    }
    return heat_map(cells, **(options | changed))


def texts(drawn: str) -> str:
    return drawn.replace("\u00a0", " ")


def test_every_cell_prints_its_value_and_a_missing_one_says_so() -> None:
    values = spec()["data"]["values"]
    printed = {(row["row"], row["column"]): (row["text"], row["note"]) for row in values}
    assert printed == {
        ("lite0", "tf-idf"): ("0.075", "layers 3 and 0"),
        ("lite0", "minilm-l6-untrained"): ("0.066", ""),
        ("pixels", "tf-idf"): ("0.050", ""),
        ("pixels", "minilm-l6-untrained"): ("·", "failed: out of memory"),
    }


def test_a_pair_without_a_cell_is_shown_as_not_computed() -> None:
    values = spec(CELLS[:2])["data"]["values"]
    assert [row["note"] for row in values if row["value"] is None] == ["not computed"] * 2
    assert len(values) == 4


def test_the_subtitle_states_chance_and_explains_the_dot_only_where_there_is_one() -> None:
    assert spec()["title"]["subtitle"][1] == "Chance is 0.010. A dot marks what is not computed."
    assert spec(CELLS[:1])["title"]["subtitle"][1] == "Chance is 0.010."
    assert spec(CELLS[:1], chance=None)["title"]["subtitle"] == ["mutual-kNN, k = 10, 1,001 items"]


def test_rows_and_columns_stand_in_the_order_of_their_means() -> None:
    encoding = spec()["encoding"]
    assert encoding["y"]["sort"] == ["lite0", "pixels"]
    assert encoding["x"]["sort"] == ["minilm-l6-untrained", "tf-idf"]


def test_the_figure_is_told_in_words() -> None:
    description = spec()["description"]
    for part in (
        "Do they agree?",
        "pictures by words",
        "3 values",
        "0.050 (pixels and tf-idf)",
        "0.075 (lite0 and",
    ):
        assert part in description


def test_numbers_labels_and_legend_are_drawn_whole() -> None:
    drawn = texts(vl_convert.vegalite_to_svg(spec()))
    for text in ("0.075", "0.066", "0.050", "·", "lite0", "pixels", "tf-idf", "minilm-l6-", "untrained"):
        assert f">{text}<" in drawn, text
    assert ">shared neighbours<" in drawn
    assert "…" not in drawn


def test_many_columns_keep_their_whole_labels() -> None:
    names = [f"a_rather_long_name_of_a_model_number_{number}" for number in range(12)]
    drawn = texts(vl_convert.vegalite_to_svg(spec([Cell("lite0", name, 0.1) for name in names])))
    assert all(f">{name}<" in drawn for name in names)


def test_quotes_and_brackets_in_a_name_are_drawn_as_they_are() -> None:
    drawn = vl_convert.vegalite_to_svg(spec([Cell("<b>", 'it\'s "x"', 0.1)]))
    assert "&lt;b&gt;" in drawn


def test_two_values_for_one_cell_are_refused() -> None:
    with pytest.raises(ValueError, match="one per row and column"):
        spec([Cell("a", "b", 1.0), Cell("a", "b", 2.0)])
    with pytest.raises(ValueError, match="found 0"):
        spec([])
