"""Neighbour lists that are missing, built and recorded one embedding at a time."""

from __future__ import annotations

from compute.job import Job, pause, torch_modules
from compute.lists import neighbours_row, unprepared
from registry.errors import RegistryError, StoreError
from registry.runs import clear_failure, record_failure
from registry.slots import mark_dead
from registry.tables import Embedding


def build_missing_lists(job: Job) -> None:
    """Build the lists of every live embedding that has none; one that is damaged loses its slots."""
    with job.registry.read() as session:
        waiting = unprepared(session, job.target, job.k_max)
    build = torch_modules()["prepare"].build_lists
    for index, embedding in enumerate(waiting):
        job.options.report("neighbours", index, len(waiting))
        if pause(job):
            return
        try:
            stored = build(
                job.registry.store, embedding, job.dataset, job.target.recipe, job.k_max, job.device
            )
        except RegistryError as error:
            _drop_embedding(job, embedding, error)
            continue
        with job.writer.begin() as session:
            session.add(neighbours_row(embedding.id, job.target.recipe, job.k_max, stored))
            clear_failure(session, f"embedding {embedding.content_key}", "neighbours")
        job.summary.lists_built += 1
    if waiting:
        job.options.report("neighbours", len(waiting), len(waiting))


def _drop_embedding(job: Job, embedding: Embedding, error: RegistryError) -> None:
    """A bad embedding loses its slots, and with them its own pairs only."""
    status = "missing" if isinstance(error, StoreError) and "missing" in error.message else "corrupt"
    with job.writer.begin() as session:
        session.get_one(Embedding, embedding.id).status = status
        mark_dead(session, [embedding.id], status)
        record_failure(
            session, f"embedding {embedding.content_key}", "neighbours", error.message, job.writer.run_id
        )
    job.summary.failed += 1
    job.summary.warnings.append(error.message)
