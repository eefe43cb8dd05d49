"""Add the numbered snapshots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    op.create_table(
        "snapshot",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("uri", sa.String, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.String),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_snapshot"),
        sa.UniqueConstraint("name", name="uq_snapshot_name"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_snapshot_run_id_run"),
    )


def downgrade() -> None:
    op.drop_table("snapshot")
