"""Let targets and alignments hold every metric, in both directions; add layers made ready, and rates.

Downgrading loses what the older schema cannot hold: second directions, and scores beyond -1 to 1. The
watermarks of their targets go back, so that a later upgrade finds the pairs due; a closed form of chance
outside (0, 1] becomes NULL.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0009"

DIGEST = sa.String(64)
MOMENT = sa.DateTime(timezone=True)
NO_LONGER_HELD = "direction <> 0 OR score < -1 OR score > 1"

TARGET_COLUMNS = (
    "id, content_key, name, dataset_id, metric_id, recipe, reducer, pairs, created_at, draws, alpha, seed, "
    "null_scheme, chance"
)
ALIGNMENT_COLUMNS = (
    "target_id, row_slot, column_slot, score, row_layer, column_layer, layer_pairs, part_id, score_se, "
    "score_crossfit, null_mean, null_sd, tau, p, calibrated, draws"
)


def upgrade() -> None:
    create_layer_form()
    create_host_rate()
    if is_sqlite():
        create_target("target_made")
        take_over("target", TARGET_COLUMNS)
        create_alignment("alignment_made")
        take_over("alignment", ALIGNMENT_COLUMNS)
    else:
        widen_in_place()


def downgrade() -> None:
    op.execute(
        "UPDATE slot SET done_through = 0, null_through = 0 "
        f"WHERE target_id IN (SELECT target_id FROM alignment WHERE {NO_LONGER_HELD})"
    )
    op.execute(f"DELETE FROM alignment WHERE {NO_LONGER_HELD}")
    op.execute("UPDATE target SET chance = NULL WHERE chance <= 0 OR chance > 1")
    if is_sqlite():
        create_older_alignment("alignment_made")
        take_over("alignment", ALIGNMENT_COLUMNS)
        create_older_target("target_made")
        take_over("target", TARGET_COLUMNS)
    else:
        narrow_in_place()
    op.drop_table("host_rate")
    op.drop_table("layer_form")


def is_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def take_over(table: str, columns: str) -> None:
    """Put `<table>_made` with the rows of a table in its place: SQLite alters neither a CHECK nor a key.

    The new table takes the old one's name last: renaming the old one first would make the tables that refer
    to it follow it. These are plain statements, so that they also work as SQL text.
    """
    op.execute(f"INSERT INTO {table}_made ({columns}) SELECT {columns} FROM {table}")
    op.drop_table(table)
    op.execute(f"ALTER TABLE {table}_made RENAME TO {table}")


def widen_in_place() -> None:
    for statement in (
        "ALTER TABLE target DROP CONSTRAINT ck_target_chance_in_range",
        "ALTER TABLE target ADD CONSTRAINT ck_target_chance_in_range CHECK (chance >= 0 AND chance < 1e300)",
        "ALTER TABLE target ADD COLUMN chance_sd DOUBLE PRECISION "
        "CONSTRAINT ck_target_chance_sd_in_range CHECK (chance_sd > 0 AND chance_sd < 1e300)",
        "ALTER TABLE target ADD COLUMN highest DOUBLE PRECISION DEFAULT 1 "
        "CONSTRAINT ck_target_highest_in_range CHECK (highest > 0 AND highest < 1e300)",
        "ALTER TABLE alignment ADD COLUMN direction INTEGER DEFAULT 0 NOT NULL "
        "CONSTRAINT ck_alignment_direction_is_known CHECK (direction IN (0, 1))",
        "ALTER TABLE alignment ADD COLUMN chance DOUBLE PRECISION",
        "ALTER TABLE alignment DROP CONSTRAINT ck_alignment_score_in_range",
        "ALTER TABLE alignment ADD CONSTRAINT ck_alignment_score_is_finite "
        "CHECK (score > -1e300 AND score < 1e300)",
        "ALTER TABLE alignment DROP CONSTRAINT pk_alignment",
        "ALTER TABLE alignment ADD CONSTRAINT pk_alignment "
        "PRIMARY KEY (target_id, row_slot, column_slot, direction)",
    ):
        op.execute(statement)


def narrow_in_place() -> None:
    for statement in (
        "ALTER TABLE alignment DROP CONSTRAINT pk_alignment",
        "ALTER TABLE alignment ADD CONSTRAINT pk_alignment PRIMARY KEY (target_id, row_slot, column_slot)",
        "ALTER TABLE alignment DROP CONSTRAINT ck_alignment_score_is_finite",
        "ALTER TABLE alignment ADD CONSTRAINT ck_alignment_score_in_range CHECK (score >= -1 AND score <= 1)",
        "ALTER TABLE alignment DROP COLUMN chance",
        "ALTER TABLE alignment DROP COLUMN direction",
        "ALTER TABLE target DROP COLUMN highest",
        "ALTER TABLE target DROP COLUMN chance_sd",
        "ALTER TABLE target DROP CONSTRAINT ck_target_chance_in_range",
        "ALTER TABLE target ADD CONSTRAINT ck_target_chance_in_range CHECK (chance > 0 AND chance <= 1)",
    ):
        op.execute(statement)


def create_layer_form() -> None:
    op.create_table(
        "layer_form",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("embedding_id", sa.Integer, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("form", DIGEST, nullable=False),
        sa.Column("uri", sa.String, nullable=False),
        sa.Column("sha256", DIGEST, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_layer_form"),
        sa.UniqueConstraint("embedding_id", "recipe", "form", name="uq_layer_form_embedding_id_recipe_form"),
        sa.ForeignKeyConstraint(
            ["embedding_id"], ["embedding.id"], name="fk_layer_form_embedding_id_embedding"
        ),
    )


def create_host_rate() -> None:
    op.create_table(
        "host_rate",
        sa.Column("host", sa.String, nullable=False),
        sa.Column("device", sa.String, nullable=False),
        sa.Column("work", sa.String, nullable=False),
        sa.Column("rate", sa.Double, nullable=False),
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("measured_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("host", "device", "work", name="pk_host_rate"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_host_rate_run_id_run"),
        sa.CheckConstraint("rate > 0", name=op.f("ck_host_rate_rate_is_positive")),
    )


def create_target(name: str) -> None:
    create_target_with(
        name,
        sa.Column("chance", sa.Double, check("target", "chance_in_range", "chance >= 0 AND chance < 1e300")),
        sa.Column("chance_sd", sa.Double),
        sa.Column("highest", sa.Double, server_default=sa.text("1")),
        check("target", "chance_sd_in_range", "chance_sd > 0 AND chance_sd < 1e300"),
        check("target", "highest_in_range", "highest > 0 AND highest < 1e300"),
    )


def create_older_target(name: str) -> None:
    create_target_with(
        name,
        sa.Column("chance", sa.Double, check("target", "chance_in_range", "chance > 0 AND chance <= 1")),
    )


def create_target_with(name: str, *items: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("content_key", DIGEST, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("dataset_id", sa.Integer, nullable=False),
        sa.Column("metric_id", sa.Integer, nullable=False),
        sa.Column("recipe", sa.String, nullable=False),
        sa.Column("reducer", sa.String, nullable=False),
        sa.Column("pairs", sa.String, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        *target_null(),
        *items,
        sa.PrimaryKeyConstraint("id", name="pk_target"),
        sa.UniqueConstraint("content_key", name="uq_target_content_key"),
        sa.UniqueConstraint("name", name="uq_target_name"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_target_dataset_id_dataset"),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_target_metric_id_metric"),
        check("target", "reducer_is_known", "reducer IN ('max', 'last')"),
        check("target", "pairs_is_known", "pairs IN ('all', 'across')"),
    )


def target_null() -> list[sa.Column[float]]:
    """Return the columns of 0006, each with its CHECK inside: SQLite drops a column only with its own."""
    draws, alpha, seed = (sa.text(value) for value in ("500", "0.05", "0"))
    enough = check("target", "draws_are_enough", "draws >= 19")
    share = check("target", "alpha_is_a_share", "alpha > 0 AND alpha < 1")
    positive = check("target", "seed_is_not_negative", "seed >= 0")
    return [
        sa.Column("draws", sa.Integer, enough, nullable=False, server_default=draws),
        sa.Column("alpha", sa.Double, share, nullable=False, server_default=alpha),
        sa.Column("seed", sa.BigInteger, positive, nullable=False, server_default=seed),
        sa.Column("null_scheme", sa.String, nullable=False, server_default="items"),
    ]


def create_alignment(name: str) -> None:
    create_alignment_with(
        name,
        sa.Column("direction", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("chance", sa.Double),
        sa.PrimaryKeyConstraint("target_id", "row_slot", "column_slot", "direction", name="pk_alignment"),
        check("alignment", "direction_is_known", "direction IN (0, 1)"),
        check("alignment", "score_is_finite", "score > -1e300 AND score < 1e300"),
    )


def create_older_alignment(name: str) -> None:
    create_alignment_with(
        name,
        sa.PrimaryKeyConstraint("target_id", "row_slot", "column_slot", name="pk_alignment"),
        check("alignment", "score_in_range", "score >= -1 AND score <= 1"),
    )


def create_alignment_with(name: str, *items: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("target_id", sa.Integer, nullable=False),
        sa.Column("row_slot", sa.Integer, nullable=False),
        sa.Column("column_slot", sa.Integer, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("row_layer", sa.Integer, nullable=False),
        sa.Column("column_layer", sa.Integer, nullable=False),
        sa.Column("layer_pairs", sa.Integer, nullable=False),
        sa.Column("part_id", sa.Integer, nullable=False),
        *alignment_null(),
        *items,
        *alignment_references(),
        check("alignment", "column_before_row", "column_slot < row_slot"),
        check("alignment", "has_layer_pairs", "layer_pairs > 0"),
        sqlite_with_rowid=False,
    )


def alignment_null() -> list[sa.Column[float]]:
    """Return the columns of 0006, each with its CHECK inside, as `target_null`."""
    return [
        measure("score_se", "score_se_is_not_negative", "score_se >= 0"),
        measure("score_crossfit", "score_crossfit_in_range", "score_crossfit >= -1 AND score_crossfit <= 1"),
        sa.Column("null_mean", sa.Double),
        measure("null_sd", "null_sd_is_not_negative", "null_sd >= 0"),
        sa.Column("tau", sa.Double),
        measure("p", "p_in_range", "p > 0 AND p <= 1"),
        measure("calibrated", "calibrated_is_not_negative", "calibrated >= 0"),
        sa.Column("draws", sa.Integer, check("alignment", "p_with_draws", "(draws IS NULL) = (p IS NULL)")),
    ]


def measure(name: str, constraint: str, condition: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double, check("alignment", constraint, condition))


def alignment_references() -> list[sa.ForeignKeyConstraint]:
    slots = [
        sa.ForeignKeyConstraint(
            ["target_id", slot], ["slot.target_id", "slot.slot"], name=f"fk_alignment_target_id_{slot}_slot"
        )
        for slot in ("row_slot", "column_slot")
    ]
    return [*slots, sa.ForeignKeyConstraint(["part_id"], ["part.id"], name="fk_alignment_part_id_part")]


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))
