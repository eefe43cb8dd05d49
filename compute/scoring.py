"""Scores that are missing, computed and committed unit by unit."""

from __future__ import annotations

import time
from typing import Any, Literal, cast

from sqlalchemy.orm import Session

from compute.commit import commit_unit, existing_pairs
from compute.job import Job, pause, torch_modules
from compute.listcache import ListCache
from compute.lists import TIES_WORTH_A_WARNING, tied_share
from compute.slots import slot_table
from compute.units import SlotTable, Unit, missing, units
from registry.errors import StoreError
from registry.runs import clear_failure, record_failure

ENTRIES_PER_UNIT = 400_000 * 10 * 1024  # list entries compared in one unit: a second or two on two cores


def score_missing_pairs(job: Job) -> None:
    """Score every pair that is missing, unit by unit, each committed on its own."""
    with job.registry.read() as session:
        slots = slot_table(session, job.target, [])
    lists = ListCache(job.registry, job.target.recipe, job.k_max)
    per_pair = job.dataset.item_count * job.k
    limit = job.options.unit_layer_pairs or max(1, ENTRIES_PER_UNIT // per_pair)
    pairs = cast("Literal['all', 'across']", job.target.pairs)
    total, done = int(missing(slots, pairs).pairs.sum()), 0
    for unit in units(slots, pairs, limit):
        job.options.report("align", done, total)
        if pause(job):
            break
        begun = time.perf_counter()
        done += _do_unit(job, slots, unit, lists)
        job.summary.seconds += time.perf_counter() - begun
    job.options.report("align", done, total)
    _warn_of_ties(job, lists)


def _do_unit(job: Job, slots: SlotTable, unit: Unit, lists: ListCache) -> int:
    """Compute a unit and commit it; a unit that fails leaves its watermarks and a row in `failure`."""
    subject = (
        f"target {job.target.name} rows {unit.rows[0]}-{unit.rows[-1]} columns {unit.start}-{unit.stop - 1}"
    )
    try:
        return _commit(job, slots, unit, lists, subject)
    except (StoreError, ValueError) as error:
        with job.writer.begin() as session:
            record_failure(session, subject, "align", str(error), job.writer.run_id)
        job.summary.failed += 1
        job.summary.warnings.append(f"{subject}: {error}")
        return 0


def _commit(job: Job, slots: SlotTable, unit: Unit, lists: ListCache, subject: str) -> int:
    engine = torch_modules()["engine"]
    target = job.target
    with job.registry.read() as session:
        known = existing_pairs(session, target.id, unit)
    block = engine.missing_block(slots, unit, target.pairs, known.complete, known.written)
    scored, part = None, None
    if block is not None:

        def load(slot: int) -> Any:
            return lists.get(int(slots.embedding[slot]))

        scored = engine.score_block(slots, block, load, k=job.k, reducer=target.reducer, device=job.device)
        part = _store_grid(job, scored) if scored.layer_pair_count else None
    with job.writer.begin() as session:
        written = _write(session, job, unit, scored, part, subject)
    if scored is not None:
        job.summary.layer_pairs += scored.layer_pair_count
        job.summary.entries += scored.layer_pair_count * job.dataset.item_count * job.k
    job.summary.pairs += written
    job.summary.units += 1
    return written


def _store_grid(job: Job, scored: Any) -> Any:
    from compute.grids import grid_table, write_grid

    return write_grid(job.registry.store, grid_table(job.target.id, scored))


def _write(session: Session, job: Job, unit: Unit, scored: Any, part: Any, subject: str) -> int:
    clear_failure(session, subject, "align")
    return commit_unit(
        session,
        job.target.id,
        unit,
        scored,
        entries_per_score=job.dataset.item_count * job.k,
        part=part,
        run_id=job.writer.run_id,
    )


def _warn_of_ties(job: Job, lists: ListCache) -> None:
    for embedding_id, tied_rows in lists.tied_rows.items():
        share = tied_share(tied_rows, job.k, job.dataset.item_count)
        if share > TIES_WORTH_A_WARNING:
            job.summary.warnings.append(
                f"embedding {embedding_id}: in {share:.0%} of the rows a tie decides who is neighbour {job.k}"
            )
