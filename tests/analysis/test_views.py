"""The public views: their names and columns are an interface, and each shows what was planted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from analysis.answers import ask
from analysis.snapshot import build_snapshot
from analysis.views import VIEWS, definition, describe_views, question
from registry.handle import Registry
from registry.tables import Checkpoint, Embedding, Family, Name, Series
from tests.analysis.tiny import ITEMS, MOMENT, K, TinyZoo, key, planted_counts

STATISTICS = """
    score score_se ci_low ci_high score_crossfit {left} {right} layer_pairs null_mean null_sd lift excess p
    tau calibrated draws status run_id computed_at chance z
"""
COLUMNS = {
    "checkpoints": """
        checkpoint_id name source reference revision modality family architecture objective training_data
        parameter_count series step tokens_seen seed parent_id attributes registered_at retired_at licence
        tags
    """,
    "datasets": """
        dataset_id name revision item_count modalities pairing parent_id order_fingerprint set_fingerprint
        licence credit
    """,
    "embeddings": """
        embedding_id checkpoint_id dataset_id extraction_id pooling prompt layer_count layer_names widths
        dtype kind status sha256 created_at
    """,
    "exclusions": "dataset_id name rule pair_count largest_degree",
    "layer_stats": """
        embedding_id recipe layer layer_name width k tied_rows duplicate_rows mean_cosine effective_rank
        in_degree_skew
    """,
    "benchmarks": "benchmark_id suite task metric version higher_is_better low high chance",
    "scores": """
        checkpoint_id benchmark_id value stderr chance item_count shots protocol split source trust status
        measured_at is_current
    """,
    "targets": """
        target_id name dataset_id metric parameters recipe reducer pairs symmetric item_count chance
        draws alpha null_scheme seed chance_sd highest
    """,
    "alignment": "target_id left_checkpoint_id right_checkpoint_id left_embedding_id right_embedding_id"
    + STATISTICS.format(left="left_layer", right="right_layer"),
    "alignment_both": "target_id checkpoint_id other_checkpoint_id embedding_id other_embedding_id"
    + STATISTICS.format(left="layer", right="other_layer"),
    "layer_alignment": "target_id left_checkpoint_id right_checkpoint_id left_layer right_layer score",
    "external_alignments": """
        left_checkpoint_id right_checkpoint_id dataset_id metric parameters is_directional score left_layer
        right_layer source trust recorded_at
    """,
    "coverage": "target_id pair_count fresh_count calibrated_count blocked_count",
    "runs": "run_id kind started_at ended_at status code_version host device counts",
    "changes": "run_id subject kind old new",
}


def ask_rows(registry: Registry, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ask(registry, sql).table.to_pylist()
    return rows


@pytest.fixture
def zoo(sqlite_registry: Registry) -> TinyZoo:
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a", "b")
    tiny.add("c", modality="language")
    return tiny


def test_the_views_and_their_columns_are_the_published_ones() -> None:
    described: dict[str, list[str]] = {}
    for column in describe_views():
        described.setdefault(column.view, []).append(column.column)
    assert described == {view: columns.split() for view, columns in COLUMNS.items()}
    assert tuple(described) == VIEWS


def test_every_view_says_its_question_and_every_column_its_type_and_meaning() -> None:
    for view in VIEWS:
        assert "?" in question(view), view
        assert not definition(view).rstrip().endswith(";")
    for column in describe_views():
        assert column.type not in ("", "NULL", '"NULL"'), column
        assert column.meaning.endswith("."), column


def test_alignment_shows_the_pair_with_its_layers_its_run_and_its_moment(zoo: TinyZoo) -> None:
    build_snapshot(zoo.registry)
    rows = ask_rows(zoo.registry, "SELECT * FROM alignment ORDER BY left_embedding_id, right_embedding_id")
    assert len(rows) == 3
    counts = planted_counts(2, 0)
    best = max(counts, key=lambda layers: counts[layers])
    row = rows[1]  # slots (0, 2): the earlier one is left, the later one right
    assert row["score"] == counts[best] / (ITEMS * K)
    assert (row["right_layer"], row["left_layer"], row["layer_pairs"]) == (*best, 4)
    assert (row["status"], row["run_id"], row["computed_at"]) == ("scored", zoo.run_id, MOMENT)
    assert [row["p"], row["null_mean"], row["ci_low"], row["draws"]] == [None] * 4


def test_alignment_both_shows_each_pair_from_both_sides_with_the_layers_swapped(zoo: TinyZoo) -> None:
    build_snapshot(zoo.registry)
    one = {tuple(row.values()) for row in ask_rows(zoo.registry, SIDES.format("left", "right"))}
    other = {tuple(row.values()) for row in ask_rows(zoo.registry, SIDES.format("right", "left"))}
    both = [tuple(row.values()) for row in ask_rows(zoo.registry, "SELECT " + BOTH + " FROM alignment_both")]
    assert len(both) == 6
    assert set(both) == one | other


SIDES = (
    "SELECT {0}_checkpoint_id, {1}_checkpoint_id, {0}_embedding_id, {1}_embedding_id, "
    "score, {0}_layer, {1}_layer FROM alignment"
)
BOTH = "checkpoint_id, other_checkpoint_id, embedding_id, other_embedding_id, score, layer, other_layer"


def test_layer_alignment_is_the_grid_of_counts_over_n_k(zoo: TinyZoo) -> None:
    build_snapshot(zoo.registry)
    rows = ask_rows(
        zoo.registry,
        """
        SELECT l.name AS left_name, r.name AS right_name, left_layer, right_layer, score
        FROM layer_alignment
        JOIN checkpoints AS l ON l.checkpoint_id = left_checkpoint_id
        JOIN checkpoints AS r ON r.checkpoint_id = right_checkpoint_id
        """,
    )
    slots = {"a": 0, "b": 1, "c": 2}
    expected = {
        (left, right, column_layer, row_layer): count / (ITEMS * K)
        for left, right in (("a", "b"), ("a", "c"), ("b", "c"))
        for (row_layer, column_layer), count in planted_counts(slots[right], slots[left]).items()
    }
    found = {tuple(row.values())[:4]: row["score"] for row in rows}
    assert found == pytest.approx(expected)
    assert len(rows) == len(expected)


def test_the_best_layer_pair_of_alignment_is_the_highest_of_layer_alignment(zoo: TinyZoo) -> None:
    zoo.add("d", "e")
    zoo.retire("b")
    build_snapshot(zoo.registry)
    wrong = ask_rows(
        zoo.registry,
        """
        WITH best AS (
            SELECT left_checkpoint_id, right_checkpoint_id, max(score) AS score
            FROM layer_alignment GROUP BY ALL
        )
        SELECT * FROM alignment FULL JOIN best USING (left_checkpoint_id, right_checkpoint_id)
        WHERE alignment.score IS DISTINCT FROM best.score
        """,
    )
    assert wrong == []


def test_layer_names_and_attributes_have_the_types_of_their_meaning(zoo: TinyZoo) -> None:
    build_snapshot(zoo.registry)
    (row,) = ask_rows(
        zoo.registry,
        """
        SELECT layer_names[2] AS second, widths[1] + 1 AS wider, (attributes ->> 'lr')::DOUBLE AS lr,
               datasets.modalities[1] AS modality
        FROM embeddings JOIN checkpoints USING (checkpoint_id) JOIN datasets USING (dataset_id)
        WHERE checkpoints.name = 'a'
        """,
    )
    assert row == {"second": "layer 1", "wider": 4, "lr": 0.5, "modality": "vision"}


def test_a_checkpoint_shows_its_current_name_its_family_and_its_series(zoo: TinyZoo) -> None:
    with zoo.registry.write() as session:
        family, series = Family(name="tinies"), Series(name="run 7")
        session.add_all([family, series])
        session.flush()
        session.execute(
            update(Checkpoint).where(Checkpoint.id == 1).values(family_id=family.id, series_id=series.id)
        )
        session.execute(update(Name).where(Name.name == "a").values(ended_at=MOMENT))
        session.execute(update(Name).where(Name.name == "b").values(ended_at=MOMENT))
        session.add(Name(name="new", checkpoint_id=1, started_at=MOMENT))
    build_snapshot(zoo.registry)
    rows = ask_rows(zoo.registry, "SELECT name, family, series FROM checkpoints ORDER BY checkpoint_id")
    assert [tuple(row.values()) for row in rows] == [
        ("new", "tinies", "run 7"),
        (key("checkpoint", "b")[:12], None, None),
        ("c", None, None),
    ]


def test_coverage_counts_what_is_wanted_what_is_there_and_what_is_blocked(zoo: TinyZoo) -> None:
    zoo.add("late", done=False)
    zoo.add("broken", done=False)
    with zoo.registry.write() as session:
        session.execute(
            update(Embedding).where(Embedding.uri == "embeddings/broken.safetensors").values(status="corrupt")
        )
    zoo.retire("a")
    build_snapshot(zoo.registry)
    assert ask_rows(zoo.registry, "SELECT pair_count, fresh_count, blocked_count FROM coverage") == [
        {"pair_count": 6, "fresh_count": 1, "blocked_count": 4}
    ]


def test_coverage_of_pairs_across_modalities_wants_no_other(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry, pairs="across")
    zoo.add("a", "b", "c")
    zoo.add("x", "y", modality="language")
    build_snapshot(sqlite_registry)
    assert ask_rows(sqlite_registry, "SELECT pair_count, fresh_count, blocked_count FROM coverage") == [
        {"pair_count": 6, "fresh_count": 6, "blocked_count": 0}
    ]


def test_a_layer_is_shown_with_its_name_and_width_and_an_exclusion_with_its_rule(zoo: TinyZoo) -> None:
    zoo.annotate()
    build_snapshot(zoo.registry)
    question = "SELECT layer, layer_name, width, tied_rows, effective_rank, in_degree_skew FROM layer_stats"
    assert [tuple(row.values()) for row in ask_rows(zoo.registry, question)] == [
        (1, "layer 1", 3, 1, 2.5, None)
    ]
    question = "SELECT name, rule ->> 'kind' AS kind, pair_count, largest_degree FROM exclusions"
    assert [tuple(row.values()) for row in ask_rows(zoo.registry, question)] == [
        ("shared-word", "shared word", 3, 2)
    ]


def test_a_target_shows_its_name_its_chance_and_its_null(zoo: TinyZoo) -> None:
    build_snapshot(zoo.registry)
    question = "SELECT name, pairs, chance, draws, alpha, null_scheme, seed FROM targets"
    assert [tuple(row.values()) for row in ask_rows(zoo.registry, question)] == [
        ("main", "all", 0.4, 500, 0.05, "items", 0)
    ]


def test_runs_that_only_made_snapshots_are_not_listed(zoo: TinyZoo) -> None:
    build_snapshot(zoo.registry)
    zoo.add("d")
    build_snapshot(zoo.registry)
    assert ask_rows(zoo.registry, "SELECT run_id, kind, counts ->> 'pairs' AS pairs FROM runs") == [
        {"run_id": zoo.run_id, "kind": "align", "pairs": "1"}
    ]
