"""Claims about checkpoints' results: who says them, and whether they can be true."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy.orm import Session

from ingest.benchmarks import BenchmarkDescription, benchmark_name, ensure_benchmark, is_within, range_text
from ingest.rows import get_or_add
from ingest.score_sources import OWN, SourceDescription, ensure_source
from registry.clock import now
from registry.errors import InputError, NotFoundError, UsageError
from registry.handle import Registry
from registry.keys import content_key
from registry.lookup import current_name
from registry.tables import Benchmark, Checkpoint, Score, ScoreRefusal, Source


@dataclass(frozen=True)
class Claim:
    """A value on a benchmark and how it was measured; `chance` is the same measure on shuffled answers."""

    value: float
    stderr: float | None = None
    chance: float | None = None
    item_count: int | None = None
    shots: int | None = None
    protocol: str | None = None
    split: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """What recording a claim did; a refused one has its reason and no score."""

    score_id: int | None
    value: float
    outcome: Literal["added", "unchanged", "refused"]
    reason: str = ""


def score_key(
    checkpoint: Checkpoint, benchmark: Sequence[str], *, protocol: str | None, source: str, **parts: Any
) -> str:
    """Return the content key of a claim.

    Args:
        checkpoint: whose result it is.
        benchmark: suite, task, metric and version.
        protocol: how it was measured.
        source: the name of who says so.
        **parts: what else tells it from others. The value is among them for a claim from outside, where
            every claim is kept, and not for an own evaluation, which is measured once.
    """
    identity = {
        "checkpoint": checkpoint.content_key,
        "benchmark": list(benchmark),
        "protocol": protocol,
        "source": source,
    }
    return content_key("score", identity | parts)


def put_score(
    session: Session,
    checkpoint: Checkpoint,
    benchmark: Benchmark,
    source: Source,
    claim: Claim,
    *,
    key: str | None = None,
    run_id: int | None = None,
) -> Recorded:
    """Record a claim, or its refusal, and return which; the same again changes nothing.

    Args:
        session: where; the caller commits, and raises for a refusal only after that.
        checkpoint: whose result it is.
        benchmark: on what.
        source: who says so.
        claim: what they say.
        key: its content key; made of everything that is claimed where it is None.
        run_id: the run that measured it.
    """
    reason = fault_of(claim, benchmark)
    if reason is not None:
        _put_refusal(session, checkpoint, benchmark, source, claim, reason, run_id)
        return Recorded(None, claim.value, "refused", reason)
    key = key or _outside_key(checkpoint, benchmark, source, claim)
    new = Score(
        content_key=key,
        checkpoint_id=checkpoint.id,
        benchmark_id=benchmark.id,
        value=claim.value,
        stderr=claim.stderr,
        item_count=claim.item_count,
        shots=claim.shots,
        protocol=claim.protocol,
        split=claim.split,
        source_id=source.id,
        chance=claim.chance,
        details=dict(claim.details),
        run_id=run_id,
        measured_at=now(),
    )
    row = get_or_add(session, Score, Score.content_key == key, lambda: new)
    return Recorded(row.id, row.value, "added" if row is new else "unchanged")


def record_score(
    registry: Registry,
    checkpoint_id: int,
    benchmark: BenchmarkDescription,
    source: SourceDescription,
    claim: Claim,
) -> Recorded:
    """Record what somebody else says about a checkpoint, and return which score that is.

    Raises:
        NotFoundError: no checkpoint has that id.
        UsageError: the source would be this program, or something that is new is not described.
        ConflictError: benchmark or source are registered otherwise.
        InputError: the value cannot be true; the claim is kept as refused, with the reason.
    """
    if source.name == OWN:
        raise UsageError(
            f"the source '{OWN}' is what this program measures itself",
            hint="name who says so; its kind may be an own evaluation",
        )
    with registry.write() as session:
        checkpoint = session.get(Checkpoint, checkpoint_id)
        if checkpoint is None:
            raise NotFoundError(
                f"no checkpoint has the id {checkpoint_id}",
                hint="'cavewall checkpoint list' shows what is registered",
            )
        name = current_name(session, checkpoint_id)
        row = ensure_benchmark(session, benchmark)
        origin = ensure_source(
            session,
            source.name,
            source.kind,
            trust=source.trust,
            url=source.url,
            published_at=source.published_at,
        )
        recorded = put_score(session, checkpoint, row, origin, claim)
    require_true(recorded, name, row)
    return recorded


def require_true(recorded: Recorded, checkpoint: str, benchmark: Benchmark) -> int:
    """Return the id of a recorded score.

    Raises:
        InputError: the claim was refused.
    """
    if recorded.score_id is None:
        high = benchmark.high
        is_percent = high == 1 and 1 < recorded.value <= 100
        raise InputError(
            f"{checkpoint} on {benchmark_name(benchmark)}: {recorded.value!r} is refused, {recorded.reason}",
            hint="give a percentage as a fraction"
            if is_percent
            else "correct the value; see: score list --refused",
        )
    return recorded.score_id


def fault_of(claim: Claim, benchmark: Benchmark) -> str | None:
    """Return why a claim cannot be true, or None if it can."""
    allowed = range_text(benchmark.low, benchmark.high)
    if not math.isfinite(claim.value):
        return f"it is no finite number ({allowed})"
    if not is_within(claim.value, benchmark.low, benchmark.high):
        return f"it is outside the benchmark's range ({allowed})"
    if claim.stderr is not None and not 0 <= claim.stderr < math.inf:
        return f"its standard error {claim.stderr!r} cannot be one"
    if claim.chance is not None and not (
        math.isfinite(claim.chance) and is_within(claim.chance, benchmark.low, benchmark.high)
    ):
        return f"its chance {claim.chance!r} is outside the benchmark's range ({allowed})"
    return None


def _put_refusal(
    session: Session,
    checkpoint: Checkpoint,
    benchmark: Benchmark,
    source: Source,
    claim: Claim,
    reason: str,
    run_id: int | None,
) -> None:
    value = repr(claim.value)
    condition = (
        (ScoreRefusal.checkpoint_id == checkpoint.id)
        & (ScoreRefusal.benchmark_id == benchmark.id)
        & (ScoreRefusal.source_id == source.id)
        & (ScoreRefusal.value == value)
    )
    get_or_add(
        session,
        ScoreRefusal,
        condition,
        lambda: ScoreRefusal(
            checkpoint_id=checkpoint.id,
            benchmark_id=benchmark.id,
            source_id=source.id,
            value=value,
            reason=reason,
            run_id=run_id,
            refused_at=now(),
        ),
    )


def _outside_key(checkpoint: Checkpoint, benchmark: Benchmark, source: Source, claim: Claim) -> str:
    return score_key(
        checkpoint,
        [benchmark.suite, benchmark.task, benchmark.metric, benchmark.version],
        protocol=claim.protocol,
        source=source.name,
        value=claim.value,
        stderr=claim.stderr,
        item_count=claim.item_count,
        shots=claim.shots,
        split=claim.split,
    )
