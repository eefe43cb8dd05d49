"""The part of the Python interface that measures and records scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.batteries import DefinedBattery
    from ingest.battery_runs import BatteryRun
    from ingest.score_sources import SourceDescription
    from ingest.scores import Recorded
    from registry.handle import Registry


class Scores:
    """What a zoo does with scores."""

    registry: Registry

    def define_battery(
        self, name: str, tasks: Sequence[str], *, dataset: str | None = None, **rule: Any
    ) -> DefinedBattery:
        """Define a battery of linear probes; the same again changes nothing.

        Args:
            name: what to call it.
            tasks: covariates of the data set; `covariate:N` is each of its N largest values.
            dataset: its name; None where there is only one.
            **rule: `stratify`, `test_share`, `seed`, where they are not the default.
        """
        from ingest.batteries import define_battery
        from registry.lookup import find_dataset

        with self.registry.read() as session:
            dataset_id = find_dataset(session, dataset).id
        return define_battery(self.registry, name, dataset_id, tasks, **rule)

    def run_battery(self, battery: str, checkpoint: str) -> BatteryRun:
        """Measure a battery on a checkpoint's embedding and record a score for each task, once.

        Raises:
            NotFoundError: there is no such battery or checkpoint, or no embedding that is ready.
        """
        from ingest.battery_runs import run_battery
        from registry.lookup import find_checkpoint

        with self.registry.read() as session:
            checkpoint_id = find_checkpoint(session, checkpoint).id
        return run_battery(self.registry, battery, checkpoint_id)

    def score(
        self,
        checkpoint: str,
        benchmark: str,
        value: float,
        *,
        metric: str,
        source: SourceDescription,
        facts: Mapping[str, Any] | None = None,
        **claim: Any,
    ) -> Recorded:
        """Record what somebody else says about a checkpoint; every claim is kept.

        Args:
            checkpoint: a name, a reference, or `series@step=N`.
            benchmark: `suite/task`.
            value: the result.
            metric: how it is measured.
            source: who says so.
            facts: of the benchmark: `version`, `higher_is_better`, `low`, `high`, `chance`.
            **claim: `stderr`, `item_count`, `shots`, `protocol`, `split`, `details`.

        Raises:
            InputError: the value cannot be true; it is kept as refused, with the reason.
            ConflictError: benchmark or source are registered otherwise.
        """
        from ingest.benchmarks import BenchmarkDescription, parts_of
        from ingest.scores import Claim, record_score
        from registry.lookup import find_checkpoint

        described = BenchmarkDescription(*parts_of(benchmark), metric, **(facts or {}))
        with self.registry.read() as session:
            checkpoint_id = find_checkpoint(session, checkpoint).id
        return record_score(self.registry, checkpoint_id, described, source, Claim(value, **claim))
