"""What the schema before every metric cannot hold is lost on the way down, and due again on the way up."""

from __future__ import annotations

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from registry.migrate import downgrade, upgrade
from registry.tables import Alignment, Part, Slot, Target
from tests.migrations.rows import MOMENT, all_rows, digest, fill

BEFORE = "0009"


def more_alignments(engine: Engine) -> None:
    """Add the way back of the one pair, and a pair of a second target with a score of 7 that is unbounded."""
    with Session(engine) as session, session.begin():
        first = session.scalars(select(Target)).one()
        shared = {"row_slot": 1, "column_slot": 0, "row_layer": 0, "column_layer": 0, "layer_pairs": 4}
        session.add(Alignment(target_id=1, direction=1, score=0.25, part_id=1, **shared))
        session.add(
            Target(
                id=2, content_key=digest("2"), name="open", dataset_id=first.dataset_id, recipe="raw",
                metric_id=first.metric_id, reducer="max", pairs="all", created_at=MOMENT, chance=0.0,
                highest=None,
            )
        )  # fmt: skip
        session.flush()
        for number in (0, 1):
            session.add(Slot(target_id=2, slot=number, embedding_id=1 + number, done_through=number))
        session.add(
            Part(
                id=2, kind="layer_grid", target_id=2, uri="p/2", sha256=digest("2"), row_count=4, run_id=1,
                created_at=MOMENT,
            )
        )  # fmt: skip
        session.flush()
        session.add(Alignment(target_id=2, score=7.0, part_id=2, **shared))


def test_going_down_loses_second_directions_and_wide_scores_and_makes_their_targets_due(
    empty_engine: Engine,
) -> None:
    upgrade(empty_engine)
    fill(empty_engine)
    more_alignments(empty_engine)
    downgrade(empty_engine, BEFORE)
    rows = all_rows(empty_engine)
    assert [(row["target_id"], round(row["score"], 3)) for row in rows["alignment"]] == [(1, 0.333)]
    assert [(row["id"], row["chance"]) for row in rows["target"]] == [(1, 0.01), (2, None)]
    assert {row["done_through"] for row in rows["slot"]} == {0}
    upgrade(empty_engine)
    above = all_rows(empty_engine)
    assert [(row["direction"], row["chance"]) for row in above["alignment"]] == [(0, None)]
    assert [(row["chance_sd"], row["highest"]) for row in above["target"]] == [(None, 1.0), (None, 1.0)]


def test_going_down_leaves_the_watermarks_of_a_target_that_loses_nothing(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    fill(empty_engine)
    with Session(empty_engine) as session, session.begin():
        session.execute(update(Slot).where(Slot.slot == 1).values(done_through=1, null_through=1))
    downgrade(empty_engine, BEFORE)
    assert [row["done_through"] for row in all_rows(empty_engine)["slot"]] == [0, 1]
