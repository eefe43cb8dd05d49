"""Layers that a metric on features needs, made ready and recorded one embedding at a time."""

from __future__ import annotations

import time

from compute.building import drop_embedding, excluded_pairs, leave_out, note_failure
from compute.forms import form_row, unformed
from compute.job import Job, pause, torch_modules
from registry.errors import RegistryError, UnfitLayer
from registry.host_rates import prepare_work
from registry.runs import clear_failure

STAGE = "form"


def build_missing_forms(job: Job) -> None:
    """Make the layers of every live embedding ready that has none; one that is damaged loses its slots.

    An embedding that the metric is not defined for loses its slot in this target only, and is not asked
    again before the metric's code changes.
    """
    with job.registry.read() as session:
        waiting = unformed(session, job.target, job.form)
    if not waiting:
        return
    try:
        excluded = excluded_pairs(job)
    except RegistryError as error:
        note_failure(job, f"target {job.target.name}", STAGE, error)
        return
    build, metric = torch_modules()["forms"].build_form, job.rule().metric
    for index, embedding in enumerate(waiting):
        job.options.report("layers", index, len(waiting))
        if pause(job):
            return
        begun = time.perf_counter()
        try:
            stored = build(
                job.registry.store,
                embedding,
                job.dataset,
                job.target.recipe,
                metric,
                k=job.parameters.get("k"),
                device=job.device,
                excluded=excluded,
            )
        except UnfitLayer as error:
            leave_out(job, embedding, error)
            continue
        except RegistryError as error:
            drop_embedding(job, embedding, error, STAGE)
            continue
        amount = float(embedding.layer_count) * job.dataset.item_count**2
        job.pace.note(prepare_work(job.info.name), amount, time.perf_counter() - begun)
        with job.writer.begin() as session:
            session.add(form_row(embedding.id, job.target.recipe, job.form, stored))
            clear_failure(session, f"embedding {embedding.content_key}", STAGE)
        job.summary.forms_built += 1
    job.options.report("layers", len(waiting), len(waiting))
