"""A metric that is not symmetric has a row per direction: in the views, the questions and the matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from analysis.answers import ask
from analysis.arrow_types import LAYER_GRID_SCHEMA
from analysis.matrix import alignment_matrix
from analysis.queries import load
from analysis.snapshot import build_snapshot
from registry.handle import Registry
from registry.tables import Alignment, Metric, Part, Target
from tests.analysis.tiny import TinyZoo, planted_counts
from tests.analysis.tiny_rows import ITEMS, MOMENT, K

# The way back of the pair of slots (1, 0): row layer, column layer, score.
BACK = ((0, 0, 0.125), (0, 1, 0.25), (1, 0, 0.75), (1, 1, 0.5))


@pytest.fixture
def zoo(sqlite_registry: Registry) -> TinyZoo:
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a")
    tiny.add("x", modality="language")
    return tiny


def add_way_back(zoo: TinyZoo) -> None:
    """Make the metric one with directions, and add the second one of the only pair, with a grid of scores."""
    rows = [(zoo.target_id, 1, 0, row, column, None, score, 1) for row, column, score in BACK]
    columns = zip(zip(*rows, strict=True), LAYER_GRID_SCHEMA, strict=True)
    table = pa.Table.from_arrays([pa.array(v, f.type) for v, f in columns], schema=LAYER_GRID_SCHEMA)

    def write(path: Path) -> None:
        pq.write_table(table, path)

    stored = zoo.registry.store.write("parts/layer_grid", ".parquet", write)
    with zoo.registry.write() as session:
        part = Part(
            kind="layer_grid", target_id=zoo.target_id, uri=stored.uri, sha256=stored.sha256, row_count=4,
            run_id=zoo.run_id, created_at=MOMENT,
        )  # fmt: skip
        session.add(part)
        session.flush()
        session.execute(update(Metric).values(name="cycle_knn", is_symmetric=False))
        session.add(
            Alignment(
                target_id=zoo.target_id, row_slot=1, column_slot=0, direction=1, score=0.75, row_layer=1,
                column_layer=0, layer_pairs=4, part_id=part.id, chance=0.5, null_mean=0.55, null_sd=0.1,
                p=0.05, draws=19,
            )
        )  # fmt: skip
    build_snapshot(zoo.registry)


def ask_rows(registry: Registry, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in ask(registry, sql, parameters or None).table.to_pylist()]


def test_each_direction_is_a_row_from_its_left_to_its_right(zoo: TinyZoo) -> None:
    add_way_back(zoo)
    question = """
        SELECT {0}checkpoint_id, {1}checkpoint_id, score, {0}layer, {1}layer, chance FROM {2} ORDER BY 1
    """
    best = max(planted_counts(1, 0).values())  # at layer 1 of both
    expected = [(1, 2, best / (ITEMS * K), 1, 1, 0.4), (2, 1, 0.75, 1, 0, 0.5)]
    for view, left, right in (("alignment", "left_", "right_"), ("alignment_both", "", "other_")):
        assert ask_rows(zoo.registry, question.format(left, right, view)) == expected


def test_coverage_counts_pairs_and_not_directions(zoo: TinyZoo) -> None:
    add_way_back(zoo)
    assert ask_rows(zoo.registry, "SELECT pair_count, fresh_count, calibrated_count FROM coverage") == [
        (1, 1, 0)
    ]


def planted_cells() -> list[tuple[Any, ...]]:
    """Return the layer pairs of both directions; cycle_knn counts items, so n is what divides them."""
    there = [(1, 2, column, row, count / ITEMS) for (row, column), count in planted_counts(1, 0).items()]
    back = [(2, 1, row, column, score) for row, column, score in BACK]
    return sorted([*there, *back])


CELLS = """
    SELECT left_checkpoint_id, right_checkpoint_id, left_layer, right_layer, score
    FROM layer_alignment ORDER BY ALL
"""


def test_layer_grids_of_scores_stand_beside_older_ones_of_counts(zoo: TinyZoo) -> None:
    add_way_back(zoo)
    assert ask_rows(zoo.registry, CELLS) == planted_cells()


@pytest.mark.parametrize("directions", [1, 2])
def test_the_views_beside_a_manifest_read_grids_old_and_new(
    zoo: TinyZoo, monkeypatch: pytest.MonkeyPatch, directions: int
) -> None:
    if directions == 2:
        add_way_back(zoo)
    else:
        build_snapshot(zoo.registry)
    root = Path(zoo.registry.store.root)
    monkeypatch.chdir(root)
    with duckdb.connect() as connection:
        connection.execute((root / "manifests" / "000001.views.sql").read_text(encoding="utf-8"))
        rows = connection.execute(CELLS).fetchall()
    assert len(rows) == 4 * directions
    assert rows == ask_rows(zoo.registry, CELLS)


def test_the_matrix_has_each_direction_on_its_side_and_no_diagonal(zoo: TinyZoo) -> None:
    add_way_back(zoo)
    matrix = alignment_matrix(zoo.registry, zoo.target_id)
    assert matrix.of("a", "x") == max(planted_counts(1, 0).values()) / (ITEMS * K)
    assert matrix.of("x", "a") == 0.75
    assert np.isnan(np.diag(matrix.values)).all()


def test_a_question_about_all_pairs_judges_both_directions(zoo: TinyZoo) -> None:
    add_way_back(zoo)
    asked = {"target_id": 1, "checkpoint_id": None, "left_modality": None, "right_modality": None}
    rows = ask_rows(zoo.registry, load("discoveries"), **asked)
    assert [(row[1], row[3], row[6], row[12]) for row in rows] == [
        ("x", "a", 0.05, None),
        ("a", "x", None, "no null yet"),
    ]


def test_excess_goes_up_to_the_highest_score_of_the_metric_and_z_needs_both_closed_forms(
    zoo: TinyZoo,
) -> None:
    zoo.calibrate({(1, 0): 0.05}, null_mean=0.25)
    score = max(planted_counts(1, 0).values()) / (ITEMS * K)
    question = "SELECT excess, chance, z FROM alignment"
    for facts, excess, z in (
        ({"highest": 3.0, "chance_sd": 0.125}, (score - 0.25) / 2.75, (score - 0.4) / 0.125),
        ({"highest": None, "chance_sd": None}, (score - 0.25) / 0.75, None),
    ):
        with zoo.registry.write() as session:
            session.execute(update(Target).values(**facts))
        build_snapshot(zoo.registry)
        ((found, chance, found_z),) = ask_rows(zoo.registry, question)
        assert (found, chance, found_z) == (pytest.approx(excess), 0.4, z and pytest.approx(z))
        assert ask_rows(zoo.registry, "SELECT chance_sd, highest FROM targets") == [
            (facts["chance_sd"], facts["highest"])
        ]


def test_a_layer_one_past_the_last_is_all_layers_at_once(zoo: TinyZoo) -> None:
    with zoo.registry.write() as session:
        session.execute(update(Target).values(recipe="raw,concat:raw"))
        session.execute(update(Alignment).values(row_layer=2, column_layer=2))
    build_snapshot(zoo.registry)
    for name, parameters in (
        ("pairs_in_full", {}),
        ("pairs_across_in_full", {"left_modality": "vision", "right_modality": "language"}),
        ("nearest_checkpoints", {"checkpoint_id": 2, "count": 1}),
    ):
        (row,) = ask_rows(zoo.registry, load(name), target_id=1, **parameters)
        assert row[-2:] == ("all layers", "all layers")
