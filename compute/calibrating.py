"""Nulls that are missing: a block of pairs with all its draws at a time, committed unit by unit."""

from __future__ import annotations

import time
from typing import Any, Literal, cast

import numpy as np
from sqlalchemy import select

from compute.job import Job, pause, torch_modules
from compute.listcache import ListCache
from compute.nullcommit import calibrated_pairs, commit_null, observed_scores
from compute.schemes import Scheme, scheme_of
from compute.slots import slot_table
from compute.units import SlotTable, Unit, missing, units
from registry.errors import StoreError
from registry.runs import clear_failure, record_failure
from registry.tables import Embedding, Slot

DRAWN_ENTRIES_PER_UNIT = 25 * 10**10  # list entries x draws in one unit: at most some 20 s on two cores


def calibrate_missing_pairs(job: Job) -> None:
    """Draw the null of every scored pair that has none, or has fewer draws than the target wants."""
    with job.registry.read() as session:
        slots = slot_table(session, job.target, []).for_nulls()
        statement = (
            select(Slot.slot, Embedding.content_key)
            .join(Embedding, Embedding.id == Slot.embedding_id)
            .where(Slot.target_id == job.target.id, Slot.is_live)
        )
        keys = {row.slot: row.content_key for row in session.execute(statement)}
    pairs = cast("Literal['all', 'across']", job.target.pairs)
    total, done = int(missing(slots, pairs).pairs.sum()), 0
    if total == 0:
        return
    scheme = scheme_of(job.registry.store, job.dataset, job.target.null_scheme)
    lists = ListCache(job.registry, job.target.recipe, job.k_max)
    for unit in units(slots, pairs, layer_pairs_per_unit(job)):
        job.options.report("null", done, total)
        if pause(job):
            break
        begun = time.perf_counter()
        done += _do_unit(job, slots, unit, lists, scheme, keys)
        job.summary.null_seconds += time.perf_counter() - begun
    job.options.report("null", done, total)


def layer_pairs_per_unit(job: Job) -> int:
    """Return how many layer pairs a unit of the null may hold."""
    per_pair = job.dataset.item_count * job.k * job.target.draws
    return job.options.unit_layer_pairs or max(1, DRAWN_ENTRIES_PER_UNIT // per_pair)


def _do_unit(
    job: Job, slots: SlotTable, unit: Unit, lists: ListCache, scheme: Scheme, keys: dict[int, str]
) -> int:
    """Compute a unit and commit it; a unit that fails leaves its watermarks and a row in `failure`."""
    subject = (
        f"target {job.target.name} rows {unit.rows[0]}-{unit.rows[-1]} columns {unit.start}-{unit.stop - 1}"
    )
    try:
        return _commit(job, slots, unit, lists, scheme, keys, subject)
    except (StoreError, ValueError) as error:
        with job.writer.begin() as session:
            record_failure(session, subject, "null", str(error), job.writer.run_id)
        job.summary.failed += 1
        job.summary.warnings.append(f"{subject}: {error}")
        return 0


def _commit(
    job: Job,
    slots: SlotTable,
    unit: Unit,
    lists: ListCache,
    scheme: Scheme,
    keys: dict[int, str],
    subject: str,
) -> int:
    modules, target = torch_modules(), job.target
    engine, null = modules["engine"], modules["null"]
    with job.registry.read() as session:
        done = calibrated_pairs(session, target, unit)
        scores = observed_scores(session, target.id, unit)
    block, found = engine.missing_block(slots, unit, target.pairs, done, set(scores)), None
    entries = job.dataset.item_count * job.k
    if block is not None:

        def load(slot: int) -> Any:
            return lists.get(int(slots.embedding[slot]))

        def order(slot: int, draw: int) -> Any:
            return scheme.order(null.draw_key(target.seed, draw, keys[slot]))

        draws = engine.null_block(
            block,
            load,
            order,
            draws=target.draws,
            k=job.k,
            reducer=target.reducer,
            device=job.device,
        )
        observed = np.array(
            [
                [round(scores.get((row, column), 0.0) * entries) for column in block.columns]
                for row in block.rows
            ]
        )
        found = null.calibrate(observed, draws, alpha=target.alpha, highest=entries)
    with job.writer.begin() as session:
        clear_failure(session, subject, "null")
        written = commit_null(session, target, unit, block, found, entries)
    if block is not None:
        layer_pairs = np.outer(slots.layers[list(block.rows)], slots.layers[list(block.columns)])
        drawn = int((layer_pairs * block.wanted).sum()) * target.draws
        job.summary.drawn_layer_pairs += drawn
        job.summary.drawn_entries += drawn * entries
    job.summary.calibrated += written
    job.summary.units += 1
    return written
