"""What `score add` does: one claim from outside, with who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from registry.handle import Registry

CLAIM = ("value", "stderr", "item_count", "shots", "protocol", "split")
BENCHMARK = ("metric", "version", "higher_is_better", "low", "high", "chance")


@dataclass(frozen=True)
class Claimed:
    """What became of a claim."""

    outcome: str
    checkpoint: str
    task: str
    metric: str
    value: float
    score_id: int | None


def add_claim(
    registry: Registry, checkpoint: str, benchmark: str, said: Mapping[str, Any], *, is_dry: bool
) -> Claimed:
    """Record what a source says about a checkpoint, and return which score it is; a rehearsal writes nothing.

    Args:
        registry: where.
        checkpoint: a name, a reference, or `series@step=N`.
        benchmark: `suite/task`.
        said: the facts about claim, benchmark and source, by the names of the options.
        is_dry: whether nothing may stay.

    Raises:
        RegistryError: as `ingest.scores.record_score` does.
    """
    from cavewall.rehearsal import rehearsal
    from ingest.benchmarks import BenchmarkDescription, parts_of
    from ingest.score_sources import SourceDescription
    from ingest.scores import Claim, record_score
    from registry.lookup import current_name, find_checkpoint

    source = SourceDescription(
        said["source"],
        kind=said["source_kind"] and said["source_kind"].replace("-", " "),
        trust=said["trust"],
        url=said["url"],
        published_at=said["published_at"] and said["published_at"].replace(tzinfo=UTC),
    )
    with rehearsal(registry, is_dry=is_dry) as stage:
        with stage.read() as session:
            checkpoint_id = find_checkpoint(session, checkpoint).id
            name = current_name(session, checkpoint_id)
        done = record_score(
            stage,
            checkpoint_id,
            BenchmarkDescription(*parts_of(benchmark), **{fact: said[fact] for fact in BENCHMARK}),
            source,
            Claim(**{fact: said[fact] for fact in CLAIM}),
        )
    return Claimed(done.outcome, name, benchmark, said["metric"], done.value, done.score_id)
