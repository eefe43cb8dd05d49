"""How units are cut by memory and pace, and what happens where a device runs out of memory."""

from __future__ import annotations

import pytest
import torch

from compute.pace import FIRST_RATE, Pace
from compute.runner import RunOptions, run_targets
from compute.unit_sizes import without_memory
from compute.units import Unit
from registry.handle import Registry
from registry.tables import HostRate
from tests.compute.states import scores
from tests.compute.synthetic import SyntheticZoo


def out_of_memory_above(pairs: int, done: list[Unit]) -> object:
    """A device that takes blocks of so many pairs; it notes what it did, in order."""

    def do(unit: Unit) -> int:
        size = len(unit.rows) * (unit.stop - unit.start)
        if size > pairs:
            raise torch.OutOfMemoryError(f"{size} pairs")
        done.append(unit)
        return size

    return do


def test_a_unit_too_large_for_the_device_is_done_in_parts_from_left_to_right() -> None:
    done: list[Unit] = []
    assert without_memory(Unit((7, 8, 9), 2, 6), out_of_memory_above(2, done)) == 12
    assert {
        (row, column) for unit in done for row in unit.rows for column in range(unit.start, unit.stop)
    } == {(row, column) for row in (7, 8, 9) for column in range(2, 6)}
    for row in (7, 8, 9):  # a watermark can follow
        starts = [unit.start for unit in done if row in unit.rows]
        assert starts == sorted(starts)


def test_a_pair_too_large_for_the_device_is_refused_with_a_way_out() -> None:
    with pytest.raises(
        ValueError, match="too little memory for one pair of embeddings; compute it with --device cpu"
    ):
        without_memory(Unit((7,), 2, 3), out_of_memory_above(0, []))


def test_a_rate_is_that_of_this_run_then_of_an_earlier_one_then_a_guess() -> None:
    pace = Pace(known={"null cka": 5.0})
    assert pace.rate("score cka") == FIRST_RATE
    assert pace.rate("null cka") == 5.0
    pace.note("null cka", 30.0, 2.0)
    pace.note("null cka", 30.0, 10.0)
    assert pace.rate("null cka") == 3.0
    assert pace.measured() == {"null cka": 5.0}


def test_less_memory_makes_smaller_units_and_the_same_scores(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    for _ in range(6):
        zoo.add(3)
    names = [zoo.add_target(metric="unbiased_cka", parameters={}, draws=draws, recipe=recipe)
             for draws, recipe in ((19, "cosine"), (19, "inner"))]  # fmt: skip
    plenty = run_targets(sqlite_registry, names[:1], RunOptions(device="cpu", null=False))
    assert (plenty.pairs, plenty.units) == (15, 1)
    little = run_targets(sqlite_registry, names[1:], RunOptions(device="cpu", null=False, memory=200_000))
    assert little.pairs == 15 and little.units > 3
    assert len(scores(sqlite_registry)) == 15  # of both targets: the keys are the embeddings'


def test_what_a_run_measured_is_kept_for_the_next(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    zoo.add(2)
    zoo.add(2)
    zoo.add_target(metric="cka", parameters={})
    run_targets(sqlite_registry, options=RunOptions(device="cpu"))
    with sqlite_registry.read() as session:
        found = {row.work: row for row in session.query(HostRate)}
    assert set(found) == {"prepare cka", "score cka", "null cka"}
    assert all(row.rate > 0 and row.device == "cpu" for row in found.values())
