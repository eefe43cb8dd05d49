"""A tiny zoo with planted scores on tasks, planted families and planted alignments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select, update

from registry.handle import Registry
from registry.tables import Alignment, Benchmark, Checkpoint, Embedding, Family, Name, Score, Slot, Source
from tests.analysis.tiny import MOMENT, TinyZoo, key

BATTERY = "tiny-tasks"


def plant_scores(
    registry: Registry,
    values: Mapping[str, Mapping[str, float]],
    *,
    battery: str = BATTERY,
    chance: Mapping[str, float] | None = None,
    **claim: Any,
) -> None:
    """Give checkpoints, by name, values on tasks; a task exists as soon as one of them names it."""
    tasks = dict.fromkeys(task for row in values.values() for task in row)
    with registry.write() as session:
        source = session.scalar(select(Source).where(Source.name == "tests"))
        if source is None:
            source = Source(name="tests", kind="own evaluation", trust="high", created_at=MOMENT)
            session.add(source)
        benchmarks = {
            task: Benchmark(
                suite=battery, task=task, metric="balanced_accuracy", version="1", higher_is_better=True,
                low=0, high=1, chance=(chance or {}).get(task, 0.1),
            )
            for task in tasks
        }  # fmt: skip
        session.add_all(benchmarks.values())
        session.flush()
        ids = {row.name: row.checkpoint_id for row in session.scalars(select(Name))}
        for name, row in values.items():
            for task, value in row.items():
                score = {"value": value, "stderr": 0.01, "chance": 0.1, "details": {}, **claim}
                session.add(
                    Score(
                        content_key=key("score", battery, name, task, *claim.values()),
                        checkpoint_id=ids[name],
                        benchmark_id=benchmarks[task].id,
                        source_id=source.id,
                        measured_at=MOMENT,
                        **score,
                    )
                )


def plant_alignment(
    zoo: TinyZoo, score: Callable[[str, str], float], *, null_mean: float | None = 0.1, se: float = 0.01
) -> None:
    """Give every pair a score by the names of its two sides, and its null (unless null_mean is None)."""
    with zoo.registry.write() as session:
        statement = (
            select(Slot.slot, Name.name)
            .join(Embedding, Embedding.id == Slot.embedding_id)
            .join(Name, Name.checkpoint_id == Embedding.checkpoint_id)
        )
        names = {row.slot: row.name for row in session.execute(statement)}
        null = {} if null_mean is None else {"null_mean": null_mean, "null_sd": 0.01, "p": 0.05, "draws": 19}
        for row, column in session.execute(select(Alignment.row_slot, Alignment.column_slot)).all():
            session.execute(
                update(Alignment)
                .where(Alignment.row_slot == row, Alignment.column_slot == column)
                .values(score=score(names[column], names[row]), score_se=se, **null)
            )


def change(registry: Registry, name: str, family: str | None = None, **columns: Any) -> None:
    """Change columns of a checkpoint, or give it a family."""
    with registry.write() as session:
        if family is not None:
            known = session.scalar(select(Family).where(Family.name == family))
            if known is None:
                known = Family(name=family)
                session.add(known)
                session.flush()
            columns["family_id"] = known.id
        owner = select(Name.checkpoint_id).where(Name.name == name).scalar_subquery()
        session.execute(
            update(Checkpoint)
            .where(Checkpoint.id == owner)
            .values(**columns)
            .execution_options(synchronize_session=False)
        )
