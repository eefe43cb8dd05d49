"""Neighbour lists and layer statistics that are missing, made and recorded one embedding at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from compute.forms import UNFIT, unfit_subject
from compute.job import Job, pause, torch_modules
from compute.lists import STATISTICS, neighbours_row, unmeasured, unprepared
from compute.recipe import parse_recipe
from compute.versions import LAYER_STATS_VERSION
from registry.errors import RegistryError, StoreError, UnfitLayer
from registry.exclusions import ExcludedPairs, read_exclusions
from registry.host_rates import prepare_work
from registry.runs import clear_failure, record_failure
from registry.slots import mark_dead
from registry.tables import Embedding, LayerStat, Neighbours, Slot

if TYPE_CHECKING:
    from compute.layer_stats import LayerStatistics


def build_missing_lists(job: Job) -> None:
    """Build the lists of every live embedding that has none; one that is damaged loses its slots.

    Embeddings that have lists of an earlier version, and no statistics, get the statistics.
    """
    with job.registry.read() as session:
        waiting = unprepared(session, job.target, job.k_max)
        measurable = unmeasured(session, job.target, job.k_max)
    total = len(waiting) + len(measurable)
    if waiting and not _build_all(job, waiting, total):
        return
    for index, (embedding, lists) in enumerate(measurable, start=len(waiting)):
        job.options.report("neighbours", index, total)
        if pause(job):
            return
        _measure(job, embedding, lists)
    if total:
        job.options.report("neighbours", total, total)


def _build_all(job: Job, waiting: Sequence[Embedding], total: int) -> bool:
    """Build lists one after the other; return whether there is time for more."""
    try:
        excluded = excluded_pairs(job)
    except RegistryError as error:
        note_failure(job, f"target {job.target.name}", "neighbours", error)
        return True
    build = torch_modules()["prepare"].build_lists
    for index, embedding in enumerate(waiting):
        job.options.report("neighbours", index, total)
        if pause(job):
            return False
        recipe, begun = job.target.recipe, time.perf_counter()
        try:
            built = build(
                job.registry.store, embedding, job.dataset, recipe, job.k_max, job.device, excluded=excluded
            )
        except UnfitLayer as error:
            leave_out(job, embedding, error)
            continue
        except RegistryError as error:
            drop_embedding(job, embedding, error, "neighbours")
            continue
        amount = float(embedding.layer_count) * job.dataset.item_count**2
        job.pace.note(prepare_work(job.info.name), amount, time.perf_counter() - begun)
        with job.writer.begin() as session:
            session.add(neighbours_row(embedding.id, recipe, job.k_max, built.stored))
            add_statistics(session, embedding.id, recipe, built.statistics)
            clear_failure(session, f"embedding {embedding.content_key}", "neighbours")
        job.summary.lists_built += 1
    return True


def excluded_pairs(job: Job) -> ExcludedPairs | None:
    """Return the pairs of items that the target's recipe leaves out; None where it has no exclusion."""
    names = parse_recipe(job.target.recipe).exclusions
    with job.registry.read() as session:
        return read_exclusions(session, job.registry.store, job.dataset, names)


def _measure(job: Job, embedding: Embedding, lists: Neighbours) -> None:
    """Record statistics alone; an embedding whose features are gone keeps its slots: it has its lists."""
    subject = f"embedding {embedding.content_key}"
    try:
        statistics = torch_modules()["prepare"].measure_layers(
            job.registry.store, embedding, job.dataset, lists, job.device
        )
    except RegistryError as error:
        note_failure(job, subject, STATISTICS, error)
        return
    with job.writer.begin() as session:
        add_statistics(session, embedding.id, lists.recipe, statistics)
        clear_failure(session, subject, STATISTICS)


def note_failure(job: Job, subject: str, stage: str, error: RegistryError) -> None:
    """Record what failed, and go on."""
    with job.writer.begin() as session:
        record_failure(session, subject, stage, error.message, job.writer.run_id)
    job.summary.failed += 1
    job.summary.warnings.append(error.message)


def add_statistics(
    session: Session, embedding_id: int, recipe: str, statistics: Sequence[LayerStatistics]
) -> None:
    """Record the statistics of an embedding's layers under a recipe, unless this version's are there."""
    of_it = (LayerStat.embedding_id == embedding_id, LayerStat.recipe == recipe)
    if session.scalar(select(LayerStat.code_version).where(*of_it).limit(1)) == LAYER_STATS_VERSION:
        return
    session.execute(delete(LayerStat).where(*of_it))
    session.add_all(
        LayerStat(
            embedding_id=embedding_id,
            recipe=recipe,
            layer=layer,
            code_version=LAYER_STATS_VERSION,
            k=found.k,
            tied_rows=found.tied_rows,
            duplicate_rows=found.duplicate_rows,
            mean_cosine=found.mean_cosine,
            effective_rank=found.effective_rank,
            in_degree_skew=found.in_degree_skew,
        )
        for layer, found in enumerate(statistics)
    )


def leave_out(job: Job, embedding: Embedding, error: RegistryError) -> None:
    """Take an embedding out of a target whose recipe or metric is not defined for it, and not ask again."""
    with job.writer.begin() as session:
        session.execute(
            update(Slot)
            .where(Slot.target_id == job.target.id, Slot.embedding_id == embedding.id, Slot.is_live)
            .values(is_live=False, dead_reason=error.message)
        )
        subject = unfit_subject(embedding.content_key, job.target.content_key)
        record_failure(session, subject, UNFIT, error.message, job.writer.run_id)
    job.summary.failed += 1
    job.summary.warnings.append(error.message)


def drop_embedding(job: Job, embedding: Embedding, error: RegistryError, stage: str) -> None:
    """A bad embedding loses its slots, and with them its own pairs only."""
    status = "missing" if isinstance(error, StoreError) and "missing" in error.message else "corrupt"
    with job.writer.begin() as session:
        session.get_one(Embedding, embedding.id).status = status
        mark_dead(session, [embedding.id], status)
        record_failure(session, f"embedding {embedding.content_key}", stage, error.message, job.writer.run_id)
    job.summary.failed += 1
    job.summary.warnings.append(error.message)
