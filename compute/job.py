"""One target in one run: what its work needs, how it works, and what it did."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compute.catalogue import MetricInfo, form_key
from compute.lists import kept_for
from compute.pace import Pace
from compute.recipe import parse_recipe
from registry.errors import Interrupted, MissingExtra
from registry.handle import Registry
from registry.lock import Writer, stop_if_cancelled
from registry.tables import Dataset, Target

if TYPE_CHECKING:
    from types import ModuleType

    from compute.engine import Rule


@dataclass(frozen=True)
class RunOptions:
    """How a run works; nothing here changes a number.

    Attributes:
        device: `auto`, `cpu`, `cuda` …
        wait: seconds to wait for another holder of the lock.
        null: whether the nulls are drawn too; without them a run only scores.
        budget: seconds after which no further unit begins; None for no limit.
        unit_layer_pairs: at most how many layer pairs a unit holds; None for about two seconds of work.
        memory: bytes that the run may use for layers and grids; None for half of what is free.
        report: called with the phase, how much of it is done, and how much there is.
        stop: returns the exit code to end with where a signal has come, else None; asked between units.
    """

    device: str = "auto"
    wait: float = 0.0
    null: bool = True
    budget: float | None = None
    unit_layer_pairs: int | None = None
    memory: int | None = None
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
    calibrated: int = 0
    drawn_layer_pairs: int = 0
    seconds: float = 0.0
    null_seconds: float = 0.0
    forms_built: int = 0
    warnings: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, Any]:
        """Return what the run's row keeps."""
        return {
            "pairs": self.pairs,
            "layer_pairs": self.layer_pairs,
            "lists_built": self.lists_built,
            "units": self.units,
            "failed": self.failed,
            "calibrated": self.calibrated,
            "forms_built": self.forms_built,
        }


@dataclass(frozen=True)
class Job:
    """One target in one run, with what its work needs.

    Attributes:
        registry: where.
        writer: the holder of the lock.
        options: how the run works.
        summary: what it did so far.
        target: whose matrix.
        dataset: of its items.
        info: what is known of the metric.
        parameters: the metric's.
        device: a torch device.
        deadline: when no further unit begins.
        memory: bytes for layers and grids.
        pace: how fast this host works.
    """

    registry: Registry
    writer: Writer
    options: RunOptions
    summary: RunSummary
    target: Target
    dataset: Dataset
    info: MetricInfo
    parameters: dict[str, Any]
    device: str
    deadline: float
    memory: int
    pace: Pace

    @property
    def k_max(self) -> int:
        """How many neighbours its lists keep."""
        with self.registry.read() as session:
            return kept_for(session, self.target)

    @property
    def form(self) -> str:
        """The key of the form that the metric needs of a layer."""
        return form_key(self.info.name, self.parameters)

    def rule(self) -> Rule:
        """Return how the engine compares layers."""
        modules = torch_modules()
        rule: Rule = modules["engine"].Rule(
            modules["metrics"].engine_of(self.info.name, self.parameters),
            reducer=self.target.reducer,
            is_concatenated=parse_recipe(self.target.recipe).concatenation is not None,
            has_crossfit=self.info.has_crossfit,
            device=self.device,
        )
        return rule


def pause(job: Job) -> bool:
    """Return whether the budget is used up; asked between units.

    Raises:
        Interrupted: a signal or a cancellation came.
    """
    code = job.options.stop()
    if code is not None:
        raise Interrupted(
            f"run {job.writer.run_id} interrupted: {job.summary.pairs} pairs aligned and "
            f"{job.summary.calibrated} calibrated, all committed",
            hint="resume: cavewall align run",
            exit_code=code,
        )
    stop_if_cancelled(job.writer)
    job.summary.out_of_budget = time.monotonic() >= job.deadline
    return job.summary.out_of_budget


def torch_modules() -> dict[str, ModuleType]:
    """Return the modules that need torch or numba, imported when there is something to compute.

    Raises:
        MissingExtra: one of the two is not installed.
    """
    try:
        import compute.devices
        import compute.engine
        import compute.form_building
        import compute.gates
        import compute.metrics.engines
        import compute.null
        import compute.prepare
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"computing alignments needs the library {error.name}", hint="pip install 'cavewall[models]'"
        ) from error
    return {
        "devices": compute.devices,
        "engine": compute.engine,
        "forms": compute.form_building,
        "gates": compute.gates,
        "metrics": compute.metrics.engines,
        "null": compute.null,
        "prepare": compute.prepare,
    }
