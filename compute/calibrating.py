"""Nulls that are missing: a block of pairs with all its draws at a time, committed unit by unit."""

from __future__ import annotations

import time
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from compute.catalogue import highest_score
from compute.job import Job, pause, torch_modules
from compute.material import Material
from compute.nullcommit import calibrated_pairs, commit_null, observed_scores
from compute.pace import NULL_SECONDS
from compute.schemes import Scheme, scheme_of
from compute.slots import slot_table
from compute.unit_sizes import paced_units, without_memory
from compute.units import SlotTable, Unit, missing
from registry.errors import StoreError
from registry.host_rates import null_work
from registry.runs import clear_failure, record_failure
from registry.tables import Embedding, Slot

STAGE = "null"


def calibrate_missing_pairs(job: Job) -> None:
    """Draw the null of every scored pair that has none, or has fewer draws than the target wants."""

    def read() -> SlotTable:
        with job.registry.read() as session:
            return slot_table(session, job.target, []).for_nulls()

    pairs = cast("Literal['all', 'across']", job.target.pairs)
    total, done = int(missing(read(), pairs).pairs.sum()), 0
    if total == 0:
        return
    drawing, work = _Drawing(job), null_work(job.info.name)
    for slots, unit in paced_units(job, read, work, NULL_SECONDS, draws=job.target.draws):
        job.options.report("null", done, total)
        if pause(job):
            break
        begun = time.perf_counter()
        done += drawing.do(slots, unit)
        job.summary.null_seconds += time.perf_counter() - begun
    job.options.report("null", done, total)


class _Drawing:
    """What the units of one target's null share."""

    def __init__(self, job: Job) -> None:
        self._job = job
        with job.registry.read() as session:
            statement = (
                select(Slot.slot, Embedding.content_key)
                .join(Embedding, Embedding.id == Slot.embedding_id)
                .where(Slot.target_id == job.target.id)
            )
            self._keys = {row.slot: row.content_key for row in session.execute(statement)}
        self._material = Material(job)
        self._scheme: Scheme = scheme_of(job.registry.store, job.dataset, job.target.null_scheme)
        self._scale = self._material.rule.metric.scale(job.dataset.item_count)

    def do(self, slots: SlotTable, unit: Unit) -> int:
        """Compute a unit and commit it; one that fails leaves its watermarks and a row in `failure`."""
        job, subject = self._job, unit.subject(self._job.target.name)
        try:
            return without_memory(unit, lambda part: self._commit(slots, part, subject))
        except (StoreError, ValueError) as error:
            with job.writer.begin() as session:
                record_failure(session, subject, STAGE, str(error), job.writer.run_id)
            job.summary.failed += 1
            job.summary.warnings.append(f"{subject}: {error}")
            return 0

    def _commit(self, slots: SlotTable, unit: Unit, subject: str) -> int:
        job, target, modules = self._job, self._job.target, torch_modules()
        with job.registry.read() as session:
            done = calibrated_pairs(session, target, unit)
            scores = observed_scores(session, target.id, unit)
        written = {(row, column) for direction, row, column in scores if direction == 0}
        block, found = (
            modules["engine"].missing_block(slots, unit, target.pairs, done, written),
            None,
        )
        if block is not None:
            draws = self._draw(slots, block)
            highest = highest_score(job.info.name, job.parameters)
            found = modules["null"].calibrate(
                self._observed(block, scores, draws),
                draws,
                alpha=target.alpha,
                highest=None if highest is None else highest * self._scale,
            )
        with job.writer.begin() as session:
            clear_failure(session, subject, STAGE)
            count = commit_null(session, target, unit, block, found, self._scale)
        job.summary.calibrated += count
        job.summary.units += 1
        return count

    def _draw(self, slots: SlotTable, block: Any) -> NDArray[Any]:
        job, modules = self._job, torch_modules()

        def order(slot: int, draw: int) -> Any:
            return self._scheme.order(modules["null"].draw_key(job.target.seed, draw, self._keys[slot]))

        begun = time.perf_counter()
        draws: NDArray[Any] = modules["engine"].null_block(
            block, self._material.loader(slots), order, self._material.rule, draws=job.target.draws
        )
        layers = slots.layers
        layer_pairs = np.outer(layers[list(block.rows)], layers[list(block.columns)])
        drawn = int((layer_pairs * block.wanted).sum()) * job.target.draws
        job.summary.drawn_layer_pairs += drawn
        job.pace.note(
            null_work(job.info.name), float(drawn) * job.dataset.item_count, time.perf_counter() - begun
        )
        return draws

    def _observed(
        self, block: Any, scores: dict[tuple[int, int, int], float], draws: NDArray[Any]
    ) -> NDArray[Any]:
        """Return the entries that the scores were made of, (directions, rows, columns)."""
        found = np.array(
            [
                [[scores.get((d, row, column), 0.0) for column in block.columns] for row in block.rows]
                for d in range(draws.shape[1])
            ]
        )
        if np.issubdtype(draws.dtype, np.integer):
            return np.rint(found * self._scale).astype(np.int64)
        return found
