from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import true

from compute.catalogue import metric_info, parameters_of
from compute.footprint import PROCESS, added_bytes, peak_bytes
from compute.memory import unit_bytes
from compute.readiness import Needs, Unready
from compute.units import Missing, SlotTable


def needs(name: str, k_max: int | None = None) -> Needs:
    return Needs(metric_info(name), parameters_of(name, {}), k_max, true())


def matrix(layers: list[int]) -> tuple[SlotTable, Missing]:
    size = len(layers)
    zeros, counts = np.zeros(size, np.int64), np.array(layers)
    live, reach = np.ones(size, np.bool_), np.arange(size)
    slots = SlotTable(zeros, zeros, counts, live, zeros, reach, zeros)
    before = np.concatenate(([0], np.cumsum(counts)[:-1]))
    return slots, Missing(reach, counts * before)


def nothing(size: int) -> Missing:
    return Missing(np.zeros(size, np.int64), np.zeros(size, np.int64))


def test_where_nothing_is_missing_nothing_is_taken() -> None:
    slots, _ = matrix([12, 12])
    assert peak_bytes(needs("cka"), slots, nothing(2), nothing(2), 1024) == 0
    assert added_bytes(needs("cka"), Unready(0, 0), 0, 0, 1024) == 0


def test_the_peak_grows_with_the_zoo_up_to_the_budget() -> None:
    budget = 8 * 10**9
    peaks = [
        peak_bytes(needs("cka"), slots, lacking, lacking, 1024, budget)
        for slots, lacking in (matrix([24] * size) for size in (2, 8, 32, 512, 1024))
    ]
    assert peaks[0] < peaks[1] < peaks[2] < peaks[3] == peaks[4] == PROCESS + budget


def test_the_peak_is_at_least_what_the_smallest_budget_allows() -> None:
    slots, lacking = matrix([24, 24])
    smallest = 2 * unit_bytes("cka", {}, 24, 24, 4096)
    assert peak_bytes(needs("cka"), slots, lacking, lacking, 4096, budget=1) == PROCESS + smallest


def test_nulls_alone_take_memory_too() -> None:
    slots, lacking = matrix([24, 24])
    assert peak_bytes(needs("mutual_knn", 100), slots, nothing(2), lacking, 1024) > PROCESS


def test_files_rows_and_grids_are_counted() -> None:
    lists = added_bytes(needs("mutual_knn", 100), Unready(3, 36), 0, 0, 1024)
    assert lists == 36 * 1024 * 100 * 2  # uint16 positions
    assert added_bytes(needs("cka"), Unready(3, 36), 0, 0, 1024) == 36 * (1024 * 1025 // 2) * 2
    both = [
        added_bytes(needs(name, 100), Unready(0, 0), 10, 1440, 1024) for name in ("cycle_knn", "jaccard_knn")
    ]
    assert both[0] == 2 * both[1]  # one row and one entry for each direction
    assert both[1] == pytest.approx(10 * 116 + 1440 * 5)
