"""Add extraction rules, embeddings and their nearest neighbours."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"

DIGEST = sa.String(64)
MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON(none_as_null=True)


def upgrade() -> None:
    create_extraction()
    create_embedding()
    create_neighbours()


def downgrade() -> None:
    for table in ("neighbours", "embedding", "extraction"):
        op.drop_table(table)


def create_extraction() -> None:
    op.create_table(
        "extraction",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("modality", sa.String, nullable=False),
        sa.Column("pooling", sa.String, nullable=False),
        sa.Column("layer_rule", sa.String, nullable=False),
        sa.Column("input_size", sa.String),
        sa.Column("crop", sa.String),
        sa.Column("interpolation", sa.String),
        sa.Column("normalisation", sa.String),
        sa.Column("prompt", sa.String),
        sa.Column("caption_index", sa.Integer),
        sa.Column("tokenizer_revision", sa.String),
        sa.Column("special_tokens", sa.String),
        sa.Column("padding_side", sa.String),
        sa.Column("maximum_tokens", sa.String),
        sa.Column("dtype", sa.String, nullable=False),
        sa.Column("quantisation", sa.String),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_extraction"),
        sa.UniqueConstraint("content_key", name="uq_extraction_content_key"),
    )


def create_embedding() -> None:
    op.create_table(
        "embedding",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("checkpoint_id", sa.Integer, nullable=False),
        sa.Column("dataset_id", sa.Integer, nullable=False),
        sa.Column("extraction_id", sa.Integer, nullable=False),
        sa.Column("uri", sa.String, nullable=False),
        sa.Column("sha256", DIGEST, nullable=False),
        sa.Column("layer_count", sa.Integer, nullable=False),
        sa.Column("layer_names", DOCUMENT, nullable=False),
        sa.Column("layer_sha256", DOCUMENT, nullable=False),
        sa.Column("widths", DOCUMENT, nullable=False),
        sa.Column("dtype", sa.String, nullable=False),
        sa.Column("order_fingerprint", DIGEST, nullable=False),
        sa.Column("resolved", DOCUMENT, nullable=False),
        sa.Column("libraries", DOCUMENT, nullable=False),
        sa.Column("device", sa.String, nullable=False),
        sa.Column("batch_size", sa.Integer),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("run_id", sa.Integer),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_embedding"),
        sa.UniqueConstraint("content_key", name="uq_embedding_content_key"),
        *embedding_references(),
        sa.CheckConstraint(
            "status IN ('ready', 'missing', 'corrupt', 'superseded')",
            name=op.f("ck_embedding_status_is_known"),
        ),
        sa.CheckConstraint("layer_count > 0", name=op.f("ck_embedding_has_layers")),
    )
    create_embedding_indexes()


def embedding_references() -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            ["checkpoint_id"], ["checkpoint.id"], name="fk_embedding_checkpoint_id_checkpoint"
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_embedding_dataset_id_dataset"),
        sa.ForeignKeyConstraint(
            ["extraction_id"], ["extraction.id"], name="fk_embedding_extraction_id_extraction"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_embedding_run_id_run"),
    ]


def create_embedding_indexes() -> None:
    op.create_index("ix_embedding_checkpoint_id", "embedding", ["checkpoint_id"])
    op.create_index("ix_embedding_dataset_id", "embedding", ["dataset_id"])
    op.create_index("ix_embedding_extraction_id", "embedding", ["extraction_id"])
    ready = sa.text("status = 'ready'")
    op.create_index(
        "uq_embedding_ready",
        "embedding",
        ["checkpoint_id", "dataset_id", "extraction_id"],
        unique=True,
        sqlite_where=ready,
        postgresql_where=ready,
    )


def create_neighbours() -> None:
    op.create_table(
        "neighbours",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("embedding_id", sa.Integer, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("k_max", sa.Integer, nullable=False),
        sa.Column("code_version", sa.Integer, nullable=False),
        sa.Column("uri", sa.String, nullable=False),
        sa.Column("sha256", DIGEST, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_neighbours"),
        sa.UniqueConstraint(
            "embedding_id",
            "recipe",
            "k_max",
            "code_version",
            name="uq_neighbours_embedding_id_recipe_k_max_code_version",
        ),
        sa.ForeignKeyConstraint(
            ["embedding_id"], ["embedding.id"], name="fk_neighbours_embedding_id_embedding"
        ),
        sa.CheckConstraint("k_max > 0", name=op.f("ck_neighbours_k_max_is_positive")),
    )
