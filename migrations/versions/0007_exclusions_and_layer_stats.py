"""Add relations between items that must not count as neighbours, and what each layer looks like."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"


def upgrade() -> None:
    create_exclusion()
    create_layer_stat()


def downgrade() -> None:
    op.drop_table("layer_stat")
    op.drop_table("exclusion")


def create_exclusion() -> None:
    op.create_table(
        "exclusion",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", sa.String(64), nullable=False),
        sa.Column("dataset_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("rule", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("uri", sa.String, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("pair_count", sa.BigInteger, nullable=False),
        sa.Column("largest_degree", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_exclusion"),
        sa.UniqueConstraint("content_key", name="uq_exclusion_content_key"),
        sa.UniqueConstraint("dataset_id", "name", name="uq_exclusion_dataset_id_name"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_exclusion_dataset_id_dataset"),
        sa.CheckConstraint("pair_count > 0", name=op.f("ck_exclusion_excludes_something")),
        sa.CheckConstraint("largest_degree > 0", name=op.f("ck_exclusion_largest_degree_is_positive")),
    )


def create_layer_stat() -> None:
    op.create_table(
        "layer_stat",
        sa.Column("embedding_id", sa.Integer, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("layer", sa.Integer, nullable=False),
        sa.Column("code_version", sa.Integer, nullable=False),
        sa.Column("k", sa.Integer, nullable=False),
        sa.Column("tied_rows", sa.Integer, nullable=False),
        sa.Column("duplicate_rows", sa.Integer, nullable=False),
        sa.Column("mean_cosine", sa.Double, nullable=False),
        sa.Column("effective_rank", sa.Double, nullable=False),
        sa.Column("in_degree_skew", sa.Double),
        sa.PrimaryKeyConstraint("embedding_id", "recipe", "layer", name="pk_layer_stat"),
        sa.ForeignKeyConstraint(
            ["embedding_id"], ["embedding.id"], name="fk_layer_stat_embedding_id_embedding"
        ),
        sa.CheckConstraint("layer >= 0", name=op.f("ck_layer_stat_layer_is_a_position")),
        sa.CheckConstraint(
            "tied_rows >= 0 AND duplicate_rows >= 0", name=op.f("ck_layer_stat_rows_are_counts")
        ),
        sa.CheckConstraint("effective_rank >= 0", name=op.f("ck_layer_stat_effective_rank_is_not_negative")),
    )
