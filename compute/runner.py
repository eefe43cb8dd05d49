"""Fill the targets: give slots, build neighbour lists, score and calibrate what is missing, unit by unit."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence

from compute.building import build_missing_lists
from compute.calibrating import calibrate_missing_pairs
from compute.catalogue import metric_info
from compute.forming import build_missing_forms
from compute.job import Job, RunOptions, RunSummary, torch_modules
from compute.memory import default_budget
from compute.pace import Pace
from compute.plan import TargetPlan, make_plan, selected_targets
from compute.scoring import score_missing_pairs
from compute.slots import assign_slots, candidates, slot_table
from compute.unit_sizes import check_memory
from registry.handle import Registry
from registry.host_rates import rates, record_rate
from registry.lock import Writer, writer_lock
from registry.tables import Dataset, Metric

__all__ = ["RunOptions", "RunSummary", "run_targets"]


def run_targets(
    registry: Registry, names: Sequence[str] | None = None, options: RunOptions | None = None
) -> RunSummary:
    """Compute every missing pair and null of some targets, or of all.

    Where nothing is missing, nothing is written, the lock is not taken, and torch is not imported.

    Raises:
        LockBusy: another run holds the lock.
        LockLost: the lock's connection went away; what was committed stays.
        Interrupted: a signal or a cancellation came; what was committed stays.
        MissingExtra: torch or numba is not installed.
    """
    options = options or RunOptions()
    plans = make_plan(registry, names)
    if all(plan.is_empty(null=options.null) for plan in plans):
        return RunSummary()
    engine = torch_modules()
    device = engine["devices"].resolve_device(options.device)
    with writer_lock(registry, "align run", device, options.wait) as writer:
        summary = RunSummary(run_id=writer.run_id)
        deadline = time.monotonic() + options.budget if options.budget is not None else float("inf")
        try:
            jobs = [
                _job(registry, writer, options, summary, plan, device, deadline)
                for plan in plans
                if not plan.is_empty(null=options.null)
            ]
            for job in jobs:
                _check_memory(job)
            for job in jobs:
                _fill(job)
        finally:
            writer.counts.update(summary.counts())
    return summary


def _job(
    registry: Registry,
    writer: Writer,
    options: RunOptions,
    summary: RunSummary,
    plan: TargetPlan,
    device: str,
    deadline: float,
) -> Job:
    with registry.read() as session:
        (target,) = selected_targets(session, [plan.name])
        dataset = session.get_one(Dataset, target.dataset_id)
        metric = session.get_one(Metric, target.metric_id)
        known = rates(session, socket.gethostname(), device)
    return Job(
        registry,
        writer,
        options,
        summary,
        target,
        dataset,
        metric_info(metric.name),
        dict(metric.parameters),
        device,
        deadline,
        options.memory or default_budget(),
        Pace(known),
    )


def _check_memory(job: Job) -> None:
    """Raise unless a pair of the largest embeddings fits, those included that have no slot yet.

    Raises:
        UsageError: it does not; nothing is written.
    """
    with job.registry.read() as session:
        slots = slot_table(session, job.target, candidates(session, job.target))
    check_memory(job, int(slots.layers[slots.is_live].max(initial=1)))


def _fill(job: Job) -> None:
    with job.writer.begin() as session:
        assign_slots(session, job.target)
    if job.info.needs == "neighbours":
        build_missing_lists(job)
    else:
        build_missing_forms(job)
    score_missing_pairs(job)
    if job.options.null and not job.summary.out_of_budget:
        calibrate_missing_pairs(job)
    with job.writer.begin() as session:
        for work, rate in job.pace.measured().items():
            record_rate(session, socket.gethostname(), job.device, work, rate, job.writer.run_id)
