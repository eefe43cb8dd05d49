"""Add the null and the interval of every alignment, and how far each row's null is done.

Columns are added in place, with their CHECKs: `alignment` has a row for every pair, and alembic's batch mode
would copy it. The watermarks of the scores go back to the beginning, so that the next run gives the pairs
that are there their intervals; no score and no layer grid is written again.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision: str | None = "0005"

TARGET = (
    ("draws", "INTEGER DEFAULT 500 NOT NULL", "draws >= 19"),
    ("alpha", "{double} DEFAULT (0.05) NOT NULL", "alpha > 0 AND alpha < 1"),
    ("seed", "BIGINT DEFAULT 0 NOT NULL", "seed >= 0"),
    ("null_scheme", "VARCHAR DEFAULT 'items' NOT NULL", None),
    ("chance", "{double}", "chance > 0 AND chance <= 1"),
)
SLOT = (("null_through", "INTEGER DEFAULT 0 NOT NULL", "null_through >= 0 AND null_through <= done_through"),)
ALIGNMENT = (
    ("score_se", "{double}", "score_se >= 0"),
    ("score_crossfit", "{double}", "score_crossfit >= -1 AND score_crossfit <= 1"),
    ("null_mean", "{double}", None),
    ("null_sd", "{double}", "null_sd >= 0"),
    ("tau", "{double}", None),
    ("p", "{double}", "p > 0 AND p <= 1"),
    ("calibrated", "{double}", "calibrated >= 0"),
    ("draws", "INTEGER", "(draws IS NULL) = (p IS NULL)"),
)
NAMES = {
    "draws >= 19": "draws_are_enough",
    "alpha > 0 AND alpha < 1": "alpha_is_a_share",
    "seed >= 0": "seed_is_not_negative",
    "chance > 0 AND chance <= 1": "chance_in_range",
    "null_through >= 0 AND null_through <= done_through": "null_through_in_row",
    "score_se >= 0": "score_se_is_not_negative",
    "score_crossfit >= -1 AND score_crossfit <= 1": "score_crossfit_in_range",
    "null_sd >= 0": "null_sd_is_not_negative",
    "p > 0 AND p <= 1": "p_in_range",
    "calibrated >= 0": "calibrated_is_not_negative",
    "(draws IS NULL) = (p IS NULL)": "p_with_draws",
}


def upgrade() -> None:
    for table, columns in (("target", TARGET), ("slot", SLOT), ("alignment", ALIGNMENT)):
        for name, kind, check in columns:
            add_column(table, name, kind, check)
    fill_chance()
    op.execute("UPDATE slot SET done_through = 0")


def downgrade() -> None:
    for table, columns in (("alignment", ALIGNMENT), ("slot", SLOT), ("target", TARGET)):
        for name, _, check in reversed(columns):
            if check is not None and not is_sqlite():
                op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{NAMES[check]}")
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")


def is_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def add_column(table: str, name: str, kind: str, check: str | None) -> None:
    declared = kind.format(double="DOUBLE" if is_sqlite() else "DOUBLE PRECISION")
    constraint = f" CONSTRAINT ck_{table}_{NAMES[check]} CHECK ({check})" if check is not None else ""
    op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {declared}{constraint}")


def fill_chance() -> None:
    """Set the closed form of mutual_knn, the only metric that a target has had so far: k / (n - 1)."""
    k = "json_extract(metric.parameters, '$.k')" if is_sqlite() else "(metric.parameters ->> 'k')::int"
    op.execute(
        f"UPDATE target SET chance = (SELECT 1.0 * {k} / (dataset.item_count - 1) FROM metric, dataset "
        "WHERE metric.id = target.metric_id AND dataset.id = target.dataset_id)"
    )
