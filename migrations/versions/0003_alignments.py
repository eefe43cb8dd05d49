"""Add metrics, targets with their slots, and the alignment of every pair."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"

DIGEST = sa.String(64)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_metric()
    create_target()
    create_target_extraction()
    create_slot()
    create_part()
    create_alignment()


def downgrade() -> None:
    for table in ("alignment", "part", "slot", "target_extraction", "target", "metric"):
        op.drop_table(table)


def create_metric() -> None:
    op.create_table(
        "metric",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("parameters", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("is_symmetric", sa.Boolean, nullable=False),
        sa.Column("code_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_metric"),
        sa.UniqueConstraint("content_key", name="uq_metric_content_key"),
    )


def create_target() -> None:
    op.create_table(
        "target",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("dataset_id", sa.Integer, nullable=False),
        sa.Column("metric_id", sa.Integer, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("reducer", sa.String, nullable=False),
        sa.Column("pairs", sa.String, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_target"),
        sa.UniqueConstraint("content_key", name="uq_target_content_key"),
        sa.UniqueConstraint("name", name="uq_target_name"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_target_dataset_id_dataset"),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_target_metric_id_metric"),
        sa.CheckConstraint("reducer IN ('max', 'last')", name=op.f("ck_target_reducer_is_known")),
        sa.CheckConstraint("pairs IN ('all', 'across')", name=op.f("ck_target_pairs_is_known")),
    )


def create_target_extraction() -> None:
    op.create_table(
        "target_extraction",
        sa.Column("target_id", sa.Integer, nullable=False),
        sa.Column("extraction_id", sa.Integer, nullable=False),
        sa.Column("modality", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("target_id", "extraction_id", name="pk_target_extraction"),
        sa.UniqueConstraint("target_id", "modality", name="uq_target_extraction_target_id_modality"),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name="fk_target_extraction_target_id_target"),
        sa.ForeignKeyConstraint(
            ["extraction_id"], ["extraction.id"], name="fk_target_extraction_extraction_id_extraction"
        ),
    )


def create_slot() -> None:
    op.create_table(
        "slot",
        sa.Column("target_id", sa.Integer, nullable=False),
        sa.Column("slot", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("embedding_id", sa.Integer, nullable=False),
        sa.Column("is_live", sa.Boolean, nullable=False),
        sa.Column("dead_reason", sa.String),
        sa.Column("done_through", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("target_id", "slot", name="pk_slot"),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name="fk_slot_target_id_target"),
        sa.ForeignKeyConstraint(["embedding_id"], ["embedding.id"], name="fk_slot_embedding_id_embedding"),
        sa.CheckConstraint("slot >= 0", name=op.f("ck_slot_slot_is_a_position")),
        sa.CheckConstraint(
            "done_through >= 0 AND done_through <= slot", name=op.f("ck_slot_done_through_in_row")
        ),
        sa.CheckConstraint("is_live OR dead_reason IS NOT NULL", name=op.f("ck_slot_dead_with_reason")),
    )
    op.create_index("ix_slot_embedding_id", "slot", ["embedding_id"])
    live = sa.text("is_live")
    op.create_index(
        "uq_slot_live",
        "slot",
        ["target_id", "embedding_id"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )


def create_part() -> None:
    op.create_table(
        "part",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("target_id", sa.Integer, nullable=False),
        sa.Column("uri", sa.String, nullable=False),
        sa.Column("sha256", DIGEST, nullable=False),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_part"),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name="fk_part_target_id_target"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_part_run_id_run"),
        sa.CheckConstraint("kind IN ('layer_grid')", name=op.f("ck_part_kind_is_known")),
    )
    op.create_index("ix_part_target_id", "part", ["target_id"])


def create_alignment() -> None:
    op.create_table(
        "alignment",
        sa.Column("target_id", sa.Integer, nullable=False),
        sa.Column("row_slot", sa.Integer, nullable=False),
        sa.Column("column_slot", sa.Integer, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("row_layer", sa.Integer, nullable=False),
        sa.Column("column_layer", sa.Integer, nullable=False),
        sa.Column("layer_pairs", sa.Integer, nullable=False),
        sa.Column("part_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("target_id", "row_slot", "column_slot", name="pk_alignment"),
        sa.ForeignKeyConstraint(
            ["target_id", "row_slot"],
            ["slot.target_id", "slot.slot"],
            name="fk_alignment_target_id_row_slot_slot",
        ),
        sa.ForeignKeyConstraint(
            ["target_id", "column_slot"],
            ["slot.target_id", "slot.slot"],
            name="fk_alignment_target_id_column_slot_slot",
        ),
        sa.ForeignKeyConstraint(["part_id"], ["part.id"], name="fk_alignment_part_id_part"),
        sa.CheckConstraint("column_slot < row_slot", name=op.f("ck_alignment_column_before_row")),
        sa.CheckConstraint("score >= -1 AND score <= 1", name=op.f("ck_alignment_score_in_range")),
        sa.CheckConstraint("layer_pairs > 0", name=op.f("ck_alignment_has_layer_pairs")),
        sqlite_with_rowid=False,
    )
