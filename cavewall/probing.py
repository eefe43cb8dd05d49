"""What `score define` and `score run BATTERY` do: a battery of probes, one checkpoint after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cavewall.rendering import plural
from registry.errors import RegistryError

if TYPE_CHECKING:
    from cavewall.progress import Report
    from ingest.batteries import DefinedBattery, LoadedBattery
    from registry.handle import Registry


@dataclass(frozen=True)
class Probed:
    """What became of one checkpoint, as means over the tasks; `detail` is the reason where there is none."""

    outcome: str
    checkpoint: str
    task_count: int | None = None
    value: float | None = None
    chance: float | None = None
    detail: str = ""

    def text(self) -> str:
        """Return the line for people."""
        if self.value is None:
            return f"{self.outcome}  {self.checkpoint}{'  ' if self.detail else ''}{self.detail}"
        return (
            f"{self.outcome}  {self.checkpoint}  balanced accuracy {self.value:.3f} "
            f"(chance {self.chance:.3f}), mean of {plural(self.task_count or 0, 'task')}"
        )


def define(
    registry: Registry,
    name: str,
    dataset: str | None,
    tasks: Sequence[str],
    *,
    stratify: str | None,
    test_share: float,
    seed: int,
    is_dry: bool,
) -> DefinedBattery:
    """Define a battery and return which it is; a rehearsal writes nothing.

    Raises:
        RegistryError: as `ingest.batteries.define_battery` does.
    """
    from cavewall.rehearsal import rehearsal
    from ingest.batteries import describe_battery, register_battery
    from registry.items import read_items
    from registry.lookup import find_dataset

    with registry.read() as session:
        row = find_dataset(session, dataset)
    items = read_items(registry.store, row)
    definition = describe_battery(items, tasks, stratify=stratify, test_share=test_share, seed=seed)
    with rehearsal(registry, is_dry=is_dry) as stage:
        return register_battery(stage, name, row, definition)


def run_over(
    registry: Registry,
    battery: str,
    checkpoints: Sequence[str],
    extractions: Sequence[str],
    report: Report,
    *,
    is_dry: bool,
) -> list[Probed]:
    """Run a battery on some checkpoints, or on all live ones, and return what became of each.

    Args:
        registry: where.
        battery: its name.
        checkpoints: names and globs; every live checkpoint that can read the data set where there is none.
        extractions: the beginnings of the keys of the rules whose embeddings count; all where there is none.
        report: called with how many checkpoints of how many are done.
        is_dry: whether to say what would be measured, and measure nothing.

    Raises:
        NotFoundError: a name is not registered.
        RegistryError: the only checkpoint that was named failed, or has no embedding.
    """
    from cavewall.selecting import choose_checkpoints
    from ingest.batteries import load_battery
    from registry.extractions import find_extraction
    from registry.listings import live_checkpoints

    loaded = load_battery(registry, battery)
    with registry.read() as session:
        rules = [find_extraction(session, key).id for key in extractions]
        chosen = (
            choose_checkpoints(session, checkpoints)
            if checkpoints
            else live_checkpoints(session, loaded.dataset.modalities)
        )
    is_alone = bool(checkpoints) and len(chosen) == 1
    lines = []
    for done, row in enumerate(chosen):
        report("probe", done, len(chosen))
        lines.append(_run_one(registry, loaded, row.id, rules, is_alone=is_alone, is_dry=is_dry))
    report("probe", len(chosen), len(chosen))
    return lines


def _run_one(
    registry: Registry,
    loaded: LoadedBattery,
    checkpoint_id: int,
    rules: Sequence[int],
    *,
    is_alone: bool,
    is_dry: bool,
) -> Probed:
    from ingest.battery_runs import plan_battery, run_battery
    from registry.lookup import current_name

    try:
        plan = plan_battery(registry, loaded, checkpoint_id, extraction_ids=rules)
        if plan.embedding is None and not is_alone:
            return Probed("skipped", plan.name, detail=f"no embedding on {loaded.dataset.name}")
        if is_dry and plan.embedding is not None and len(plan.scores) < len(loaded.tasks):
            return Probed("would measure", plan.name, len(loaded.tasks))
        done = run_battery(registry, loaded, checkpoint_id, extraction_ids=rules)
    except RegistryError as error:
        if is_alone:
            raise
        with registry.read() as session:
            return Probed("failed", current_name(session, checkpoint_id), detail=error.message)
    count = len(done.scores)
    value = sum(score.value for score in done.scores) / count
    chance = sum(score.chance or 0.0 for score in done.scores) / count
    return Probed(done.outcome, plan.name, count, value, chance)
