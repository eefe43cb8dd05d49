"""Add who says a score, how far they are trusted, batteries of tasks, and the claims that were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"

DIGEST = sa.String(64)
MOMENT = sa.DateTime(timezone=True)


KEPT = (
    "id, content_key, checkpoint_id, benchmark_id, value, stderr, item_count, shots, protocol, split, "
    "details, run_id, measured_at"
)


def upgrade() -> None:
    create_source()
    create_battery()
    create_score_refusal()
    op.execute(
        "INSERT INTO source (name, kind, trust, created_at) SELECT source, "
        "CASE WHEN source = 'own evaluation' THEN 'own evaluation' ELSE 'leaderboard' END, "
        "CASE WHEN source = 'own evaluation' THEN 'high' ELSE 'low' END, "
        "min(measured_at) FROM score GROUP BY source"
    )
    rebuild_score(
        sa.Column("source_id", sa.Integer, nullable=False),
        sa.Column("chance", sa.Double),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_score_source_id_source"),
        sa.CheckConstraint("chance > -1e300 AND chance < 1e300", name=op.f("ck_score_chance_is_finite")),
        added="source_id",
        taken_from="(SELECT source.id FROM source WHERE source.name = score_kept.source)",
    )


def downgrade() -> None:
    rebuild_score(
        sa.Column("source", sa.String, nullable=False),
        added="source",
        taken_from="(SELECT source.name FROM source WHERE source.id = score_kept.source_id)",
    )
    for table in ("score_refusal", "battery", "source"):
        op.drop_table(table)


def rebuild_score(*items: sa.schema.SchemaItem, added: str, taken_from: str) -> None:
    """Make `score` anew with other columns, and keep its rows: SQLite cannot add one that is NOT NULL.

    Nothing refers to this table. It is written as plain statements, so that it also works as SQL text.
    """
    op.execute("CREATE TABLE score_kept AS SELECT * FROM score")
    op.drop_table("score")
    create_score(*items)
    kept = f"SELECT {KEPT}, {taken_from} FROM score_kept"
    op.execute(f"INSERT INTO score ({KEPT}, {added}) {kept}")
    op.execute("DROP TABLE score_kept")
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('score', 'id'), coalesce(max(id), 1), max(id) IS NOT NULL) "
            "FROM score"
        )


def create_score(*items: sa.schema.SchemaItem) -> None:
    op.create_table(
        "score",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("checkpoint_id", sa.Integer, nullable=False),
        sa.Column("benchmark_id", sa.Integer, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("stderr", sa.Double),
        sa.Column("item_count", sa.Integer),
        sa.Column("shots", sa.Integer),
        sa.Column("protocol", sa.String),
        sa.Column("split", sa.String),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("run_id", sa.Integer),
        sa.Column("measured_at", MOMENT, nullable=False),
        *items,
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


def create_source() -> None:
    op.create_table(
        "source",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("trust", sa.String, nullable=False),
        sa.Column("url", sa.String),
        sa.Column("published_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_source"),
        sa.UniqueConstraint("name", name="uq_source_name"),
        sa.CheckConstraint(
            "kind IN ('own evaluation', 'harness run', 'paper', 'leaderboard')",
            name=op.f("ck_source_kind_is_known"),
        ),
        sa.CheckConstraint("trust IN ('high', 'medium', 'low')", name=op.f("ck_source_trust_is_known")),
    )


def create_battery() -> None:
    op.create_table(
        "battery",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("dataset_id", sa.Integer, nullable=False),
        sa.Column("definition", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_battery"),
        sa.UniqueConstraint("content_key", name="uq_battery_content_key"),
        sa.UniqueConstraint("name", name="uq_battery_name"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_battery_dataset_id_dataset"),
        sa.CheckConstraint("kind IN ('linear probe')", name=op.f("ck_battery_kind_is_known")),
    )


def create_score_refusal() -> None:
    op.create_table(
        "score_refusal",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("checkpoint_id", sa.Integer, nullable=False),
        sa.Column("benchmark_id", sa.Integer, nullable=False),
        sa.Column("source_id", sa.Integer, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("run_id", sa.Integer),
        sa.Column("refused_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_score_refusal"),
        sa.UniqueConstraint(
            "checkpoint_id",
            "benchmark_id",
            "source_id",
            "value",
            name="uq_score_refusal_checkpoint_id_benchmark_id_source_id_value",
        ),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"], ["checkpoint.id"], name="fk_score_refusal_checkpoint_id_checkpoint"
        ),
        sa.ForeignKeyConstraint(
            ["benchmark_id"], ["benchmark.id"], name="fk_score_refusal_benchmark_id_benchmark"
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_score_refusal_source_id_source"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_score_refusal_run_id_run"),
    )
