"""Bars in bins: what is none says so, chance is drawn, whiskers where there is an error."""

from __future__ import annotations

from typing import Any

import pytest
import vl_convert

from analysis.figures.bars import Bar, bars

ROWS = [
    Bar("pictures", "0-3", ("3 checkpoints", "3 pairs"), 0.24, 0.05, 0.16, 0.0135),
    Bar(
        "pictures", "4-7", ("1 checkpoint", "0 pairs"), None, chance=0.0135, note="one checkpoint has no pair"
    ),
    Bar("pictures", "8-11", ("2 checkpoints", "1 pair"), 0.78, None, 0.46, 0.0135),
    Bar("words", "0-3", ("0 checkpoints", "0 pairs"), None, note="no checkpoint"),
    Bar("words", "4-7", ("2 checkpoints", "1 pair"), 0.086),
]


def spec(rows: list[Bar] = ROWS, **changed: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "question": "Do the best agree?",
        "subtitle": ["mutual-kNN, k = 10"],
        "bin_title": "tasks solved",
        "value_title": "mean alignment",
        "other_title": "last layers",
    }
    return bars(rows, **(options | changed))


def drawn(rows: list[Bar] = ROWS) -> str:
    return str(vl_convert.vegalite_to_svg(spec(rows))).replace("\u00a0", " ")


def test_values_bins_counts_panels_and_titles_are_drawn() -> None:
    text = drawn()
    for word in ("0.240", "0.780", "0.086", "0-3", "3 checkpoints", "1 pair", "pictures", "words"):
        assert f">{word}<" in text, word
    for word in ("Do the best agree?", "tasks solved", "mean alignment", "chance"):
        assert word in text, word
    assert "…" not in text


def test_a_bin_without_a_value_says_none_and_keeps_its_row() -> None:
    assert drawn().count(">none<") == 2
    assert [row["note"] for row in spec()["data"]["values"] if row["value"] is None] == [
        "one checkpoint has no pair",
        "no checkpoint",
    ]


def test_there_is_one_bar_for_each_row() -> None:
    assert drawn().count('aria-roledescription="bar"') == len(ROWS)


def test_whiskers_reach_one_standard_error_either_way_and_exist_only_where_there_is_one() -> None:
    values = spec()["data"]["values"]
    assert [(row["low"], row["high"]) for row in values if row["low"] is not None] == [
        (pytest.approx(0.19), pytest.approx(0.29))
    ]


def test_a_mean_below_zero_is_not_cut_off() -> None:
    layers = spec([Bar("p", "0-3", ("a",), -0.02, 0.01), Bar("p", "4-7", ("a",), 0.1)])["spec"]["layer"]
    low, high = next(layer for layer in layers if layer.get("name") == "rows")["encoding"]["y"]["scale"][
        "domain"
    ]
    assert low <= -0.03
    assert high > 0.1


def test_bins_of_each_panel_stand_in_their_order() -> None:
    rows = [Bar("one", name, ("a",), 0.5) for name in ("9", "10", "2")]
    rows += [Bar("two", name, ("a",), 0.5) for name in ("10", "2", "9")]
    text = drawn(rows)
    first = [text.index(f">{name}<") for name in ("9", "10", "2")]
    assert first == sorted(first)
    rest = text[max(first) + 1 :]
    second = [rest.index(f">{name}<") for name in ("10", "2", "9")]
    assert second == sorted(second)


def test_the_figure_is_told_in_words() -> None:
    description = spec()["description"]
    for part in ("Do the best agree?", "pictures: 0-3 0.240", "4-7 none (one checkpoint has no pair)"):
        assert part in description


def test_a_line_of_chance_only_in_panels_that_know_it() -> None:
    assert drawn().count(">0.013<") == 1
    assert ">chance<" not in drawn(ROWS[3:])


def test_two_bars_in_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="one per panel and bin"):
        spec([ROWS[0], ROWS[0]])
    with pytest.raises(ValueError, match="found 0"):
        spec([])
