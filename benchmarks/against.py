"""Rows of the engine against the reference's way and against the peer, on one zoo of features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.made_up import Zoo, made_up_zoo
from benchmarks.measuring import Cost, Row, Start, measured
from benchmarks.peers import by_pair, peer
from benchmarks.reference import Score
from benchmarks.whole_zoo import all_pairs, flop, metric_of, pair_count, stored_zoo
from compute.metrics.contract import Grid

TARGETS: dict[tuple[str, Start], float] = {
    ("mutual_knn", "features"): 300,
    ("mutual_knn", "lists"): 20_000,
    ("cycle_knn", "features"): 300,
    ("cknna", "features"): 300,
    ("cka", "features"): 300,
    ("unbiased_cka", "features"): 250,
    ("cka_rbf", "features"): 200,
    ("svcca", "features"): 80,
}
PEER_TARGETS = {"one call": 3.0, "a call for each pair": 12.0}
RANDOM = {"svcca"}  # the reference's own scores differ from run to run
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What the rows are to be of.

    Attributes:
        metrics: names.
        starts: from what.
        reference: by metric, what the reference does for one layer pair.
        pairs: how many layer pairs the reference is timed on.
        peak: FLOP per second that a large product reaches.
    """

    metrics: Sequence[str]
    starts: Sequence[Start]
    reference: dict[str, Score]
    pairs: int
    peak: float


@dataclass(frozen=True)
class _Called:
    """What the reference gave for some layer pairs, (row layer, column layer), and its seconds per call."""

    places: list[tuple[int, int]]
    scores: list[float]
    seconds: float


def engine_rows(zoo: Zoo, asked: Asked, say: Say) -> Iterator[Row]:
    """Yield a row for each metric and start; say why where one cannot be had on this machine."""
    small = made_up_zoo(2, 2, 64, 16, zoo.device)
    for name in asked.metrics:
        try:
            all_pairs(metric_of(name), stored_zoo(name, small), zoo.device)  # numba compiles before the clock
        except ImportError as error:
            say(f"{name}: left out, since this machine has not what it needs ({error})")
            continue
        yield from _rows_of(name, zoo, asked, say)


def _rows_of(name: str, zoo: Zoo, asked: Asked, say: Say) -> Iterator[Row]:
    metric = metric_of(name)
    called = _reference(name, zoo, asked, say)
    stored, making = measured(lambda: stored_zoo(name, zoo), zoo.device)
    grid, comparing = measured(lambda: all_pairs(metric, stored, zoo.device), zoo.device)
    whole = Cost(
        making.seconds + comparing.seconds,
        making.cpu_seconds + comparing.cpu_seconds,
        max(making.peak_rss_mb, _size_mb(stored) + comparing.peak_rss_mb),
    )
    for start in asked.starts:
        cost = whole if start == "features" else comparing
        row = Row(
            metric=name,
            work="all pairs",
            start=start,
            layers=zoo.layers,
            n=zoo.n,
            seconds=cost.seconds,
            cpu_seconds=cost.cpu_seconds,
            peak_rss_mb=cost.peak_rss_mb,
            share_of_peak=_share(flop(name, start, zoo), cost.on(zoo.device), asked.peak),
        )
        if called is not None:
            row = _against_reference(row, called, cost.on(zoo.device), zoo)
            if name not in RANDOM:
                row = replace(row, largest_difference=_difference(grid / metric.scale(zoo.n), called))
        if name == "unbiased_cka" and start == "features":
            yield from _against_peer(row, cost.on(zoo.device), zoo, say)
        else:
            yield row


def _reference(name: str, zoo: Zoo, asked: Asked, say: Say) -> _Called | None:
    """Call the reference on some layer pairs of different checkpoints, or of one where there is one only."""
    score = asked.reference.get(name)
    if score is None or asked.pairs < 1:
        return None
    layers = zoo.flat
    random = np.random.default_rng(1)
    places = []
    for _ in range(asked.pairs):
        row = int(random.integers(min(zoo.layers_each, zoo.layers - 1), zoo.layers))
        own = row // zoo.layers_each * zoo.layers_each  # the columns to the left of the row's own checkpoint
        places.append((row, int(random.integers(0, own or 1))))
    try:
        score(layers[0], layers[-1])  # the first call warms up
    except ImportError as error:
        say(f"{name}: the reference was not timed ({error})")
        return None
    scores, cost = measured(lambda: [score(layers[i], layers[j]) for i, j in places], zoo.device)
    return _Called(places, scores, cost.on(zoo.device) / len(places))


def _against_reference(row: Row, called: _Called, cost: float, zoo: Zoo) -> Row:
    pairs = pair_count(row.metric, len(zoo.features), zoo.layers_each)
    return replace(
        row,
        reference_seconds_per_pair=called.seconds,
        reference_pairs=pairs,
        ratio=called.seconds * pairs / cost,
        target=TARGETS.get((row.metric, row.start)),
    )


def _against_peer(row: Row, cost: float, zoo: Zoo, say: Say) -> Iterator[Row]:
    """Yield a row for each way to use the peer, or the row as it is where there is no peer."""
    try:
        name, between = peer()
    except ImportError as error:
        say(f"{row.metric}: pytorch-cka was not timed ({error})")
        yield row
        return
    layers = zoo.flat
    between(layers[:2, :64], layers[:2, :64])  # the first call warms up
    ways: dict[str, Callable[[], object]] = {
        "one call": lambda: between(layers, layers),
        "a call for each pair": lambda: by_pair(between, zoo),
    }
    for way, work in ways.items():
        _, theirs = measured(work, zoo.device)
        yield replace(
            row,
            peer=f"{name}, {way}",
            peer_cpu_seconds=theirs.on(zoo.device),
            peer_ratio=theirs.on(zoo.device) / cost,
            peer_target=PEER_TARGETS[way],
        )


def _difference(scores: Grid, called: _Called) -> float:
    """Return how far the engine's scores, from the row to the column, are from the reference's."""
    pairs = zip(called.places, called.scores, strict=True)
    return max(abs(float(scores[0, i, j]) - score) for (i, j), score in pairs)


def _share(operations: float | None, seconds: float, peak: float) -> float | None:
    return None if operations is None else operations / seconds / peak


def _size_mb(stored: Sequence[object]) -> float:
    return sum(array.nbytes for one in stored for array in one.values()) / 2**20  # type: ignore[attr-defined]
