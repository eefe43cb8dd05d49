"""The watermark's promise on the real tables, under anything that may happen in any order."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from compute.commit import Known, commit_unit, existing_pairs
from compute.grids import ScoredUnit
from compute.reduction import BestLayers
from compute.slots import assign_slots, slot_table
from compute.units import SlotTable, Unit, missing, units, wanted_columns
from registry.handle import Registry, open_registry
from registry.runs import begin_run
from registry.settings import load_settings
from registry.store import StoredFile
from registry.tables import Alignment, Slot, Target
from tests.compute.synthetic import SyntheticZoo


def pretended(slots: SlotTable, unit: Unit, known: Known) -> ScoredUnit | None:
    """Counts of a unit as the engine would give them, all of them 1."""
    pairs = [
        (row, int(column))
        for row in unit.rows
        for column in wanted_columns(slots, row, unit.start, unit.stop, "all")
        if (row, int(column)) not in known.complete
    ]
    if not pairs:
        return None
    rows, columns = sorted({row for row, _ in pairs}), sorted({column for _, column in pairs})
    shape = (len(rows), len(columns))
    wanted, new = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    for row, column in pairs:
        wanted[rows.index(row), columns.index(column)] = True
        new[rows.index(row), columns.index(column)] = (row, column) not in known.written
    ones = np.ones(shape, np.int64)
    best = BestLayers(ones, 0 * ones, 0 * ones)
    layers = np.ones(len(rows), np.int64), np.ones(len(columns), np.int64)
    tenth = 0.1 * ones
    each = tenth[None]
    return ScoredUnit(
        rows, columns, *layers, wanted, new, ones[None], 16.0, [best], each, tenth, None, ones, each
    )


class Histories(RuleBasedStateMachine):
    """Add, retire, restore; plan, commit units in any order, or lose them."""

    template: Path
    folder: Path
    count = 0

    @initialize()
    def begin(self) -> None:
        Histories.count += 1
        self.path = self.folder / str(Histories.count)
        shutil.copytree(self.template, self.path)
        self.registry: Registry = open_registry(load_settings(self.path))
        self.zoo = SyntheticZoo(self.registry, n=8)
        self.name = self.zoo.add_target(k=2)
        self.retired: set[int] = set()
        self.pending: list[tuple[SlotTable, Unit]] = []
        with self.registry.write() as session:
            self.run_id = begin_run(session, kind="align run", device="cpu", holds_lock=True)
            self.target = session.scalars(select(Target)).one()

    @rule()
    def add(self) -> None:
        self.zoo.add(1, layers=[self.zoo.random.normal(size=(8, 2))])

    @precondition(lambda self: self.zoo.checkpoint_ids)
    @rule(data=st.data())
    def retire_or_restore(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.zoo.checkpoint_ids) - 1))
        if number in self.retired:
            self.zoo.restore(number)
        else:
            self.zoo.retire(number)
        self.retired ^= {number}

    @rule(limit=st.integers(1, 6))
    def plan(self, limit: int) -> None:
        """A run begins; what an earlier one had not committed is lost, as by a kill."""
        with self.registry.write() as session:
            assign_slots(session, self.target)
        with self.registry.read() as session:
            slots = slot_table(session, self.target, [])
        self.pending = [(slots, unit) for unit in units(slots, "all", limit)]

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def commit_any_unit(self, data: st.DataObject) -> None:
        self.commit(*self.pending.pop(data.draw(st.integers(0, len(self.pending) - 1))))

    @precondition(lambda self: self.pending)
    @rule()
    def run_to_the_end(self) -> None:
        while self.pending:
            self.commit(*self.pending.pop(0))

    def commit(self, slots: SlotTable, unit: Unit) -> None:
        with self.registry.read() as session:
            known = existing_pairs(session, self.target.id, unit)
        scored = pretended(slots, unit, known)
        part = StoredFile("grids/none", "0" * 64, 0) if scored else None
        with self.registry.write() as session:
            commit_unit(session, self.target.id, unit, scored, part=part, run_id=self.run_id)

    @invariant()
    def what_is_promised_is_written(self) -> None:
        with self.registry.read() as session:
            slots = session.scalars(select(Slot)).all()
            written = {(row.row_slot, row.column_slot) for row in session.scalars(select(Alignment))}
        live = {slot.slot for slot in slots if slot.is_live}
        for slot in slots:
            if slot.is_live:
                promised = {(slot.slot, t) for t in range(slot.done_through) if t in live}
                assert promised <= written

    @invariant()
    def a_live_slot_belongs_to_a_checkpoint_that_is_not_retired(self) -> None:
        with self.registry.read() as session:
            live = session.scalars(select(Slot.embedding_id).where(Slot.is_live)).all()
        retired = {self.zoo.embedding_ids[number] for number in self.retired}
        assert not retired & set(live)

    def teardown(self) -> None:
        """After one run to the end nothing is missing."""
        if not hasattr(self, "registry"):
            return
        self.plan(limit=5)
        if self.pending:
            self.run_to_the_end()
        with self.registry.read() as session:
            table = slot_table(session, self.target, [])
        assert missing(table, "all").pairs.sum() == 0
        live = int(table.is_live.sum())
        with self.registry.read() as session:
            alive = set(np.flatnonzero(table.is_live).tolist())
            rows = [
                row for row in session.scalars(select(Alignment)) if {row.row_slot, row.column_slot} <= alive
            ]
        assert len(rows) == live * (live - 1) // 2
        self.registry.close()
        shutil.rmtree(self.path)


@pytest.mark.slow
def test_the_watermark_keeps_its_promise(zoo_template: Path, tmp_path: Path) -> None:
    Histories.template, Histories.folder = zoo_template, tmp_path
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
