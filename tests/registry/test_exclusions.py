"""Excluded pairs: the relation, its compressed rows, its sidecar."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import NotFoundError, StoreError
from registry.exclusions import (
    ExcludedPairs,
    exceeds_a_tenth,
    find_exclusions,
    list_exclusions,
    pairs_of,
    read_exclusion,
    read_exclusions,
    too_much_excluded,
    union,
    write_exclusion,
)
from registry.handle import Registry
from registry.keys import content_key
from registry.tables import Dataset, Exclusion


def relation(n: int, pairs: set[tuple[int, int]]) -> ExcludedPairs:
    listed = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    return pairs_of(n, listed[:, 0], listed[:, 1])


def some_pairs(n: int, share: float, seed: int) -> set[tuple[int, int]]:
    random = np.random.default_rng(seed)
    return {pair for pair in itertools.combinations(range(n), 2) if random.random() < share}


def add_dataset(session: Session, n: int) -> Dataset:
    row = Dataset(
        content_key="1" * 64,
        name="d",
        revision="1",
        item_count=n,
        modalities=["language"],
        order_fingerprint="2" * 64,
        set_fingerprint="3" * 64,
        uri="d",
        sha256="4" * 64,
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return row


def add_row(registry: Registry, session: Session, dataset: Dataset, name: str, pairs: ExcludedPairs) -> None:
    stored = write_exclusion(registry.store, pairs)
    session.add(
        Exclusion(
            content_key=content_key("exclusion", {"name": name}),
            dataset_id=dataset.id,
            name=name,
            rule={"by": "pairs"},
            uri=stored.uri,
            sha256=stored.sha256,
            pair_count=len(pairs),
            largest_degree=int(pairs.degrees.max()),
            created_at=now(),
        )
    )


def test_degrees_and_cells_are_those_of_the_matrix() -> None:
    n, wanted = 23, some_pairs(23, 0.15, seed=1)
    pairs = relation(n, wanted)
    matrix = np.zeros((n, n), bool)
    for one, other in wanted:
        matrix[one, other] = matrix[other, one] = True
    assert pairs.degrees.tolist() == matrix.sum(axis=1).tolist()
    for start, stop in ((0, n), (0, 1), (5, 9), (22, 23)):
        cells = np.zeros((stop - start, n), int)
        np.add.at(cells, pairs.within(start, stop), 1)
        assert (cells == matrix[start:stop]).all()


def test_pairs_come_in_any_order_either_way_round_and_twice() -> None:
    pairs = pairs_of(9, np.array([7, 3, 1, 3]), np.array([2, 8, 2, 8]))
    assert list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == [(1, 2), (2, 7), (3, 8)]
    assert pairs.left.dtype == pairs.right.dtype == np.int32


def test_positions_of_many_items_do_not_overflow() -> None:
    n = 70_000  # n * n is beyond 32 bits
    pairs = pairs_of(n, np.array([69_999, 0]), np.array([69_998, 69_999]))
    assert (pairs.left.tolist(), pairs.right.tolist()) == ([0, 69_998], [69_999, 69_999])
    assert pairs.within(69_999, 70_000)[1].tolist() == [0, 69_998]


def test_union_excludes_what_any_of_them_excludes() -> None:
    one, other = some_pairs(12, 0.2, seed=2), some_pairs(12, 0.2, seed=3)
    both = union([relation(12, one), relation(12, other)])
    assert set(zip(both.left.tolist(), both.right.tolist(), strict=True)) == one | other


@pytest.mark.parametrize(
    ("left", "right"),
    [([1], [1]), ([2], [1]), ([1, 0], [2, 1]), ([0, 0], [1, 1]), ([0], [5]), ([-1], [2])],
)
def test_what_is_no_sorted_relation_is_refused(left: list[int], right: list[int]) -> None:
    with pytest.raises(ValueError, match="sorted, unique and of two different items"):
        ExcludedPairs(5, np.array(left, np.int32), np.array(right, np.int32))


def test_a_tenth_of_the_pairs_is_allowed_and_one_more_is_not() -> None:
    assert not exceeds_a_tenth(19, 20)  # of 190
    assert exceeds_a_tenth(20, 20)


def test_the_refusal_states_the_share(registry: Registry) -> None:
    with registry.write() as session:
        message = too_much_excluded("'x'", 50, add_dataset(session, 20)).message
    assert message == "'x' excludes 26.3% of all pairs of data set d (50 of 190), expected at most a tenth"


def test_exclusions_come_back_alone_and_together(registry: Registry) -> None:
    first, second = relation(9, {(0, 1), (2, 7)}), relation(9, {(2, 7), (3, 8)})
    with registry.write() as session:
        dataset = add_dataset(session, 9)
        for name, pairs in (("second", second), ("first", first)):
            add_row(registry, session, dataset, name, pairs)
    with registry.read() as session:
        assert [row.name for row in list_exclusions(session, dataset)] == ["first", "second"]
        (row,) = find_exclusions(session, dataset, ["second"])
        alone = read_exclusion(registry.store, dataset, row)
        both = read_exclusions(session, registry.store, dataset, ["first", "second"])
        assert read_exclusions(session, registry.store, dataset, []) is None
    assert (alone.left.tolist(), alone.right.tolist()) == ([2, 3], [7, 8])
    assert both is not None
    assert (both.left.tolist(), both.right.tolist()) == ([0, 2, 3], [1, 7, 8])


def test_an_unknown_exclusion_gets_the_nearest(sqlite_registry: Registry) -> None:
    with sqlite_registry.write() as session:
        dataset = add_dataset(session, 9)
        with pytest.raises(NotFoundError, match="data set d has no exclusion 'words'") as caught:
            find_exclusions(session, dataset, ["words"])
        assert caught.value.hint == "make one: cavewall dataset exclude"
        add_row(sqlite_registry, session, dataset, "word", relation(9, {(0, 1)}))
        with pytest.raises(NotFoundError) as caught:
            find_exclusions(session, dataset, ["words"])
    assert caught.value.hint == "did you mean word ?"


def test_a_sidecar_that_is_not_what_its_row_says_is_refused(sqlite_registry: Registry) -> None:
    store = sqlite_registry.store
    with sqlite_registry.write() as session:
        dataset = add_dataset(session, 9)
        add_row(sqlite_registry, session, dataset, "x", relation(9, {(0, 1), (2, 7)}))
        (row,) = list_exclusions(session, dataset)
        row.pair_count = 3
        with pytest.raises(StoreError, match="has 2 pairs, its row says 3"):
            read_exclusion(store, dataset, row)
        dataset.item_count = 7
        with pytest.raises(StoreError, match="two different items of the data set"):
            read_exclusion(store, dataset, row)
        store.path(row.uri).write_bytes(b"no table")
        with pytest.raises(StoreError, match="was changed or damaged"):
            read_exclusion(store, dataset, row)
