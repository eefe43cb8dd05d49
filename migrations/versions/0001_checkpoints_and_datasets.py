"""Add checkpoints with their families, series and names, data sets, runs and failures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

DIGEST = sa.String(64)
MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True)


def upgrade() -> None:
    create_family_and_series()
    create_checkpoint()
    create_name()
    create_dataset()
    create_run()
    create_failure()


def downgrade() -> None:
    for table in ("failure", "run", "dataset", "name", "checkpoint", "series", "family"):
        op.drop_table(table)


def create_family_and_series() -> None:
    op.create_table(
        "family",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_family"),
        sa.UniqueConstraint("name", name="uq_family_name"),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("family_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint("name", name="uq_series_name"),
        sa.ForeignKeyConstraint(["family_id"], ["family.id"], name="fk_series_family_id_family"),
    )


def create_checkpoint() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("resolved", sa.String),
        sa.Column("revision", sa.String),
        sa.Column("location", sa.String),
        sa.Column("like", sa.String),
        sa.Column("modality", sa.String, nullable=False),
        sa.Column("architecture", sa.String, nullable=False),
        sa.Column("objective", sa.String),
        sa.Column("training_data", sa.String),
        sa.Column("parameter_count", sa.BigInteger),
        sa.Column("seed", sa.BigInteger),
        sa.Column("step", sa.BigInteger),
        sa.Column("tokens_seen", sa.BigInteger),
        sa.Column("parent_id", sa.Integer),
        sa.Column("family_id", sa.Integer),
        sa.Column("series_id", sa.Integer),
        sa.Column("licence", sa.String),
        sa.Column("visibility", sa.String, nullable=False),
        sa.Column("attributes", DOCUMENT, nullable=False),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.Column("retired_at", MOMENT),
        sa.Column("retired_reason", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_checkpoint"),
        sa.UniqueConstraint("content_key", name="uq_checkpoint_content_key"),
        *checkpoint_references(),
        *checkpoint_checks(),
    )
    live_step = sa.text("series_id IS NOT NULL AND retired_at IS NULL")
    op.create_index(
        "uq_checkpoint_series_id_step",
        "checkpoint",
        ["series_id", "step"],
        unique=True,
        sqlite_where=live_step,
        postgresql_where=live_step,
    )


def checkpoint_references() -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(["parent_id"], ["checkpoint.id"], name="fk_checkpoint_parent_id_checkpoint"),
        sa.ForeignKeyConstraint(["family_id"], ["family.id"], name="fk_checkpoint_family_id_family"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_checkpoint_series_id_series"),
    ]


def checkpoint_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            "source IN ('timm', 'hf', 'path', 'baseline')", name=op.f("ck_checkpoint_source_is_known")
        ),
        sa.CheckConstraint(
            "visibility IN ('private', 'public')", name=op.f("ck_checkpoint_visibility_is_known")
        ),
        sa.CheckConstraint(
            "(retired_at IS NULL) = (retired_reason IS NULL)", name=op.f("ck_checkpoint_retired_with_reason")
        ),
        sa.CheckConstraint("parameter_count >= 0", name=op.f("ck_checkpoint_parameter_count_is_a_count")),
        sa.CheckConstraint("step >= 0", name=op.f("ck_checkpoint_step_is_a_count")),
    ]


def create_name() -> None:
    op.create_table(
        "name",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("checkpoint_id", sa.Integer, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_name"),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"], ["checkpoint.id"], name="fk_name_checkpoint_id_checkpoint"
        ),
    )
    op.create_index("ix_name_checkpoint_id", "name", ["checkpoint_id"])
    current = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_name_name_current", "name", ["name"], unique=True, sqlite_where=current, postgresql_where=current
    )


def create_dataset() -> None:
    op.create_table(
        "dataset",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("revision", sa.String, nullable=False),
        sa.Column("item_count", sa.Integer, nullable=False),
        sa.Column("modalities", DOCUMENT, nullable=False),
        sa.Column("pairing", sa.String, nullable=False),
        sa.Column("parent_id", sa.Integer),
        sa.Column("order_fingerprint", DIGEST, nullable=False),
        sa.Column("set_fingerprint", DIGEST, nullable=False),
        sa.Column("uri", sa.String, nullable=False),
        sa.Column("sha256", DIGEST, nullable=False),
        sa.Column("licence", sa.String),
        sa.Column("credit", sa.String),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dataset"),
        sa.UniqueConstraint("content_key", name="uq_dataset_content_key"),
        sa.UniqueConstraint("name", name="uq_dataset_name"),
        sa.ForeignKeyConstraint(["parent_id"], ["dataset.id"], name="fk_dataset_parent_id_dataset"),
        sa.CheckConstraint("pairing IN ('one-to-one', 'grouped')", name=op.f("ck_dataset_pairing_is_known")),
        sa.CheckConstraint("item_count > 1", name=op.f("ck_dataset_item_count_above_one")),
    )


def create_run() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("holds_lock", sa.Boolean, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("device", sa.String, nullable=False),
        sa.Column("code_version", sa.String, nullable=False),
        sa.Column("counts", DOCUMENT, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.CheckConstraint(
            "status IN ('running', 'done', 'partly done', 'failed', 'interrupted')",
            name=op.f("ck_run_status_is_known"),
        ),
        sa.CheckConstraint(
            "(status = 'running') = (ended_at IS NULL)", name=op.f("ck_run_ended_unless_running")
        ),
    )


def create_failure() -> None:
    op.create_table(
        "failure",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("stage", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.String, nullable=False),
        sa.Column("is_parked", sa.Boolean, nullable=False),
        sa.Column("run_id", sa.Integer),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("next_attempt_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_failure"),
        sa.UniqueConstraint("subject", "stage", name="uq_failure_subject_stage"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_failure_run_id_run"),
        sa.CheckConstraint("attempts > 0", name=op.f("ck_failure_was_attempted")),
    )
