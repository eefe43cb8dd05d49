"""Checkpoints, what they belong to, and what users call them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from registry.tables.declarative import Digest, Identifier, Table, one_of

Source = Literal["timm", "hf", "path", "baseline"]


class Family(Table):
    """Checkpoints that share a recipe, for example one language-model series in several sizes."""

    __tablename__ = "family"

    id: Mapped[Identifier]
    name: Mapped[str] = mapped_column(unique=True)


class Series(Table):
    """One training run whose checkpoints are registered step by step."""

    __tablename__ = "series"

    id: Mapped[Identifier]
    name: Mapped[str] = mapped_column(unique=True)
    family_id: Mapped[int | None] = mapped_column(ForeignKey("family.id"))


class Checkpoint(Table):
    """One set of weights at one revision and training step.

    `reference` is what the user asked for, `resolved` what it was when it was registered; NULL means that a
    moving name could not be resolved (*floating*), and such a checkpoint cannot be embedded. `entry_point` is
    the user's own `module:function` that builds the architecture; that it stands here runs nothing.
    """

    __tablename__ = "checkpoint"
    __table_args__ = (
        one_of("source", ("timm", "hf", "path", "baseline")),
        one_of("visibility", ("private", "public")),
        CheckConstraint("(retired_at IS NULL) = (retired_reason IS NULL)", name="retired_with_reason"),
        CheckConstraint("parameter_count >= 0", name="parameter_count_is_a_count"),
        CheckConstraint("step >= 0", name="step_is_a_count"),
        Index(
            "uq_checkpoint_series_id_step",
            "series_id",
            "step",
            unique=True,
            sqlite_where=text("series_id IS NOT NULL AND retired_at IS NULL"),
            postgresql_where=text("series_id IS NOT NULL AND retired_at IS NULL"),
        ),
    )

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    source: Mapped[str]
    reference: Mapped[str]
    resolved: Mapped[str | None]
    revision: Mapped[str | None]
    location: Mapped[str | None]
    like: Mapped[str | None]
    modality: Mapped[str]
    architecture: Mapped[str]
    objective: Mapped[str | None]
    training_data: Mapped[str | None]
    parameter_count: Mapped[int | None] = mapped_column(BigInteger)
    seed: Mapped[int | None] = mapped_column(BigInteger)
    step: Mapped[int | None] = mapped_column(BigInteger)
    tokens_seen: Mapped[int | None] = mapped_column(BigInteger)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("checkpoint.id"))
    family_id: Mapped[int | None] = mapped_column(ForeignKey("family.id"))
    series_id: Mapped[int | None] = mapped_column(ForeignKey("series.id"))
    licence: Mapped[str | None]
    visibility: Mapped[str] = mapped_column(default="private")
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    entry_point: Mapped[str | None]
    registered_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    retired_reason: Mapped[str | None]


class Name(Table):
    """What a user calls a checkpoint, from one moment to another; one checkpoint has a name at a time."""

    __tablename__ = "name"
    __table_args__ = (
        Index(
            "uq_name_name_current",
            "name",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[Identifier]
    name: Mapped[str]
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"), index=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Tag(Table):
    """A word that a user put on a checkpoint."""

    __tablename__ = "tag"

    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True, index=True)
