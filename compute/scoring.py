"""Scores that are missing, computed and committed unit by unit."""

from __future__ import annotations

import time
from typing import Any, Literal, cast

from sqlalchemy.orm import Session

from compute.commit import commit_unit, existing_pairs
from compute.job import Job, pause, torch_modules
from compute.lists import TIES_WORTH_A_WARNING, tied_share
from compute.material import Material
from compute.pace import SCORE_SECONDS
from compute.slots import slot_table
from compute.unit_sizes import paced_units, without_memory
from compute.units import SlotTable, Unit, missing
from registry.errors import StoreError
from registry.host_rates import score_work
from registry.runs import clear_failure, record_failure

STAGE = "align"


def score_missing_pairs(job: Job) -> None:
    """Score every pair that is missing, unit by unit, each committed on its own."""

    def read() -> SlotTable:
        with job.registry.read() as session:
            return slot_table(session, job.target, [])

    pairs = cast("Literal['all', 'across']", job.target.pairs)
    total, done = int(missing(read(), pairs).pairs.sum()), 0
    if total == 0:
        return
    material = Material(job)
    for slots, unit in paced_units(job, read, score_work(job.info.name), SCORE_SECONDS):
        job.options.report("align", done, total)
        if pause(job):
            break
        begun = time.perf_counter()
        done += _do_unit(job, slots, unit, material)
        job.summary.seconds += time.perf_counter() - begun
    job.options.report("align", done, total)
    _warn_of_ties(job, material)


def _do_unit(job: Job, slots: SlotTable, unit: Unit, material: Material) -> int:
    """Compute a unit and commit it; a unit that fails leaves its watermarks and a row in `failure`."""
    subject = unit.subject(job.target.name)
    try:
        return without_memory(unit, lambda part: _commit(job, slots, part, material, subject))
    except (StoreError, ValueError) as error:
        with job.writer.begin() as session:
            record_failure(session, subject, STAGE, str(error), job.writer.run_id)
        job.summary.failed += 1
        job.summary.warnings.append(f"{subject}: {error}")
        return 0


def _commit(job: Job, slots: SlotTable, unit: Unit, material: Material, subject: str) -> int:
    modules, target = torch_modules(), job.target
    with job.registry.read() as session:
        known = existing_pairs(session, target.id, unit, has_interval=job.info.has_interval)
    block = modules["engine"].missing_block(slots, unit, target.pairs, known.complete, known.written)
    scored, part = None, None
    if block is not None:
        load = material.loader(slots)
        begun = time.perf_counter()
        scored = modules["engine"].score_block(block, load, material.rule)
        job.pace.note(
            score_work(job.info.name),
            float((scored.layer_pairs * scored.wanted).sum()) * job.dataset.item_count,
            time.perf_counter() - begun,
        )
        modules["gates"].check_unit(scored, load, material.rule, job.info, material.namer(slots))
        part = _store_grid(job, scored) if scored.layer_pair_count else None
    with job.writer.begin() as session:
        written = _write(session, job, unit, scored, part, subject)
    if scored is not None:
        job.summary.layer_pairs += scored.layer_pair_count
    job.summary.pairs += written
    job.summary.units += 1
    return written


def _store_grid(job: Job, scored: Any) -> Any:
    from compute.grids import grid_table, write_grid

    return write_grid(job.registry.store, grid_table(job.target.id, scored))


def _write(session: Session, job: Job, unit: Unit, scored: Any, part: Any, subject: str) -> int:
    clear_failure(session, subject, STAGE)
    return commit_unit(session, job.target.id, unit, scored, part=part, run_id=job.writer.run_id)


def _warn_of_ties(job: Job, material: Material) -> None:
    k = job.parameters.get("k")
    for embedding_id, tied_rows in material.tied_rows.items():
        share = tied_share(tied_rows, int(k or 0), job.dataset.item_count)
        if share > TIES_WORTH_A_WARNING:
            job.summary.warnings.append(
                f"embedding {embedding_id}: in {share:.0%} of the rows a tie decides who is neighbour {k}"
            )
