"""Which tasks a checkpoint solves: those on which it comes near the best of a reference set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Solved:
    """What `n` checkpoints solve of `t` tasks.

    Attributes:
        best: `(t,)` highest value of the reference set.
        threshold: `(t,)` value from which a task is solved.
        is_counted: `(t,)` whether chance lies below the threshold; where it does not, the task tells nothing.
        is_solved: `(n, t)` whether the value reaches the threshold; False in tasks that do not count.
        counts: `(n,)` how many tasks that count are solved.
        accuracy: `(n,)` mean value over the tasks that count, NaN where none does.
    """

    best: Floats
    threshold: Floats
    is_counted: NDArray[np.bool_]
    is_solved: NDArray[np.bool_]
    counts: NDArray[np.int64]
    accuracy: Floats


def solved(values: Floats, chance: Floats, *, reference: Sequence[int], solved_at: float) -> Solved:
    """Return which tasks each checkpoint solves.

    A task is solved at `solved_at` times the best of the reference set. One whose chance reaches that already
    is left out: everybody would solve it.

    Args:
        values: `(n, t)`, higher is better, without NaN: a missing value is not a failure, so whoever lacks
            one stays outside.
        chance: `(t,)`, NaN where nobody knows it; such a task counts.
        reference: positions of the reference set, at least one.
        solved_at: share of the best, above 0 and at most 1.

    Raises:
        ValueError: a value is missing, the reference set is empty, or the share is out of range.
    """
    if np.isnan(values).any():
        raise ValueError("a checkpoint that lacks a task solves an unknown number of them: leave it out")
    if not len(reference):
        raise ValueError("the reference set is empty")
    if not 0 < solved_at <= 1:
        raise ValueError(f"a task is solved at a share of the best, above 0 and at most 1, not {solved_at}")
    best = values[list(reference)].max(axis=0)  # (t,)
    threshold = solved_at * best
    is_counted = ~(chance >= threshold)
    is_solved = (values >= threshold) & is_counted  # (n, t)
    accuracy = values[:, is_counted].mean(axis=1) if is_counted.any() else np.full(len(values), np.nan)
    return Solved(best, threshold, is_counted, is_solved, is_solved.sum(axis=1), accuracy)


def chance_of_tasks(known: Floats, measured: Floats) -> Floats:
    """Return what a guess gives on each task: the larger of what is known of it and what was measured.

    Args:
        known: `(t,)` chance of the benchmark, NaN where it names none.
        measured: `(n, t)` value on shuffled answers, NaN where nobody measured it.

    Returns:
        `(t,)`, NaN where nothing is known of a task.
    """
    has_value = ~np.isnan(measured)
    count = has_value.sum(axis=0)
    total = np.where(has_value, measured, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(len(known), np.nan), where=count > 0)
    chance: Floats = np.fmax(known, mean)
    return chance
