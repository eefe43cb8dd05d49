from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.schemes import all_items, grouped, scheme_of, within
from registry.clock import now
from registry.errors import RegistryError, UsageError
from registry.handle import Registry
from registry.items import Items, write_items
from registry.keyed import keyed_order
from registry.keys import order_fingerprint, set_fingerprint
from registry.tables import Dataset

labels_of_items = st.lists(st.sampled_from("abcd"), min_size=2, max_size=30)


def test_all_items_is_the_keyed_order() -> None:
    assert all_items(20).order("a key").tolist() == keyed_order("a key", 20).tolist()


def test_an_order_does_not_change_between_versions() -> None:
    assert all_items(8).order("null 0 0 key").tolist() == [3, 0, 6, 5, 1, 2, 4, 7]


@given(labels=labels_of_items, number=st.integers(0, 1000))
def test_within_keeps_every_item_in_its_class(labels: list[str], number: int) -> None:
    order = within(labels).order(f"key {number}")
    assert sorted(order) == list(range(len(labels)))
    assert [labels[item] for item in order] == labels


@given(labels=labels_of_items, number=st.integers(0, 1000))
def test_groups_move_as_blocks_to_groups_of_their_size(labels: list[str], number: int) -> None:
    order = grouped(labels).order(f"key {number}")
    assert sorted(order) == list(range(len(labels)))
    sizes = {label: labels.count(label) for label in labels}
    came_from: dict[str, list[str]] = {}
    for item, source in enumerate(order):
        came_from.setdefault(labels[item], []).append(labels[source])
    for label, sources in came_from.items():
        assert len(set(sources)) == 1, "a group was torn apart"
        assert sizes[sources[0]] == sizes[label]
    within_group = [[source for item, source in enumerate(order) if labels[item] == label] for label in sizes]
    assert all(sources == sorted(sources) for sources in within_group)


def test_every_permutation_is_as_frequent_as_another() -> None:
    scheme = all_items(4)
    counts = dict.fromkeys(itertools.permutations(range(4)), 0)
    draws = 4800
    for draw in range(draws):
        counts[tuple(scheme.order(f"{draw}").tolist())] += 1
    expected = draws / 24
    chi_squared = sum((count - expected) ** 2 / expected for count in counts.values())
    assert chi_squared < 49.7  # the 0.1 % point at 23 degrees of freedom


@pytest.fixture
def dataset(sqlite_registry: Registry) -> Dataset:
    ids = [f"i{number}" for number in range(8)]
    items = Items(
        ids,
        texts=[["t"]] * 8,
        group_ids=list("aabbccdd"),
        extra={"kind": list("xxxxyyyy"), "own": ids},
    )
    stored = write_items(sqlite_registry.store, items)
    return Dataset(
        name="eight", item_count=8, uri=stored.uri, sha256=stored.sha256, pairing="grouped",
        order_fingerprint=order_fingerprint(ids), set_fingerprint=set_fingerprint(ids), created_at=now(),
        content_key="0" * 64, revision="1", modalities=["language"],
    )  # fmt: skip


def test_schemes_come_from_the_data_set(sqlite_registry: Registry, dataset: Dataset) -> None:
    store = sqlite_registry.store
    assert scheme_of(store, dataset, "items").order("k").tolist() == all_items(8).order("k").tolist()
    assert (
        scheme_of(store, dataset, "groups").order("k").tolist()
        == grouped(list("aabbccdd")).order("k").tolist()
    )
    assert (
        scheme_of(store, dataset, "within:kind").order("k").tolist()
        == within(list("xxxxyyyy")).order("k").tolist()
    )


def test_a_covariate_with_one_item_per_class_is_refused(sqlite_registry: Registry, dataset: Dataset) -> None:
    with pytest.raises(UsageError, match=r"'within:own' 100% of the items of eight could not move") as caught:
        scheme_of(sqlite_registry.store, dataset, "within:own")
    assert caught.value.hint


@pytest.mark.parametrize("scheme", ["within:nothing", "blocks"])
def test_an_unknown_scheme_is_refused(sqlite_registry: Registry, dataset: Dataset, scheme: str) -> None:
    with pytest.raises(RegistryError, match=r"nothing|blocks"):
        scheme_of(sqlite_registry.store, dataset, scheme)


def test_items_that_cannot_move_are_counted() -> None:
    assert within(list("aab")).fixed_share == pytest.approx(1 / 3)
    assert grouped(list("aabbc")).fixed_share == pytest.approx(1 / 5)
    assert all_items(5).fixed_share == 0
