"""Delete checkpoints and data sets for good, with everything that was derived from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from ingest.bits_per_byte import SUITE as BITS_PER_BYTE
from registry.errors import ConflictError
from registry.tables import (
    Battery,
    Benchmark,
    Checkpoint,
    Dataset,
    Embedding,
    Exclusion,
    ExternalAlignment,
    Failure,
    ImportedScore,
    LayerForm,
    LayerStat,
    Name,
    Neighbours,
    Score,
    ScoreRefusal,
    Table,
    Tag,
    Target,
    TargetExtraction,
)


@dataclass
class Removed:
    """Rows that were deleted, by table, and the addresses of the files that they named."""

    rows: dict[str, int] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def add(self, table: type[Table], count: int) -> None:
        """Count rows of a table."""
        if count:
            self.rows[table.__tablename__] = self.rows.get(table.__tablename__, 0) + count


def embeddings_of(
    session: Session, *, checkpoint_ids: Collection[int] = (), dataset_id: int | None = None
) -> list[Embedding]:
    """Return the embeddings that go with some checkpoints or a data set, whatever their state."""
    statement = select(Embedding).where(
        or_(Embedding.checkpoint_id.in_(list(checkpoint_ids)), Embedding.dataset_id == dataset_id)
    )
    return list(session.scalars(statement.order_by(Embedding.id)))


def remove_embeddings(session: Session, rows: Collection[Embedding], removed: Removed) -> None:
    """Delete embeddings with all that was made of their layers; their slots must be gone already."""
    ids = [row.id for row in rows]
    for made in (Neighbours, LayerForm):
        removed.files |= set(session.scalars(select(made.uri).where(made.embedding_id.in_(ids))))
    removed.files |= {row.uri for row in rows if row.location is None}
    for table in (LayerStat, Neighbours, LayerForm):
        removed.add(table, _delete(session, table, table.embedding_id.in_(ids)))
    removed.add(Embedding, _delete(session, Embedding, Embedding.id.in_(ids)))
    _forget_failures(session, [row.content_key for row in rows])


def remove_checkpoints(session: Session, checkpoint_ids: Collection[int], removed: Removed) -> None:
    """Delete checkpoints with their names, tags, scores, outside alignments; their embeddings are gone.

    A checkpoint of which one of them was the parent keeps its row and loses the reference.
    """
    ids = list(checkpoint_ids)
    keys = list(session.scalars(select(Checkpoint.content_key).where(Checkpoint.id.in_(ids))))
    _remove_scores(session, select(Score.id).where(Score.checkpoint_id.in_(ids)), removed)
    removed.add(ScoreRefusal, _delete(session, ScoreRefusal, ScoreRefusal.checkpoint_id.in_(ids)))
    outside = or_(
        ExternalAlignment.left_checkpoint_id.in_(ids), ExternalAlignment.right_checkpoint_id.in_(ids)
    )
    removed.add(ExternalAlignment, _delete(session, ExternalAlignment, outside))
    for table in (Tag, Name):
        removed.add(table, _delete(session, table, table.checkpoint_id.in_(ids)))
    session.execute(update(Checkpoint).where(Checkpoint.parent_id.in_(ids)).values(parent_id=None))
    removed.add(Checkpoint, _delete(session, Checkpoint, Checkpoint.id.in_(ids)))
    _forget_failures(session, keys)


def remove_dataset(session: Session, dataset: Dataset, removed: Removed) -> None:
    """Delete a data set with its targets, exclusions, batteries and scores; its embeddings are gone.

    Raises:
        ConflictError: another data set is a variant of it.
    """
    child = session.scalar(select(Dataset.name).where(Dataset.parent_id == dataset.id))
    if child is not None:
        raise ConflictError(
            f"{child} is a variant of {dataset.name} and would lose its parent",
            hint=f"purge the variant first: cavewall purge --dataset {child}",
        )
    targets = list(session.scalars(select(Target.id).where(Target.dataset_id == dataset.id)))
    _delete(session, TargetExtraction, TargetExtraction.target_id.in_(targets))
    removed.add(Target, _delete(session, Target, Target.id.in_(targets)))
    _remove_benchmarks(session, dataset, removed)
    removed.files |= set(session.scalars(select(Exclusion.uri).where(Exclusion.dataset_id == dataset.id)))
    removed.files.add(dataset.uri)
    outside = ExternalAlignment.dataset_id == dataset.id
    for table, condition in (
        (Battery, Battery.dataset_id == dataset.id),
        (Exclusion, Exclusion.dataset_id == dataset.id),
        (ExternalAlignment, outside),
    ):
        removed.add(table, _delete(session, table, condition))
    removed.add(Dataset, _delete(session, Dataset, Dataset.id == dataset.id))
    _forget_failures(session, [dataset.content_key])


def _remove_benchmarks(session: Session, dataset: Dataset, removed: Removed) -> None:
    """Delete the benchmarks that this data set's items are the tasks of, with their scores."""
    suites = list(session.scalars(select(Battery.name).where(Battery.dataset_id == dataset.id)))
    own_text = (
        (Benchmark.suite == BITS_PER_BYTE)
        & (Benchmark.task == dataset.name)
        & (Benchmark.version == dataset.revision)
    )
    ids = list(session.scalars(select(Benchmark.id).where(or_(Benchmark.suite.in_(suites), own_text))))
    _remove_scores(session, select(Score.id).where(Score.benchmark_id.in_(ids)), removed)
    removed.add(ScoreRefusal, _delete(session, ScoreRefusal, ScoreRefusal.benchmark_id.in_(ids)))
    removed.add(Benchmark, _delete(session, Benchmark, Benchmark.id.in_(ids)))


def _remove_scores(session: Session, which: Select[int], removed: Removed) -> None:
    ids = list(session.scalars(which))
    _delete(session, ImportedScore, ImportedScore.score_id.in_(ids))
    removed.add(Score, _delete(session, Score, Score.id.in_(ids)))


def _delete(session: Session, table: type[Table], condition: object) -> int:
    key = next(iter(table.__table__.primary_key.columns))  # type: ignore[attr-defined]
    statement = delete(table).where(condition).returning(key)  # type: ignore[arg-type]
    return len(session.execute(statement.execution_options(synchronize_session=False)).all())


def _forget_failures(session: Session, content_keys: Collection[str]) -> None:
    for key in content_keys:
        session.execute(delete(Failure).where(Failure.subject.contains(key, autoescape=True)))
