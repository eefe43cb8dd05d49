"""Add tags, imports with what they refused, external alignments, and embeddings of other kinds and places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision: str | None = "0008"

DIGEST = sa.String(64)
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True)


def upgrade() -> None:
    create_tag()
    create_import_batch()
    create_import_reject()
    create_imported_score()
    create_external_alignment()
    op.execute(
        "ALTER TABLE embedding ADD COLUMN kind VARCHAR DEFAULT 'features' NOT NULL "
        "CONSTRAINT ck_embedding_kind_is_known CHECK (kind IN ('features', 'kernel', 'distances'))"
    )
    op.execute("ALTER TABLE embedding ADD COLUMN location VARCHAR")
    op.execute("ALTER TABLE checkpoint ADD COLUMN entry_point VARCHAR")


def downgrade() -> None:
    op.execute("ALTER TABLE checkpoint DROP COLUMN entry_point")
    op.execute("ALTER TABLE embedding DROP COLUMN location")
    if op.get_context().dialect.name != "sqlite":
        op.execute("ALTER TABLE embedding DROP CONSTRAINT ck_embedding_kind_is_known")
    op.execute("ALTER TABLE embedding DROP COLUMN kind")
    for table in ("external_alignment", "imported_score", "import_reject", "import_batch", "tag"):
        op.drop_table(table)


def create_tag() -> None:
    op.create_table(
        "tag",
        sa.Column("checkpoint_id", sa.Integer, nullable=False),
        sa.Column("tag", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("checkpoint_id", "tag", name="pk_tag"),
        sa.ForeignKeyConstraint(["checkpoint_id"], ["checkpoint.id"], name="fk_tag_checkpoint_id_checkpoint"),
    )
    op.create_index("ix_tag_tag", "tag", ["tag"])


def create_import_batch() -> None:
    op.create_table(
        "import_batch",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("format", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("sha256", DIGEST, nullable=False),
        sa.Column("source_id", sa.Integer),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("run_id", sa.Integer),
        sa.Column("imported_at", MOMENT, nullable=False),
        sa.Column("retired_at", MOMENT),
        sa.Column("retired_reason", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_import_batch"),
        sa.UniqueConstraint("content_key", name="uq_import_batch_content_key"),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_import_batch_source_id_source"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_import_batch_run_id_run"),
        sa.CheckConstraint(
            "kind IN ('scores', 'embeddings', 'alignments')", name=op.f("ck_import_batch_kind_is_known")
        ),
        sa.CheckConstraint(
            "(retired_at IS NULL) = (retired_reason IS NULL)",
            name=op.f("ck_import_batch_retired_with_reason"),
        ),
    )


def create_import_reject() -> None:
    op.create_table(
        "import_reject",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("batch_id", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("content", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_import_reject"),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name="fk_import_reject_batch_id_import_batch"
        ),
        sa.CheckConstraint("line >= 0", name=op.f("ck_import_reject_line_is_a_position")),
    )
    op.create_index("ix_import_reject_batch_id", "import_reject", ["batch_id"])


def create_imported_score() -> None:
    op.create_table(
        "imported_score",
        sa.Column("score_id", sa.Integer, nullable=False),
        sa.Column("batch_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("score_id", "batch_id", name="pk_imported_score"),
        sa.ForeignKeyConstraint(["score_id"], ["score.id"], name="fk_imported_score_score_id_score"),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name="fk_imported_score_batch_id_import_batch"
        ),
    )
    op.create_index("ix_imported_score_batch_id", "imported_score", ["batch_id"])


def create_external_alignment() -> None:
    op.create_table(
        "external_alignment",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("left_checkpoint_id", sa.Integer, nullable=False),
        sa.Column("right_checkpoint_id", sa.Integer, nullable=False),
        sa.Column("dataset_id", sa.Integer),
        sa.Column("metric", sa.String, nullable=False),
        sa.Column("parameters", JSON, nullable=False),
        sa.Column("is_directional", sa.Boolean, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("left_layer", sa.Integer),
        sa.Column("right_layer", sa.Integer),
        sa.Column("details", JSON, nullable=False),
        sa.Column("source_id", sa.Integer, nullable=False),
        sa.Column("batch_id", sa.Integer),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_external_alignment"),
        sa.UniqueConstraint("content_key", name="uq_external_alignment_content_key"),
        sa.ForeignKeyConstraint(
            ["left_checkpoint_id"],
            ["checkpoint.id"],
            name="fk_external_alignment_left_checkpoint_id_checkpoint",
        ),
        sa.ForeignKeyConstraint(
            ["right_checkpoint_id"],
            ["checkpoint.id"],
            name="fk_external_alignment_right_checkpoint_id_checkpoint",
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name="fk_external_alignment_dataset_id_dataset"
        ),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name="fk_external_alignment_source_id_source"),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name="fk_external_alignment_batch_id_import_batch"
        ),
        sa.CheckConstraint(
            "score > -1e300 AND score < 1e300", name=op.f("ck_external_alignment_score_is_finite")
        ),
    )
