"""Fill the targets: give slots, build neighbour lists, score what is missing, unit by unit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from sqlalchemy.orm import Session

from compute.commit import commit_unit, existing_pairs
from compute.listcache import ListCache
from compute.lists import kept_neighbours, neighbours_row, tied_share, unprepared
from compute.plan import RATE, TargetPlan, make_plan, selected_targets
from compute.slots import assign_slots, slot_table
from compute.units import SlotTable, Unit, missing, units
from registry.errors import Interrupted, MissingExtra, RegistryError, StoreError
from registry.handle import Registry
from registry.lock import Writer, stop_if_cancelled, writer_lock
from registry.runs import clear_failure, record_failure
from registry.slots import mark_dead
from registry.tables import Dataset, Embedding, Metric, Target

if TYPE_CHECKING:
    from types import ModuleType

ENTRIES_PER_UNIT = 400_000 * 10 * 1024  # list entries compared in one unit: a second or two on two cores
TIES_WORTH_A_WARNING = 0.01


@dataclass(frozen=True)
class RunOptions:
    """How a run works; nothing here changes a number.

    Attributes:
        device: `auto`, `cpu`, `cuda` …
        wait: seconds to wait for another holder of the lock.
        budget: seconds after which no further unit begins; None for no limit.
        unit_layer_pairs: at most how many layer pairs a unit holds; None for about two seconds of work.
        report: called with the phase, how much of it is done, and how much there is.
        stop: returns the exit code to end with where a signal has come, else None; asked between units.
    """

    device: str = "auto"
    wait: float = 0.0
    budget: float | None = None
    unit_layer_pairs: int | None = None
    report: Callable[[str, int, int], None] = lambda _phase, _done, _total: None
    stop: Callable[[], int | None] = lambda: None


@dataclass
class RunSummary:
    """What a run did. `run_id` is None where there was nothing to do and nothing was written."""

    run_id: int | None = None
    pairs: int = 0
    layer_pairs: int = 0
    lists_built: int = 0
    units: int = 0
    failed: int = 0
    out_of_budget: bool = False
    seconds: float = 0.0
    entries: int = 0
    warnings: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, Any]:
        """Return what the run's row keeps."""
        rate = {RATE: self.entries / self.seconds} if self.seconds > 0 and self.entries else {}
        return {
            "pairs": self.pairs,
            "layer_pairs": self.layer_pairs,
            "lists_built": self.lists_built,
            "units": self.units,
            "failed": self.failed,
            **rate,
        }


@dataclass(frozen=True)
class _Job:
    """One target in one run, with what its work needs."""

    registry: Registry
    writer: Writer
    options: RunOptions
    summary: RunSummary
    target: Target
    dataset: Dataset
    k: int
    device: str
    deadline: float

    @property
    def k_max(self) -> int:
        return kept_neighbours(self.k, self.dataset.item_count)


def run_targets(
    registry: Registry, names: Sequence[str] | None = None, options: RunOptions | None = None
) -> RunSummary:
    """Compute every missing pair of some targets, or of all.

    Where nothing is missing, nothing is written, the lock is not taken, and torch is not imported.

    Raises:
        LockBusy: another run holds the lock.
        LockLost: the lock's connection went away; what was committed stays.
        Interrupted: a signal or a cancellation came; what was committed stays.
        MissingExtra: torch or numba is not installed.
    """
    options = options or RunOptions()
    plans = make_plan(registry, names)
    if all(plan.is_empty for plan in plans):
        return RunSummary()
    engine = _engine()
    device = engine["devices"].resolve_device(options.device)
    with writer_lock(registry, "align run", device, options.wait) as writer:
        summary = RunSummary(run_id=writer.run_id)
        deadline = time.monotonic() + options.budget if options.budget is not None else float("inf")
        try:
            for plan in plans:
                if not plan.is_empty:
                    _fill(_job(registry, writer, options, summary, plan, device, deadline))
        finally:
            writer.counts.update(summary.counts())
    return summary


def _engine() -> dict[str, ModuleType]:
    try:
        import compute.devices
        import compute.engine
        import compute.prepare
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"computing alignments needs the library {error.name}", hint="pip install 'cavewall[models]'"
        ) from error
    return {"devices": compute.devices, "engine": compute.engine, "prepare": compute.prepare}


