"""What must hold for any scores, checked as they are computed: a unit that breaches it writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.catalogue import MetricInfo
from compute.engine import Load, Rule
from compute.grids import ScoredUnit
from compute.metrics.contract import Arrays, LayerMetric

SELF_SCORE_VARIES = frozenset({"cycle_knn"})  # a neighbour need not return the compliment
SAMPLED = 8  # layers per side whose pairs are computed a second time, the other way round
TOLERANCE = 1e-5  # of floating-point scores: the engine is within 1e-6 of the definition
Name = Callable[[int, int], str]  # of a slot and a layer


def check_self_scores(
    metric: LayerMetric, info: MetricInfo, arrays: Arrays, name: Callable[[int], str]
) -> None:
    """Raise unless every layer of an embedding gives the highest score with itself.

    The released code's variants are left out: what they add to the denominator takes them below it. So is
    `cycle_knn`: an item need not be among its neighbours' neighbours.

    Args:
        metric: with its parameters.
        info: what is known of it.
        arrays: the embedding's stored arrays.
        name: of a layer.

    Raises:
        ValueError: a layer with itself does not score 1.
    """
    if info.is_prh or info.name in SELF_SCORE_VARIES:
        return
    layers = len(next(iter(arrays.values())))
    for start in range(0, layers, SAMPLED):
        part = metric.stack([{key: array[start : start + SAMPLED] for key, array in arrays.items()}])
        grid = metric.grid(part, part)
        for position, entry in enumerate(np.diagonal(grid, axis1=1, axis2=2).T):
            scores = entry / metric.scale(part.item_count)
            if not np.allclose(scores, 1, rtol=0, atol=0 if metric.is_exact else TOLERANCE):
                raise ValueError(
                    f"{info.name} of {name(start + position)} with itself is {_shown(scores)}, expected 1: "
                    "what is stored of that layer is wrong"
                )


def check_unit(unit: ScoredUnit, load: Load, rule: Rule, info: MetricInfo, name: Name) -> None:
    """Raise unless a unit's scores are in range, the same both ways and, for `mutual_knn`, in the triangle.

    Args:
        unit: the scores.
        load: gives the stored arrays of a slot.
        rule: how they were compared.
        info: what is known of the metric.
        name: of a slot's layer.

    Raises:
        ValueError: a gate is breached; the message names the layers.
    """
    left, right = _places(unit.columns, unit.column_layers), _places(unit.rows, unit.row_layers)
    wanted = unit.wanted.repeat(unit.row_layers, axis=0).repeat(unit.column_layers, axis=1)
    _check_range(unit, wanted, info, lambda i, j: f"{name(*left[j])} and {name(*right[i])}")
    rows, columns = _sampled(right), _sampled(left)
    again = _again(
        rows, columns, right, left, load, rule
    )  # from columns to rows and back: (directions, c, r)
    _check_symmetry(
        unit, wanted, again, rows, columns, info, lambda i, j: f"{name(*left[j])} and {name(*right[i])}"
    )
    if info.name == "mutual_knn":
        _check_triangle(unit, wanted, rows, right, left, load, rule, name)


def _places(slots: Sequence[int], layer_counts: NDArray[np.int64]) -> list[tuple[int, int]]:
    return [(slot, layer) for slot, count in zip(slots, layer_counts, strict=True) for layer in range(count)]


def _sampled(places: Sequence[tuple[int, int]]) -> list[int]:
    return sorted(set(np.linspace(0, len(places) - 1, SAMPLED).round().astype(int).tolist()))


def _check_range(
    unit: ScoredUnit, wanted: NDArray[np.bool_], info: MetricInfo, pair: Callable[[int, int], str]
) -> None:
    slack = 0.0 if np.issubdtype(unit.grid.dtype, np.integer) else TOLERANCE
    for grid in unit.grid:
        scores = grid / unit.scale
        bad = ~np.isfinite(scores)
        bad |= scores < (-np.inf if info.low is None else info.low - slack)
        bad |= scores > (np.inf if info.high is None else info.high + slack)
        bad &= wanted
        if bad.any():
            i, j = (int(axis[0]) for axis in np.nonzero(bad))
            raise ValueError(f"{info.name} of {pair(i, j)} is {scores[i, j]:.9g}, expected {_range(info)}")


def _range(info: MetricInfo) -> str:
    if info.low is None and info.high is None:
        return "a finite number"
    return f"{'any' if info.low is None else info.low} to {'any' if info.high is None else info.high}"


def _again(
    rows: Sequence[int],
    columns: Sequence[int],
    right: Sequence[tuple[int, int]],
    left: Sequence[tuple[int, int]],
    load: Load,
    rule: Rule,
) -> NDArray[Any]:
    sides = [
        rule.metric.stack([_one_layer(load, *places[position]) for position in sampled])
        for places, sampled in ((left, columns), (right, rows))
    ]
    return rule.metric.grid(*sides, device=rule.device)


def _one_layer(load: Load, slot: int, layer: int) -> Arrays:
    return {key: array[layer : layer + 1] for key, array in load(slot).items()}


def _check_symmetry(
    unit: ScoredUnit,
    wanted: NDArray[np.bool_],
    again: NDArray[Any],
    rows: Sequence[int],
    columns: Sequence[int],
    info: MetricInfo,
    pair: Callable[[int, int], str],
) -> None:
    """Compare with the sides exchanged: what is computed from the column first is direction 0 of the unit."""
    slack = 0.0 if np.issubdtype(unit.grid.dtype, np.integer) else TOLERANCE
    for direction, exchanged in enumerate(again):
        here = unit.grid[direction][np.ix_(rows, columns)] / unit.scale
        there = exchanged.T / unit.scale
        bad = (np.abs(here - there) > slack) & wanted[np.ix_(rows, columns)]
        if bad.any():
            i, j = (int(axis[0]) for axis in np.nonzero(bad))
            raise ValueError(
                f"{info.name} of {pair(rows[i], columns[j])} is {here[i, j]:.9g}, and {there[i, j]:.9g} "
                "with the sides exchanged"
            )


def _check_triangle(
    unit: ScoredUnit,
    wanted: NDArray[np.bool_],
    rows: Sequence[int],
    right: Sequence[tuple[int, int]],
    left: Sequence[tuple[int, int]],
    load: Load,
    rule: Rule,
    name: Name,
) -> None:
    """Check s(A, C) >= s(A, B) + s(B, C) - 1: 1 - mutual-kNN is a metric between layers."""
    side = rule.metric.stack([_one_layer(load, *right[position]) for position in rows])
    among = rule.metric.grid(side, side, device=rule.device)[0].astype(np.int64)
    grid, highest = unit.grid[0].astype(np.int64), round(unit.scale)
    for a, first in enumerate(rows):
        for b, second in enumerate(rows):
            bad = grid[first] < among[a, b] + grid[second] - highest
            bad &= wanted[first] & wanted[second]
            if bad.any():
                column = int(np.nonzero(bad)[0][0])
                layers = f"{name(*right[first])}, {name(*right[second])} and {name(*left[column])}"
                raise ValueError(f"mutual_knn of {layers} breaks the triangle bound")


def _shown(scores: NDArray[np.float64]) -> str:
    return " and ".join(f"{score:.9g}" for score in np.atleast_1d(scores))
