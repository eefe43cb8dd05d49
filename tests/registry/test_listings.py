"""Lists, counts and details on a registry with at least one row in every table, on both databases."""

from __future__ import annotations

import pytest

from registry.census import take_census
from registry.details import checkpoint_details, dataset_details
from registry.errors import NotFoundError
from registry.extractions import extractions_in_use, find_extraction
from registry.handle import Registry
from registry.listings import (
    list_checkpoints,
    list_datasets,
    list_embeddings,
    list_targets,
    live_checkpoints,
)
from registry.score_listings import list_refusals, list_scores
from registry.tables import Benchmark, Checkpoint, Dataset, Embedding, Score
from tests.migrations.rows import digest, fill


@pytest.fixture
def filled(registry: Registry) -> Registry:
    fill(registry.engine)
    return registry


def test_checkpoints_are_listed_with_what_they_belong_to(filled: Registry) -> None:
    with filled.read() as session:
        (line,) = list_checkpoints(session)
    assert (line.name, line.family, line.series, line.step, line.embeddings) == (
        "net",
        "resnets",
        "training",
        0,
        1,
    )
    assert line.is_floating
    assert line.parameter_count == 5_000_000_000


def test_retired_checkpoints_are_listed_on_request(filled: Registry) -> None:
    with filled.read() as session:
        lines = list_checkpoints(session, with_retired=True)
        assert [line.retired_reason for line in lines] == [None, "superseded"]
        assert lines[1].name == digest("2")[:12]  # its name has moved on
        assert list_checkpoints(session, checkpoint_ids=[2]) == []
        assert len(list_checkpoints(session, with_retired=True, limit=1)) == 1
        assert [row.id for row in live_checkpoints(session, ["vision"])] == [1]
        assert live_checkpoints(session, ["language"]) == []


def test_datasets_are_listed_by_name_with_their_embeddings(filled: Registry) -> None:
    with filled.read() as session:
        lines = list_datasets(session)
    assert [(line.name, line.embeddings) for line in lines] == [("emoji", 2), ("emoji-short", 0)]


def test_embeddings_are_listed_without_the_superseded(filled: Registry) -> None:
    with filled.write() as session:
        session.get_one(Embedding, 2).status = "superseded"
    with filled.read() as session:
        assert [line.checkpoint for line in list_embeddings(session)] == ["net"]
        both = list_embeddings(session, with_superseded=True)
        assert [line.status for line in both] == ["ready", "superseded"]
        assert list_embeddings(session, dataset_id=2) == []
        assert list_embeddings(session, checkpoint_ids=[2]) == []
        assert both[0].widest == 32


def test_targets_are_listed_with_their_rules(filled: Registry) -> None:
    with filled.read() as session:
        (line,) = list_targets(session)
    assert (line.name, line.dataset, line.metric, line.parameters) == (
        "main",
        "emoji",
        "mutual_knn",
        {"k": 10},
    )
    assert line.extractions == {"vision": digest("2")[:12]}


def test_scores_are_listed_with_their_source_and_chance(filled: Registry) -> None:
    with filled.read() as session:
        (line,) = list_scores(session, checkpoint_ids=[1], benchmark_ids=[1])
        assert list_scores(session, checkpoint_ids=[2]) == []
        assert list_scores(session, benchmark_ids=[2]) == []
    assert (line.checkpoint, line.task, line.value) == ("net", "text/captions", 0.1 + 0.2)
    assert (line.source, line.trust, line.chance) == ("own evaluation", "high", 0.125)


def test_chance_of_a_score_that_measured_none_is_its_benchmarks(filled: Registry) -> None:
    with filled.write() as session:
        session.get_one(Score, 1).chance = None
        session.get_one(Benchmark, 1).chance = 0.25
    with filled.read() as session:
        (line,) = list_scores(session)
    assert line.chance == 0.25


def test_refused_claims_are_listed_with_the_reason(filled: Registry) -> None:
    with filled.read() as session:
        (line,) = list_refusals(session, checkpoint_ids=[1], benchmark_ids=[1])
        assert list_refusals(session, checkpoint_ids=[2]) == []
        assert list_refusals(session, benchmark_ids=[2]) == []
    assert (line.checkpoint, line.task, line.value, line.reason) == (
        "net",
        "text/captions",
        "nan",
        "not a number",
    )


def test_census_counts_what_is_live(filled: Registry) -> None:
    with filled.read() as session:
        census = take_census(session)
    assert (census.checkpoints, census.retired_checkpoints) == (1, 1)
    assert (census.datasets, census.embeddings, census.targets, census.scores) == (2, 2, 1, 1)
    assert census.last_run is not None
    assert census.last_run.kind == "align run"


def test_census_of_an_empty_registry_is_all_zeros(registry: Registry) -> None:
    with registry.read() as session:
        census = take_census(session)
    assert set(vars(census).values()) == {0, None}


def test_details_hold_every_field_and_what_hangs_on_it(filled: Registry) -> None:
    with filled.read() as session:
        first = checkpoint_details(session, session.get_one(Checkpoint, 1))
        second = checkpoint_details(session, session.get_one(Checkpoint, 2))
        data = dataset_details(session, session.get_one(Dataset, 1))
    assert first["attributes"] == {"lr": 0.1, "note": "é"}
    assert [score["value"] for score in first["scores"]] == [0.1 + 0.2]
    assert second["parent"] == "net"
    assert [name["name"] for name in second["names"]] == ["net"]
    assert second["names"][0]["ended_at"] is not None
    assert (data["item_count"], len(data["embeddings"])) == (1001, 2)


def test_rules_are_found_by_use_and_by_the_start_of_their_key(filled: Registry) -> None:
    with filled.read() as session:
        assert [rule.id for rule in extractions_in_use(session, 1)] == [1]
        assert extractions_in_use(session, 2) == []
        assert find_extraction(session, "2222").id == 1
        with pytest.raises(NotFoundError, match="0 extractions have a key that begins with '3'"):
            find_extraction(session, "3")
