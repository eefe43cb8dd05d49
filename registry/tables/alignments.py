"""What ought to exist, how far it does, and the alignment of every pair."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from registry.tables.declarative import Digest, Identifier, Table, one_of

Reducer = Literal["max", "last"]
Pairs = Literal["all", "across"]


class Metric(Table):
    """A rule from two layers to one number, with all its parameters and the version of its code."""

    __tablename__ = "metric"

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    name: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    is_symmetric: Mapped[bool] = mapped_column(Boolean)
    code_version: Mapped[int]


class Target(Table):
    """A matrix of pairs that ought to exist: one data set, one metric, one extraction per modality.

    `draws` alone stands outside the content key: raising it makes the nulls due again, and no score. `chance`
    and `chance_sd` are mean and standard deviation of one layer pair over unrelated embeddings, where the
    metric has a closed form that holds for all of them. `highest` is the highest score that the metric has,
    NULL where it has no bound.
    """

    __tablename__ = "target"
    __table_args__ = (
        one_of("reducer", ("max", "last")),
        one_of("pairs", ("all", "across")),
        CheckConstraint("draws >= 19", name="draws_are_enough"),
        CheckConstraint("alpha > 0 AND alpha < 1", name="alpha_is_a_share"),
        CheckConstraint("seed >= 0", name="seed_is_not_negative"),
        CheckConstraint("chance >= 0 AND chance < 1e300", name="chance_in_range"),
        CheckConstraint("chance_sd > 0 AND chance_sd < 1e300", name="chance_sd_in_range"),
        CheckConstraint("highest > 0 AND highest < 1e300", name="highest_in_range"),
    )

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"))
    recipe: Mapped[str]
    reducer: Mapped[str]
    pairs: Mapped[str]
    created_at: Mapped[datetime]
    draws: Mapped[int] = mapped_column(default=500, server_default=text("500"))
    alpha: Mapped[float] = mapped_column(default=0.05, server_default=text("0.05"))
    seed: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    null_scheme: Mapped[str] = mapped_column(default="items", server_default="items")
    chance: Mapped[float | None]
    chance_sd: Mapped[float | None]
    highest: Mapped[float | None] = mapped_column(default=1.0, server_default=text("1"))


class TargetExtraction(Table):
    """The one extraction that a target takes for a modality."""

    __tablename__ = "target_extraction"
    __table_args__ = (UniqueConstraint("target_id", "modality"),)

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id"), primary_key=True)
    extraction_id: Mapped[int] = mapped_column(ForeignKey("extraction.id"), primary_key=True)
    modality: Mapped[str]


class Slot(Table):
    """A row of a target's matrix, given to an embedding in order of arrival.

    `done_through` promises that every wanted pair (slot, t) with t < done_through and t live is written;
    `null_through` that its null is, with the target's draws.
    A slot goes from live to dead once and never back.
    """

    __tablename__ = "slot"
    __table_args__ = (
        CheckConstraint("slot >= 0", name="slot_is_a_position"),
        CheckConstraint("done_through >= 0 AND done_through <= slot", name="done_through_in_row"),
        CheckConstraint("null_through >= 0 AND null_through <= done_through", name="null_through_in_row"),
        CheckConstraint("is_live OR dead_reason IS NOT NULL", name="dead_with_reason"),
        Index(
            "uq_slot_live",
            "target_id",
            "embedding_id",
            unique=True,
            sqlite_where=text("is_live"),
            postgresql_where=text("is_live"),
        ),
        Index("ix_slot_embedding_id", "embedding_id"),
    )

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    embedding_id: Mapped[int] = mapped_column(ForeignKey("embedding.id"))
    is_live: Mapped[bool] = mapped_column(Boolean, default=True)
    dead_reason: Mapped[str | None]
    done_through: Mapped[int] = mapped_column(default=0)
    null_through: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class Part(Table):
    """An immutable file that one unit of work wrote: the scores of every layer pair of its pairs."""

    __tablename__ = "part"
    __table_args__ = (one_of("kind", ("layer_grid",)),)

    id: Mapped[Identifier]
    kind: Mapped[str]
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id"), index=True)
    uri: Mapped[str]
    sha256: Mapped[Digest]
    row_count: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    created_at: Mapped[datetime]


class Alignment(Table):
    """One pair of slots of a target: the reduced score and its layers, its interval and its null.

    What belongs to the null (`null_mean` to `draws`) is NULL until its unit is done, and final then for that
    number of draws. `score_se` and `score_crossfit` are NULL for metrics that have none. `chance` is the
    closed form of a metric whose chance depends on the two layers; NULL for all others.

    A metric that is not symmetric has two rows per pair, written together: direction 0 is the score from the
    column slot (the left) to the row slot (the right), direction 1 that back. Symmetric ones have the first.

    Keyed so that rows are appended in key order; what is constant stands in `target`, what a unit shares
    (its run and its moment) in `part`.
    """

    __tablename__ = "alignment"
    __table_args__ = (
        ForeignKeyConstraint(["target_id", "row_slot"], ["slot.target_id", "slot.slot"]),
        ForeignKeyConstraint(["target_id", "column_slot"], ["slot.target_id", "slot.slot"]),
        CheckConstraint("column_slot < row_slot", name="column_before_row"),
        CheckConstraint("direction IN (0, 1)", name="direction_is_known"),
        CheckConstraint("score > -1e300 AND score < 1e300", name="score_is_finite"),
        CheckConstraint("layer_pairs > 0", name="has_layer_pairs"),
        CheckConstraint("score_se >= 0", name="score_se_is_not_negative"),
        CheckConstraint("score_crossfit >= -1 AND score_crossfit <= 1", name="score_crossfit_in_range"),
        CheckConstraint("null_sd >= 0", name="null_sd_is_not_negative"),
        CheckConstraint("p > 0 AND p <= 1", name="p_in_range"),
        CheckConstraint("calibrated >= 0", name="calibrated_is_not_negative"),
        CheckConstraint("(draws IS NULL) = (p IS NULL)", name="p_with_draws"),
        {"sqlite_with_rowid": False},
    )

    target_id: Mapped[int] = mapped_column(primary_key=True)
    row_slot: Mapped[int] = mapped_column(primary_key=True)
    column_slot: Mapped[int] = mapped_column(primary_key=True)
    direction: Mapped[int] = mapped_column(primary_key=True, default=0, server_default=text("0"))
    score: Mapped[float]
    row_layer: Mapped[int]
    column_layer: Mapped[int]
    layer_pairs: Mapped[int]
    part_id: Mapped[int] = mapped_column(ForeignKey("part.id"))
    score_se: Mapped[float | None]
    score_crossfit: Mapped[float | None]
    null_mean: Mapped[float | None]
    null_sd: Mapped[float | None]
    tau: Mapped[float | None]
    p: Mapped[float | None]
    calibrated: Mapped[float | None]
    draws: Mapped[int | None]
    chance: Mapped[float | None]
