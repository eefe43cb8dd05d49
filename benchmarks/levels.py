"""Made-up embeddings that have nothing in common, their p, and whether p is what it says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.stats
import torch
from numpy.typing import NDArray

from compute.catalogue import form_key, highest_score, metric_info, parameters_of
from compute.metrics.contract import Arrays, LayerMetric
from compute.metrics.engines import engine_of
from compute.neighbours import nearest_neighbours
from compute.null import calibrate, draw_key, null_draws
from compute.recipe import parse_recipe, prepared_rows
from compute.schemes import all_items

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
LAYERS, STEP, ALPHA, SEED = 12, 0.2, 0.05, 20260511
RECIPE = parse_recipe("cosine")
ITEMS = {"scores": 24, "counts": 128}
MADE_AT_ONCE = 50  # pairs whose layers are ready at one time
NEIGHBOURS = {"edit_distance_knn": 24}  # of the root of n, as others have, many scores are equal
# Pairs in one product, of which only the diagonal is used: fewer calls, more waste. Measured.
PAIRS_AT_ONCE = {"svcca": 1, "procrustes": 1, "lcs_knn": 1, "lcs_knn_prh": 1, "edit_distance_knn": 1}


@dataclass(frozen=True)
class Subject:
    """A metric whose null is tested.

    Attributes:
        name: of the metric.
        parameters: all of them.
        metric: its code.
    """

    name: str
    parameters: dict[str, Any]
    metric: LayerMetric


@dataclass(frozen=True)
class Embeddings:
    """Unrelated embeddings, with what metrics need of their layers; two in a row are a pair.

    Attributes:
        lists: (embeddings, layers, n, k), nearest first.
        forms: what other metrics store of each embedding, by the form's key.
    """

    lists: Integers
    forms: dict[str, list[Arrays]]

    def stored(self, subject: Subject) -> list[Arrays]:
        """Return what a metric stores of each embedding."""
        if metric_info(subject.name).form is None:
            return [{"indices": lists} for lists in self.lists]
        return self.forms[form_key(subject.name, subject.parameters)]


@dataclass(frozen=True)
class Level:
    """One line of the table.

    Attributes:
        metric: its name.
        d: width of the layers.
        n: items.
        null: `right`, or `wrong`: a permutation for each layer.
        draws: K.
        pairs: how many.
        share: of p <= .05.
        expected: what it should be.
        error: standard error of the share, where it is as expected.
        ks: p of a Kolmogorov-Smirnov test of all p, ties broken at random.
        untied: as `share`, ties broken at random.
        tied: the share of draws that equal the score.
    """

    metric: str
    d: int
    n: int
    null: str
    draws: int
    pairs: int
    share: float
    expected: float
    error: float
    ks: float
    untied: float
    tied: float

    @property
    def is_level(self) -> bool:
        """Whether the share is within three standard errors of what is expected."""
        return abs(self.share - self.expected) <= 3 * self.error


@dataclass(frozen=True)
class Ranks:
    """How the scores of pairs stand among their draws; arrays of (pairs,).

    Attributes:
        p: as the engine gives it.
        above: how many draws are higher.
        tied: how many are equal.
    """

    p: Reals
    above: Integers
    tied: Integers


def subject_of(name: str, n: int) -> Subject:
    """Return a metric with parameters that suit a few dozen items."""
    k = min(NEIGHBOURS.get(name, round(math.sqrt(n))), n - 1)
    small = {"k": k, "dimensions": 3 if name == "svcca" else 8}
    takes = {parameter.name for parameter in metric_info(name).parameters}
    parameters = parameters_of(name, {key: value for key, value in small.items() if key in takes})
    return Subject(name, parameters, engine_of(name, parameters))


def random_walk(random: np.random.Generator, n: int, width: int, *, step: float = STEP) -> Reals:
    """Return (layers, n, d) layers, each a small step from the one before: correlated as in a network."""
    steps = random.normal(size=(LAYERS, n, width))
    steps[1:] *= step
    return np.cumsum(steps, axis=0)


def made_up(subjects: Sequence[Subject], numbers: range, n: int, width: int) -> Embeddings:
    """Return unrelated embeddings of some numbers, with what the metrics store of them."""
    formed = {
        form_key(one.name, one.parameters): one.metric
        for one in subjects
        if metric_info(one.name).form is not None
    }
    k_max = max(int(one.parameters.get("k", 1)) for one in subjects)
    lists = np.empty((len(numbers), LAYERS, n, k_max), np.int64)
    forms: dict[str, list[Arrays]] = {key: [] for key in formed}
    for place, number in enumerate(numbers):
        walk = random_walk(np.random.default_rng((SEED, width, number)), n, width)
        layers = [prepared_rows(torch.from_numpy(layer), RECIPE) for layer in walk]
        nearest = [
            nearest_neighbours(rows.float(), tie_key=f"{number} {layer}", k_max=k_max).indices
            for layer, rows in enumerate(layers)
        ]
        lists[place] = torch.stack(nearest).numpy()
        for key, metric in formed.items():
            k = getattr(metric, "k", 0)
            ready = [
                metric.layer_arrays(rows, near[:, :k] if k else None)
                for rows, near in zip(layers, nearest, strict=True)
            ]
            forms[key].append({name: np.stack([one[name] for one in ready]) for name in ready[0]})
    return Embeddings(lists, forms)


def permutations(numbers: range, n: int, draws: int, *, layers: int = 1) -> Integers:
    """Return (draws, embeddings, layers, n) permutations.

    Args:
        numbers: of the embeddings.
        n: items.
        draws: K.
        layers: 1 for the right null, one permutation for all layers; else each layer has its own.
    """
    scheme = all_items(n)
    orders = np.empty((draws, len(numbers), layers, n), np.int64)
    for draw in range(draws):
        for place, number in enumerate(numbers):
            for layer in range(layers):
                orders[draw, place, layer] = scheme.order(draw_key(SEED, draw, f"{number} {layer}"))
    return orders


def ranked(subject: Subject, embeddings: Embeddings, orders: Integers) -> Ranks:
    """Return how the best layers of each pair stand among the draws of the null.

    Args:
        subject: the metric.
        embeddings: of the first pairs as many are used as there are permutations.
        orders: as `permutations` returns them.
    """
    stored, metric = embeddings.stored(subject), subject.metric
    draws, count, groups, n = orders.shape
    highest = highest_score(subject.name, subject.parameters)
    bound = None if highest is None else highest * metric.scale(n)
    at_once, found = PAIRS_AT_ONCE.get(subject.name, 4), []
    for start in range(0, count, 2 * at_once):
        stop = min(start + 2 * at_once, count)
        sides = [metric.stack(stored[start + side : stop : 2]) for side in (0, 1)]
        pairs = len(sides[0].layer_counts)
        best = _best(metric.grid(*sides)[None], pairs)[0]
        if groups > 1:
            sides = [replace(side, layer_counts=np.ones(pairs * groups, np.int64)) for side in sides]

        def of_draw(draw: int, start: int = start, stop: int = stop) -> tuple[list[Integers], list[Integers]]:
            left, right = (orders[draw, start + side : stop : 2].reshape(-1, n) for side in (0, 1))
            return list(left), list(right)

        drawn = _best(null_draws(metric, sides[0], sides[1], of_draw, draws), pairs)
        p = calibrate(best, drawn, alpha=ALPHA, highest=bound).p
        found.append(Ranks(p, (drawn > best).sum(axis=0), (drawn == best).sum(axis=0)))
    return joined(found)


def joined(parts: Sequence[Ranks]) -> Ranks:
    """Return the ranks of several parts of the pairs as one."""
    return Ranks(*(np.concatenate([getattr(one, name) for one in parts]) for name in ("p", "above", "tied")))


def _best(entries: NDArray[Any], pairs: int) -> NDArray[Any]:
    """Return the maximum of each pair, (draws, pairs), of (draws, directions, rows, columns) entries."""
    first = entries[:, 0]
    draws, rows, columns = first.shape
    blocks = first.reshape(draws, pairs, rows // pairs, pairs, columns // pairs)
    places = np.arange(pairs)
    best: NDArray[Any] = blocks[:, places, :, places, :].max(axis=(2, 3)).T
    return best


def level_of(subject: Subject, d: int, n: int, null: str, draws: int, ranks: Ranks) -> Level:
    """Return whether p values follow their discrete uniform, as a line of the table."""
    random, count, tiny = np.random.default_rng(0), len(ranks.p), 1e-9
    untied = (1 + ranks.above + random.integers(0, ranks.tied + 1)) / (draws + 1)
    spread = untied - random.uniform(size=count) / (draws + 1)  # uniform if p is
    expected = math.floor(ALPHA * (draws + 1) + tiny) / (draws + 1)
    return Level(
        metric=subject.name,
        d=d,
        n=n,
        null=null,
        draws=draws,
        pairs=count,
        share=float((ranks.p <= ALPHA + tiny).mean()),
        expected=expected,
        error=math.sqrt(expected * (1 - expected) / count),
        ks=float(scipy.stats.kstest(spread, "uniform").pvalue),
        untied=float((untied <= ALPHA + tiny).mean()),
        tied=float(ranks.tied.mean() / draws),
    )


def levels(
    names: Sequence[str], n: int, width: int, *, pairs: int, wrong_pairs: int, draws: int
) -> Iterator[Level]:
    """Yield the right null of each metric and, unless no pairs are asked, the wrong one.

    Args:
        names: metrics.
        n: items.
        width: of the layers.
        pairs: how many for the right null.
        wrong_pairs: how many for the wrong one, the first of them.
        draws: K.
    """
    subjects = [subject_of(name, n) for name in names]
    right: dict[str, list[Ranks]] = {name: [] for name in names}
    wrong: dict[str, list[Ranks]] = {name: [] for name in names}
    for start in range(0, pairs, MADE_AT_ONCE):
        stop, wrong_stop = (min(start + MADE_AT_ONCE, last) for last in (pairs, wrong_pairs))
        numbers = range(2 * start, 2 * stop)
        embeddings = made_up(subjects, numbers, n, width)
        for found, last, layers in ((right, stop, 1), (wrong, wrong_stop, LAYERS)):
            if last > start:
                orders = permutations(range(2 * start, 2 * last), n, draws, layers=layers)
                for subject in subjects:
                    found[subject.name].append(ranked(subject, embeddings, orders))
    for subject in subjects:
        for null, found in (("right", right), ("wrong", wrong)):
            if parts := found[subject.name]:
                yield level_of(subject, width, n, null, draws, joined(parts))