def _job(
    registry: Registry,
    writer: Writer,
    options: RunOptions,
    summary: RunSummary,
    plan: TargetPlan,
    device: str,
    deadline: float,
) -> _Job:
    with registry.read() as session:
        (target,) = selected_targets(session, [plan.name])
        dataset = session.get_one(Dataset, target.dataset_id)
        k = int(session.get_one(Metric, target.metric_id).parameters["k"])
    return _Job(registry, writer, options, summary, target, dataset, k, device, deadline)


def _fill(job: _Job) -> None:
    with job.writer.begin() as session:
        assign_slots(session, job.target)
    _build_missing_lists(job)
    _score_missing_pairs(job)


def _pause(job: _Job) -> bool:
    """Return whether the budget is used up; raise where the run has to stop."""
    code = job.options.stop()
    if code is not None:
        raise Interrupted(
            f"run {job.writer.run_id} interrupted: {job.summary.pairs} pairs aligned and committed",
            hint="resume: cavewall align run",
            exit_code=code,
        )
    stop_if_cancelled(job.writer)
    job.summary.out_of_budget = time.monotonic() >= job.deadline
    return job.summary.out_of_budget


def _build_missing_lists(job: _Job) -> None:
    with job.registry.read() as session:
        waiting = unprepared(session, job.target, job.k_max)
    build = _engine()["prepare"].build_lists
    for index, embedding in enumerate(waiting):
        job.options.report("neighbours", index, len(waiting))
        if _pause(job):
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


def _drop_embedding(job: _Job, embedding: Embedding, error: RegistryError) -> None:
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


def _score_missing_pairs(job: _Job) -> None:
    with job.registry.read() as session:
        slots = slot_table(session, job.target, [])
    lists = ListCache(job.registry, job.target.recipe, job.k_max)
    per_pair = job.dataset.item_count * job.k
    limit = job.options.unit_layer_pairs or max(1, ENTRIES_PER_UNIT // per_pair)
    pairs = cast("Literal['all', 'across']", job.target.pairs)
    total, done = int(missing(slots, pairs).pairs.sum()), 0
    for unit in units(slots, pairs, limit):
        job.options.report("align", done, total)
        if _pause(job):
            break
        begun = time.perf_counter()
        done += _do_unit(job, slots, unit, lists)
        job.summary.seconds += time.perf_counter() - begun
    job.options.report("align", done, total)
    _warn_of_ties(job, lists)


def _do_unit(job: _Job, slots: SlotTable, unit: Unit, lists: ListCache) -> int:
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


def _commit(job: _Job, slots: SlotTable, unit: Unit, lists: ListCache, subject: str) -> int:
    engine = _engine()["engine"]
    target = job.target
    with job.registry.read() as session:
        known = existing_pairs(session, target.id, unit)
    block = engine.missing_block(slots, unit, target.pairs, known)
    scored, part = None, None
    if block is not None:

        def load(slot: int) -> Any:
            return lists.get(int(slots.embedding[slot]))

        scored = engine.score_block(slots, block, load, k=job.k, reducer=target.reducer, device=job.device)
        part = _store_grid(job, scored)
    with job.writer.begin() as session:
        written = _write(session, job, unit, scored, part, subject)
    if scored is not None:
        job.summary.layer_pairs += scored.layer_pair_count
        job.summary.entries += scored.layer_pair_count * job.dataset.item_count * job.k
    job.summary.pairs += written
    job.summary.units += 1
    return written


def _store_grid(job: _Job, scored: Any) -> Any:
    from compute.grids import grid_table, write_grid

    return write_grid(job.registry.store, grid_table(job.target.id, scored))


def _write(session: Session, job: _Job, unit: Unit, scored: Any, part: Any, subject: str) -> int:
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


def _warn_of_ties(job: _Job, lists: ListCache) -> None:
    for embedding_id, tied_rows in lists.tied_rows.items():
        share = tied_share(tied_rows, job.k, job.dataset.item_count)
        if share > TIES_WORTH_A_WARNING:
            job.summary.warnings.append(
                f"embedding {embedding_id}: in {share:.0%} of the rows a tie decides who is neighbour {job.k}"
            )
