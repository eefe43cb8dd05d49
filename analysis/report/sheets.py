"""The tables behind the figures: which columns they have, and one row for each mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.figures.heat_panels import PanelCell
from analysis.report.contents import Field
from analysis.report.facts import PairFacts
from analysis.report.wording import interval, pair_name, pair_tip

STATISTICS = (
    Field("score", "score", "score"),
    Field("interval", "95 % interval", "text"),
    Field("p", "p", "p"),
    Field("lift", "lift", "factor"),
    Field("null_mean", "chance", "score"),
    Field("calibrated", "calibrated", "score"),
    Field("crossfit", "cross-fitted", "score"),
)
LAYERS = Field("layers", "layers")
NOTE = Field("note", "note")


def pair_row(pair: PairFacts) -> dict[str, Any]:
    """Return a pair as a row of a sheet."""
    return {
        "left": pair.left_name,
        "right": pair.right_name,
        "score": pair.score,
        "interval": interval(pair.ci_low, pair.ci_high),
        "p": pair.p,
        "lift": pair.lift,
        "null_mean": pair.null_mean,
        "calibrated": pair.calibrated,
        "crossfit": pair.score_crossfit,
        "layers": pair_name(pair.left_layer, pair.right_layer),
        "note": "" if pair.p is not None else "no null yet: cavewall align run",
    }


@dataclass(frozen=True)
class Place:
    """A place in a heat map: its cell, and its row in the table behind it."""

    cell: PanelCell
    row: Mapping[str, Any]


def place(panel: str, left: str, right: str, pair: PairFacts | None, why: str, *, left_is_row: bool) -> Place:
    """Return the place of two checkpoints.

    Args:
        panel: in which panel.
        left: the first checkpoint's name.
        right: the second one's.
        pair: the two, None where they have no score.
        why: why they have none.
        left_is_row: whether the first stands in a row of the heat map, the second in a column.
    """
    row, column = (left, right) if left_is_row else (right, left)
    if pair is None:
        cell = PanelCell(panel, row, column, None, f"{pair_name(left, right)}: {why}")
        return Place(cell, {"left": left, "right": right, "note": why})
    return Place(PanelCell(panel, row, column, pair.score, pair_tip(pair)), pair_row(pair))


def by_score(rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return rows by their score, the highest first, those without one at the end."""
    return tuple(sorted(rows, key=lambda row: -row.get("score", float("-inf"))))
