"""What came from outside files: batches, what they refused, and alignments that were computed elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Boolean, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from registry.tables.declarative import Digest, Identifier, Table, one_of

ImportKind = Literal["scores", "embeddings", "alignments"]


class ImportBatch(Table):
    """One import of an outside file; the same file in the same way again is the same batch.

    A batch that is retired takes its scores out of the views; nothing is deleted.
    """

    __tablename__ = "import_batch"
    __table_args__ = (
        one_of("kind", ("scores", "embeddings", "alignments")),
        CheckConstraint("(retired_at IS NULL) = (retired_reason IS NULL)", name="retired_with_reason"),
    )

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    kind: Mapped[str]
    format: Mapped[str]
    path: Mapped[str]
    sha256: Mapped[Digest]
    source_id: Mapped[int | None] = mapped_column(ForeignKey("source.id"))
    counts: Mapped[dict[str, Any]]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    imported_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    retired_reason: Mapped[str | None]


class ImportReject(Table):
    """One row of an outside file that was refused, as it stood there, and why; `line` counts from 1."""

    __tablename__ = "import_reject"
    __table_args__ = (CheckConstraint("line >= 0", name="line_is_a_position"),)

    id: Mapped[Identifier]
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id"), index=True)
    line: Mapped[int]
    content: Mapped[str]
    reason: Mapped[str]


class ImportedScore(Table):
    """Which batch a score came with; the same claim may come with several."""

    __tablename__ = "imported_score"

    score_id: Mapped[int] = mapped_column(ForeignKey("score.id"), primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id"), primary_key=True, index=True)


class ExternalAlignment(Table):
    """An alignment that was computed elsewhere, with its source; never mixed with ours."""

    __tablename__ = "external_alignment"
    __table_args__ = (CheckConstraint("score > -1e300 AND score < 1e300", name="score_is_finite"),)

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    left_checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"))
    right_checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"))
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("dataset.id"))
    metric: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    is_directional: Mapped[bool] = mapped_column(Boolean)
    score: Mapped[float]
    left_layer: Mapped[int | None]
    right_layer: Mapped[int | None]
    details: Mapped[dict[str, Any]]
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("import_batch.id"))
    recorded_at: Mapped[datetime]
