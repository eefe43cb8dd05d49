"""Add benchmarks and what checkpoints reach on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    create_benchmark()
    create_score()


def downgrade() -> None:
    op.drop_table("score")
    op.drop_table("benchmark")


def create_benchmark() -> None:
    op.create_table(
        "benchmark",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("suite", sa.String, nullable=False),
        sa.Column("task", sa.String, nullable=False),
        sa.Column("metric", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("higher_is_better", sa.Boolean, nullable=False),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("chance", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_benchmark"),
        sa.UniqueConstraint(
            "suite", "task", "metric", "version", name="uq_benchmark_suite_task_metric_version"
        ),
    )


def create_score() -> None:
    op.create_table(
        "score",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", sa.String(64), nullable=False),
        sa.Column("checkpoint_id", sa.Integer, nullable=False),
        sa.Column("benchmark_id", sa.Integer, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("stderr", sa.Double),
        sa.Column("item_count", sa.Integer),
        sa.Column("shots", sa.Integer),
        sa.Column("protocol", sa.String),
        sa.Column("split", sa.String),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("run_id", sa.Integer),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_score"),
        sa.UniqueConstraint("content_key", name="uq_score_content_key"),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"], ["checkpoint.id"], name="fk_score_checkpoint_id_checkpoint"
        ),
        sa.ForeignKeyConstraint(["benchmark_id"], ["benchmark.id"], name="fk_score_benchmark_id_benchmark"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_score_run_id_run"),
        sa.CheckConstraint("value > -1e300 AND value < 1e300", name=op.f("ck_score_value_is_finite")),
        sa.CheckConstraint("stderr >= 0", name=op.f("ck_score_stderr_is_not_negative")),
    )
    op.create_index("ix_score_checkpoint_id", "score", ["checkpoint_id"])
    op.create_index("ix_score_benchmark_id", "score", ["benchmark_id"])
