"""Pairs against pairs: does what two checkpoints share go with what both of them can do?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.trends.arrangements import orders, p_value

Floats = NDArray[np.float64]
Joining = Literal["min", "mean"]


@dataclass(frozen=True)
class Mantel:
    """A correlation over pairs.

    Attributes:
        r: Pearson correlation of the pairs' values with the predictor.
        p: one-sided, over orders of the checkpoints.
        arrangements: how many, the one that was found included; all that exist where `is_exact`.
    """

    r: float
    p: float
    arrangements: int
    is_exact: bool


def mantel(matrix: Floats, competence: Floats, *, joining: Joining, key: str) -> Mantel | None:
    """Return how the values of pairs go with the competence of both checkpoints.

    The predictor of a pair is the smaller, or the mean, of both competences: not their difference, which
    would ask something else. Checkpoints are permuted jointly, since pairs that share one are not
    independent (permuting pairs finds far too much).

    Args:
        matrix: `(n, n)` symmetric, NaN where a pair is not known.
        competence: `(n,)`.
        joining: how the competences of a pair become one number.
        key: what random orders depend on.

    Returns:
        None where values or predictor do not vary over the known pairs.
    """
    left, right = np.triu_indices(len(matrix), k=1)
    is_known = ~np.isnan(matrix[left, right])
    left, right = left[is_known], right[is_known]
    values = matrix[left, right]

    def correlation(order: NDArray[np.int64]) -> float:
        moved = competence[order]
        return _pearson(_joined(moved[left], moved[right], joining), values)

    r = correlation(np.arange(len(matrix)))
    if np.isnan(r):
        return None
    others = orders(len(matrix), key=key)
    drawn = np.array([correlation(order) for order in others.rows])
    return Mantel(r, p_value(r, drawn, is_exact=others.is_exact), others.count, others.is_exact)


def _joined(left: Floats, right: Floats, joining: Joining) -> Floats:
    return np.minimum(left, right) if joining == "min" else (left + right) / 2


def _pearson(x: Floats, y: Floats) -> float:
    """Return the correlation, NaN where one side does not vary."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float((x @ y) / np.sqrt((x @ x) * (y @ y)))
