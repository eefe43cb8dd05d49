"""Targets whose recipe leaves pairs of items out: what is checked, what is recorded, what is computed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sqlalchemy import select

from compute.chance import mutual_knn_chance
from compute.lists import K_KEPT, kept_for, kept_neighbours
from compute.runner import RunOptions, run_targets
from compute.targets import TargetRule, add_target
from registry.clock import now
from registry.errors import NotFoundError, UsageError
from registry.exclusions import ExcludedPairs, pairs_of, write_exclusion
from registry.handle import Registry
from registry.keys import content_key
from registry.layers import read_layers
from registry.lookup import find_target
from registry.tables import Alignment, Embedding, Exclusion, Failure, Slot, Target
from tests.compute.synthetic import SyntheticZoo

OPTIONS = RunOptions(device="cpu", unit_layer_pairs=9)
N = 40
BLOCKS = {(i, j) for i, j in itertools.combinations(range(N), 2) if i // 3 == j // 3}  # threes, and one alone
STAR = {(0, j) for j in range(3, 36)}  # item 0 loses 33 others
CHAIN = {(i, i + 1) for i in range(2, N - 1)}


@pytest.fixture
def zoo(sqlite_registry: Registry) -> SyntheticZoo:
    return SyntheticZoo(sqlite_registry, N)


def exclude(zoo: SyntheticZoo, name: str, pairs: set[tuple[int, int]]) -> ExcludedPairs:
    listed = np.array(sorted(pairs))
    relation = pairs_of(zoo.n, listed[:, 0], listed[:, 1])
    stored = write_exclusion(zoo.registry.store, relation)
    with zoo.registry.write() as session:
        session.add(
            Exclusion(
                content_key=content_key("exclusion", {"name": name, "pairs": listed.tolist()}),
                dataset_id=zoo.dataset_id,
                name=name,
                rule={"by": "pairs"},
                uri=stored.uri,
                sha256=stored.sha256,
                pair_count=len(relation),
                largest_degree=int(relation.degrees.max()),
                created_at=now(),
            )
        )
    return relation


def target_row(zoo: SyntheticZoo, name: str) -> Target:
    with zoo.registry.read() as session:
        return find_target(session, name)


def test_a_target_records_the_chance_of_what_is_left(zoo: SyntheticZoo) -> None:
    relation = exclude(zoo, "blocks", BLOCKS)
    plain = target_row(zoo, zoo.add_target())
    row = target_row(zoo, zoo.add_target(recipe="centre,exclude:blocks,cosine"))
    assert row.recipe == "exclude:blocks,centre,cosine"
    assert row.name == "made-up/mutual-knn-k5-exclude-blocks-centre"
    assert row.chance == mutual_knn_chance(5, N, relation.degrees)
    assert row.chance == pytest.approx(np.mean([5 / (N - 1 - lost) for lost in relation.degrees]))
    assert plain.chance == 5 / 39


def test_a_target_is_known_by_what_its_exclusions_hold(zoo: SyntheticZoo) -> None:
    exclude(zoo, "blocks", BLOCKS)
    exclude(zoo, "chain", CHAIN)
    extractions = list(zoo.extraction_ids.values())

    def add(recipe: str) -> str:
        return add_target(zoo.registry, "made-up", extractions, TargetRule(k=5, recipe=recipe)).outcome

    assert add("exclude:blocks,exclude:chain,cosine") == "added"
    assert add("exclude:chain,exclude:blocks,exclude:chain,cosine") == "unchanged"
    assert add("exclude:chain,cosine") == "added"
    first = target_row(zoo, "made-up/mutual-knn-k5-exclude-chain").content_key
    with zoo.registry.write() as session:  # as if the name had meant other pairs
        row = session.scalars(select(Exclusion).where(Exclusion.name == "chain")).one()
        row.content_key = "0" * 64
    assert (
        add_target(
            zoo.registry, "made-up", extractions, TargetRule(k=5, recipe="exclude:chain,cosine"), name="other"
        ).outcome
        == "added"
    )
    assert target_row(zoo, "other").content_key != first


def test_targets_without_exclusions_keep_their_content_key(zoo: SyntheticZoo) -> None:
    """Pinned: the key of a target that existed before there were exclusions."""
    row = target_row(zoo, zoo.add_target(k=10))
    with zoo.registry.read() as session:
        dataset = content_key("dataset", {"ids": [f"item-{i}" for i in range(N)]})
        rules = sorted(content_key("extraction", {"modality": name}) for name in zoo.extraction_ids)
        metric = content_key("metric", {"name": "mutual_knn", "parameters": {"k": 10}, "code_version": 1})
        assert session.get_one(Target, row.id).content_key == content_key(
            "target",
            {
                "dataset": dataset,
                "metric": metric,
                "recipe": "cosine",
                "reducer": "max",
                "pairs": "all",
                "extractions": rules,
            },
        )


@pytest.mark.parametrize(
    ("recipe", "sentence", "hint"),
    [
        ("center,cosine", "no recipe step 'center'", "did you mean centre ?"),
        ("centre,cosin", "ends with a similarity", "did you mean cosine ?"),
        ("whiten,cosine", "no recipe step 'whiten'", "did you mean whiten:R ?"),
        ("squash,cosine", "no recipe step 'squash'", "for example: cosine"),
    ],
)
def test_a_misspelt_recipe_gets_the_nearest(zoo: SyntheticZoo, recipe: str, sentence: str, hint: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        zoo.add_target(recipe=recipe)
    assert hint in caught.value.hint


def test_an_exclusion_that_the_data_set_has_not_is_refused(zoo: SyntheticZoo) -> None:
    exclude(zoo, "blocks", BLOCKS)
    with pytest.raises(NotFoundError, match="data set made-up has no exclusion 'block'") as caught:
        zoo.add_target(recipe="exclude:block,cosine")
    assert caught.value.hint == "did you mean blocks ?"


def test_exclusions_that_leave_too_few_candidates_are_refused(zoo: SyntheticZoo) -> None:
    exclude(zoo, "star", STAR)
    assert target_row(zoo, zoo.add_target(k=6, recipe="exclude:star,cosine")).chance is not None
    with pytest.raises(UsageError, match="leaves item 'item-0' of data set made-up 6 of 39 candidates"):
        zoo.add_target(k=7, recipe="exclude:star,cosine")


def test_exclusions_that_together_exclude_too_much_are_refused(zoo: SyntheticZoo) -> None:
    exclude(zoo, "blocks", BLOCKS)
    exclude(zoo, "chain", CHAIN)
    exclude(zoo, "star", STAR)
    zoo.add_target(recipe="exclude:blocks,exclude:chain,cosine")
    with pytest.raises(UsageError, match=r"excludes 10\.9% of all pairs .* \(85 of 780\)"):
        zoo.add_target(recipe="exclude:blocks,exclude:chain,exclude:star,cosine")


@pytest.mark.parametrize(
    ("k", "n", "lost", "kept"),
    [(10, 1001, 0, 100), (10, 1001, 62, 100), (10, 1001, 950, 50), (150, 1001, 0, 150), (10, 60, 0, 59),
     (10, 60, 20, 39), (10, 60, 55, 10)],
)  # fmt: skip
def test_lists_keep_what_every_item_has_and_never_less_than_k(k: int, n: int, lost: int, kept: int) -> None:
    assert kept_neighbours(k, n, lost) == kept


def test_lists_of_a_target_keep_what_its_exclusions_leave(zoo: SyntheticZoo) -> None:
    exclude(zoo, "star", STAR)
    exclude(zoo, "chain", CHAIN)
    names = [
        zoo.add_target(recipe=recipe)
        for recipe in ("cosine", "exclude:star,cosine", "exclude:chain,exclude:star,cosine")
    ]
    with zoo.registry.read() as session:
        kept = [kept_for(session, find_target(session, name)) for name in names]
    assert kept == [39, 6, 5]  # 39 - 33 - 2 is less than k, which add_target has checked
    assert K_KEPT > 39


def twin_score(zoo: SyntheticZoo, left: int, right: int, k: int, excluded: set[tuple[int, int]]) -> float:
    """The definition on the stored features: float64 cosines, the excluded struck out, sets, the best."""
    lists = []
    with zoo.registry.read() as session:
        for embedding_id in (left, right):
            row = session.get_one(Embedding, embedding_id)
            near = []
            for layer in read_layers(zoo.registry.store, row.uri, row.sha256, row.layer_names):
                unit = layer / np.linalg.norm(layer, axis=1, keepdims=True)
                similarity = unit @ unit.T
                for i, j in itertools.product(range(zoo.n), repeat=2):
                    if i == j or (min(i, j), max(i, j)) in excluded:
                        similarity[i, j] = -2
                near.append([set(row.tolist()) for row in np.argsort(-similarity, axis=1)[:, :k]])
            lists.append(near)
    return max(
        sum(len(a & b) for a, b in zip(one, other, strict=True)) / (zoo.n * k)
        for one, other in itertools.product(*lists)
    )


@pytest.mark.parametrize(
    ("names", "pairs"), [(["blocks"], BLOCKS), (["star"], STAR), (["chain", "star"], CHAIN | STAR)]
)
def test_every_pair_has_the_score_of_the_definition(
    zoo: SyntheticZoo, names: list[str], pairs: set[tuple[int, int]]
) -> None:
    for name, relation in (("blocks", BLOCKS), ("star", STAR), ("chain", CHAIN)):
        exclude(zoo, name, relation)
    for layers in (2, 3, 1):
        zoo.add(layers)
    zoo.add_target(recipe=",".join([*(f"exclude:{name}" for name in names), "cosine"]))
    summary = run_targets(zoo.registry, options=OPTIONS)
    assert (summary.pairs, summary.failed) == (3, 0)
    with zoo.registry.read() as session:
        rows = session.scalars(select(Alignment)).all()
        embedding = {slot.slot: slot.embedding_id for slot in session.scalars(select(Slot))}
    for row in rows:
        expected = twin_score(zoo, embedding[row.column_slot], embedding[row.row_slot], 5, pairs)
        assert row.score == pytest.approx(expected, abs=1e-12)


def test_a_damaged_exclusion_is_a_failure_of_its_target_alone(zoo: SyntheticZoo) -> None:
    exclude(zoo, "blocks", BLOCKS)
    zoo.add()
    zoo.add()
    damaged, plain = zoo.add_target(recipe="exclude:blocks,cosine"), zoo.add_target()
    with zoo.registry.read() as session:
        uri = session.scalars(select(Exclusion.uri)).one()
    zoo.registry.store.path(uri).unlink()
    summary = run_targets(zoo.registry, options=OPTIONS)
    assert summary.failed
    with zoo.registry.read() as session:
        assert session.scalars(select(Alignment.target_id)).all() == [find_target(session, plain).id]
        assert f"target {damaged}" in session.scalars(select(Failure.subject)).all()
        assert {row.status for row in session.scalars(select(Embedding))} == {"ready"}
