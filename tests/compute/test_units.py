from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.units import SlotTable, missing, units, wanted_columns


@st.composite
def slot_tables(draw: st.DrawFn) -> SlotTable:
    """A matrix as its scores or as its nulls see it: a null is wanted only as far as the row is scored."""
    size = draw(st.integers(0, 14))
    null_through = np.array([draw(st.integers(0, slot)) for slot in range(size)], np.int64)
    scored = np.array([draw(st.integers(int(null_through[slot]), slot)) for slot in range(size)], np.int64)
    slots = SlotTable(
        embedding=np.arange(size) + 1,
        modality=np.array(draw(st.lists(st.integers(0, 2), min_size=size, max_size=size)), np.int64),
        layers=np.array(draw(st.lists(st.integers(1, 5), min_size=size, max_size=size)), np.int64),
        is_live=np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), np.bool_),
        done_through=scored,
        reach=np.arange(size),
        null_through=null_through,
    )
    return slots.for_nulls() if draw(st.booleans()) else slots


def lacking(slots: SlotTable, pairs: str) -> set[tuple[int, int]]:
    """The definition: live rows, live columns to the left, not promised yet, of another modality if asked."""
    return {
        (s, t)
        for s in range(len(slots))
        for t in range(int(slots.done_through[s]), int(slots.reach[s]))
        if slots.is_live[s]
        and slots.is_live[t]
        and (pairs == "all" or slots.modality[s] != slots.modality[t])
    }


@given(slot_tables(), st.sampled_from(["all", "across"]))
def test_missing_counts_what_is_lacking(slots: SlotTable, pairs: str) -> None:
    expected = lacking(slots, pairs)
    found = missing(slots, pairs)  # type: ignore[arg-type]
    assert found.pairs.sum() == len(expected)
    assert found.layer_pairs.sum() == sum(slots.layers[s] * slots.layers[t] for s, t in expected)


@settings(max_examples=200)
@given(slot_tables(), st.sampled_from(["all", "across"]), st.integers(1, 60))
def test_units_cover_what_is_lacking_once_and_leave_no_gap(slots: SlotTable, pairs: str, limit: int) -> None:
    covered: list[tuple[int, int]] = []
    done = slots.done_through.copy()
    for unit in units(slots, pairs, limit):  # type: ignore[arg-type]
        for row in unit.rows:
            columns = wanted_columns(slots, row, unit.start, unit.stop, pairs)  # type: ignore[arg-type]
            covered += [(row, int(column)) for column in columns]
            if done[row] >= unit.start:
                done[row] = max(done[row], min(unit.stop, slots.reach[row]))
    assert len(covered) == len(set(covered))
    assert set(covered) == lacking(slots, pairs)
    after = replace(slots, done_through=done)
    assert missing(after, pairs).pairs.sum() == 0  # type: ignore[arg-type]


@given(slot_tables(), st.integers(1, 60))
def test_what_a_unit_computes_stays_within_its_bound(slots: SlotTable, limit: int) -> None:
    for unit in units(slots, "all", limit):
        wanted = {row: wanted_columns(slots, row, unit.start, unit.stop, "all").tolist() for row in unit.rows}
        rows = [row for row in wanted if wanted[row]]
        columns = sorted({column for listed in wanted.values() for column in listed})
        size = int(slots.layers[rows].sum() * slots.layers[columns].sum())
        assert size <= limit or len(rows) == 1 or len(columns) == 1
