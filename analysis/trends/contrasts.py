"""The top bin against the bottom one: how much more its checkpoints align with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.trends.arrangements import p_value, splits

Floats = NDArray[np.float64]
Signs = NDArray[np.int64]


@dataclass(frozen=True)
class Contrast:
    """Mean over pairs within the top minus mean over pairs within the bottom.

    Attributes:
        difference: top minus bottom.
        p: one-sided, over rearrangements of the labels of all checkpoints.
        arrangements: how many, the one that was found included; all that exist where `is_exact`.
        without: the difference when each group is left out; None where no top or no bottom pair is left.
    """

    difference: float
    p: float
    arrangements: int
    is_exact: bool
    without: dict[str, float | None]


def contrast(matrix: Floats, signs: Signs, groups: Sequence[str], *, key: str) -> Contrast | None:
    """Return the contrast between two sets of checkpoints, None where one of them has no pair.

    Checkpoints in neither set take part in the rearrangements: under the null any of them could stand at the
    top. The sets keep their sizes.

    Args:
        matrix: `(n, n)` symmetric, NaN where a pair is not known.
        signs: `(n,)` 1 at the top, -1 at the bottom, 0 between.
        groups: `(n,)` each checkpoint's family.
        key: what random arrangements depend on.
    """
    difference = difference_of_means(matrix, signs)
    if difference is None:
        return None
    others = splits(signs, key=key)
    p = p_value(difference, differences(matrix, others.rows), is_exact=others.is_exact)
    labels = np.array(groups)
    without = {
        group: difference_of_means(matrix, np.where(labels == group, 0, signs))
        for group in dict.fromkeys(groups)
    }
    return Contrast(difference, p, others.count, others.is_exact, without)


def difference_of_means(matrix: Floats, signs: Signs) -> float | None:
    """Return the mean over the pairs of 1 with 1 minus that of -1 with -1, None where there are none."""
    value = float(differences(matrix, signs[None, :])[0])
    return None if np.isnan(value) else value


def differences(matrix: Floats, signs: Signs) -> Floats:
    """Return `difference_of_means` for each row of `(N, n)` signs, NaN where one side has no pair."""
    known = (~np.isnan(matrix) & ~np.eye(len(matrix), dtype=bool)).astype(np.float64)
    values = np.where(known > 0, matrix, 0.0)
    means = []
    for side in (1, -1):
        inside = (signs == side).astype(np.float64)  # (N, n)
        total = ((inside @ values) * inside).sum(axis=1)
        count = ((inside @ known) * inside).sum(axis=1)
        means.append(np.divide(total, count, out=np.full(len(signs), np.nan), where=count > 0))
    top, bottom = means
    difference: Floats = top - bottom
    return difference
