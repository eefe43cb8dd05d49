"""In which order things stand in a figure. Pure: names and numbers in, names out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage

Scores = Mapping[frozenset[int], float]


def by_mean(things: Sequence[int], others: Sequence[int], scores: Scores) -> list[int]:
    """Return things by their mean score with others, the highest first; those without any at the end."""
    means = {thing: _mean(thing, others, scores) for thing in things}
    return sorted(things, key=lambda thing: (-means[thing], thing))


def clustered(things: Sequence[int], scores: Scores) -> list[int]:
    """Return things so that those of high scores with each other stand together.

    Average linkage on 1 - score (where a score is above 1, on the highest - score), its leaves in the order
    that keeps neighbours near; the end that has the higher mean with all others (with each other, where
    there are none) comes first. Things without any score stand at the end, in their own order.
    """
    known = [thing for thing in things if any(thing in pair for pair in scores)]
    rest = [thing for thing in things if thing not in known]
    if len(known) < 3:
        return [*by_mean(known, _others(known, scores), scores), *rest]
    top = max(1.0, *scores.values())
    distances = np.array([top - scores.get(frozenset(pair), 0.0) for pair in combinations(known, 2)])
    tree = linkage(np.clip(distances, 0.0, None), method="average", optimal_ordering=True)
    order = [known[leaf] for leaf in leaves_list(tree)]
    half = len(order) // 2
    others = _others(known, scores)
    if _mean_of(order[:half], others, scores) < _mean_of(order[-half:], others, scores):
        order.reverse()
    return [*order, *rest]


def _others(things: Sequence[int], scores: Scores) -> list[int]:
    everything = {thing for pair in scores for thing in pair}
    return sorted(everything - set(things)) or list(things)


def _mean(thing: int, others: Sequence[int], scores: Scores) -> float:
    known = [scores[pair] for other in others if (pair := frozenset((thing, other))) in scores]
    return fmean(known) if known else float("-inf")


def _mean_of(things: Sequence[int], others: Sequence[int], scores: Scores) -> float:
    return fmean(_mean(thing, others, scores) for thing in things)
