"""Exclusions: relations between items, from words, covariates and tables of pairs."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import ingest.exclusions as module
from ingest.datasets import add_dataset
from ingest.exclusions import (
    ExclusionRule,
    ListedPairs,
    SameValue,
    SharedWords,
    add_exclusion,
    rule_of,
    sharing,
)
from registry.errors import ConflictError, InputError, NotFoundError, RegistryError, UsageError
from registry.exclusions import ExcludedPairs, read_exclusions
from registry.handle import Registry
from registry.items import Items
from registry.lookup import find_dataset
from registry.tables import Exclusion

FILLER = [f"filler{number}" for number in range(24)]


def add_items(registry: Registry, texts: list[list[str]], **columns: list[str]) -> None:
    """Register some items and 24 more that share nothing with any, so that few pairs are excluded."""
    groups = columns.pop("group_ids", None)
    items = Items(
        [f"i{number}" for number in range(len(texts) + len(FILLER))],
        texts=[*texts, *([word] for word in FILLER)],
        group_ids=None if groups is None else [*groups, *FILLER],
        extra={name: [*values, *FILLER] for name, values in columns.items()},
    )
    add_dataset(registry, "toy", items)


def excluded(registry: Registry, name: str) -> set[tuple[int, int]]:
    with registry.read() as session:
        pairs = read_exclusions(session, registry.store, find_dataset(session, "toy"), [name])
    assert pairs is not None
    return as_set(pairs)


def as_set(pairs: ExcludedPairs) -> set[tuple[int, int]]:
    return set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_items_that_share_a_word_exclude_each_other(registry: Registry) -> None:
    texts = [["red Cat"], ["a cat, asleep"], ["red-hot"], ["cats"], ["dog"], ["hot DOG!"]]
    add_items(registry, texts)
    added = add_exclusion(registry, "toy", "words", SharedWords())
    assert excluded(registry, "words") == {(0, 1), (0, 2), (2, 5), (4, 5)}
    assert (added.outcome, added.pair_count, added.largest_degree) == ("added", 4, 2)
    assert added.share == pytest.approx(4 / 435)
    with registry.read() as session:
        row = session.scalars(select(Exclusion)).one()
    assert (row.name, row.pair_count, row.largest_degree) == ("words", 4, 2)
    assert row.rule["by"] == "words"


def test_function_words_and_single_letters_are_no_words(sqlite_registry: Registry) -> None:
    add_items(sqlite_registry, [["the cat on a mat"], ["the dog on a log"], ["plan B"], ["vitamin b"]])
    with pytest.raises(
        UsageError, match="'words' excludes no pair of data set toy: no two items share a word"
    ):
        add_exclusion(sqlite_registry, "toy", "words", SharedWords())


def test_any_caption_of_an_item_counts(sqlite_registry: Registry) -> None:
    add_items(sqlite_registry, [["cat", "feline"], ["dog", "cat again"], ["feline beast"]])
    add_exclusion(sqlite_registry, "toy", "words", SharedWords())
    assert excluded(sqlite_registry, "words") == {(0, 1), (0, 2)}


def test_equal_values_exclude_each_other_and_empty_ones_do_not(sqlite_registry: Registry) -> None:
    add_items(sqlite_registry, [["x"]] * 5, kind=["p", "", "p", "", "q"])
    add_exclusion(sqlite_registry, "toy", "kind", SameValue("kind"))
    assert excluded(sqlite_registry, "kind") == {(0, 2)}


def test_items_of_one_group_exclude_each_other(sqlite_registry: Registry) -> None:
    add_items(sqlite_registry, [["x"]] * 4, group_ids=["g", "h", "g", "g"])
    add_exclusion(sqlite_registry, "toy", "groups", SameValue("group_id"))
    assert excluded(sqlite_registry, "groups") == {(0, 2), (0, 3), (2, 3)}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_listed_pairs_count_once_either_way_round(
    sqlite_registry: Registry, tmp_path: Path, suffix: str
) -> None:
    add_items(sqlite_registry, [["x"]] * 4)
    rows = [("i3", "i0"), ("i1", "i2"), ("i0", "i3")]
    path = tmp_path / f"pairs{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.table({"left": [a for a, _ in rows], "right": [b for _, b in rows]}), path)
    else:
        delimiter = "," if suffix == ".csv" else "\t"
        table(path, "\n".join(delimiter.join(row) for row in [("left", "right"), *rows]))
    add_exclusion(sqlite_registry, "toy", "listed", ListedPairs(path))
    assert excluded(sqlite_registry, "listed") == {(0, 3), (1, 2)}


def test_the_same_pairs_again_change_nothing_and_other_pairs_are_refused(
    registry: Registry, tmp_path: Path
) -> None:
    add_items(registry, [["red cat"], ["cat"], ["red"]])
    first = add_exclusion(registry, "toy", "words", SharedWords())
    again = add_exclusion(registry, None, "words", SharedWords())
    assert (again.outcome, again.exclusion_id) == ("unchanged", first.exclusion_id)
    same = table(tmp_path / "same.csv", "left,right\ni2,i0\ni1,i0\n")
    assert add_exclusion(registry, "toy", "words", ListedPairs(same)).outcome == "unchanged"
    other = table(tmp_path / "other.csv", "left,right\ni1,i0\n")
    with pytest.raises(
        ConflictError, match="the exclusion 'words' of data set toy has other pairs: 2, not 1"
    ):
        add_exclusion(registry, "toy", "words", ListedPairs(other))
    assert add_exclusion(registry, "toy", "second-name", SharedWords()).outcome == "added"


def test_more_than_a_tenth_of_the_pairs_is_refused_with_its_share(sqlite_registry: Registry) -> None:
    add_items(sqlite_registry, [[f"cat {number}"] for number in range(12)])
    with pytest.raises(UsageError, match=r"'cats' excludes 10\.5% of all pairs .* \(66 of 630\)"):
        add_exclusion(sqlite_registry, "toy", "cats", SharedWords())
    with sqlite_registry.read() as session:
        assert session.scalars(select(Exclusion)).all() == []


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("i0,i1\ni0,i77\n", r"line 3: no item 'i77' in data set toy"),
        ("i0,i0\n", r"line 2: item 'i0' is paired with itself"),
        ("i0\n", r"line 2: expected 2 fields"),
    ],
)
def test_pairs_that_are_none_are_refused(
    sqlite_registry: Registry, tmp_path: Path, rows: str, sentence: str
) -> None:
    add_items(sqlite_registry, [["x"]] * 4)
    with pytest.raises(InputError, match=sentence):
        add_exclusion(
            sqlite_registry, "toy", "x", ListedPairs(table(tmp_path / "p.csv", f"left,right\n{rows}"))
        )


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("a,b\ni0,i1\n", InputError, "has no column 'left', found a, b"),
        ("left,right\n", UsageError, "excludes no pair of data set toy: .* has no row"),
    ],
)
def test_a_table_without_pairs_is_refused(
    sqlite_registry: Registry, tmp_path: Path, text: str, kind: type[RegistryError], sentence: str
) -> None:
    add_items(sqlite_registry, [["x"]] * 4)
    with pytest.raises(kind, match=sentence):
        add_exclusion(sqlite_registry, "toy", "x", ListedPairs(table(tmp_path / "p.csv", text)))


def test_rules_that_the_data_set_cannot_follow_are_refused(sqlite_registry: Registry) -> None:
    add_items(sqlite_registry, [["x"]] * 4, kind=list("abcd"))
    with pytest.raises(NotFoundError, match="no covariate 'kin'") as caught:
        add_exclusion(sqlite_registry, "toy", "x", SameValue("kin"))
    assert caught.value.hint == "did you mean kind ?"
    with pytest.raises(UsageError, match="no two items have the same kind"):
        add_exclusion(sqlite_registry, "toy", "x", SameValue("kind"))
    with pytest.raises(NotFoundError, match="no covariate 'group_id'"):
        add_exclusion(sqlite_registry, "toy", "x", SameValue("group_id"))
    with pytest.raises(UsageError, match="'a,b' cannot be a name"):
        add_exclusion(sqlite_registry, "toy", "a,b", SharedWords())


def test_pictures_alone_share_no_words(sqlite_registry: Registry, items: Items) -> None:
    add_dataset(sqlite_registry, "pictures", Items(items.ids, images=items.images))
    with pytest.raises(UsageError, match="have no texts to share words"):
        add_exclusion(sqlite_registry, "pictures", "words", SharedWords())


@given(
    st.lists(st.sets(st.sampled_from("abcdefghijklmnop"), max_size=3), min_size=2, max_size=30),
    st.integers(1, 40),
)
@settings(max_examples=60, deadline=None)
def test_sharing_equals_the_definition_whatever_the_pieces(marks: list[set[str]], at_once: int) -> None:
    expected = {
        (one, other)
        for one, other in itertools.combinations(range(len(marks)), 2)
        if marks[one] & marks[other]
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CELLS_AT_ONCE", at_once)
        count, pairs = sharing(marks)
    assert count == len(expected)
    if 20 * count > len(marks) * (len(marks) - 1):
        assert pairs is None
    else:
        assert pairs is not None
        assert as_set(pairs) == expected


def test_one_rule_makes_an_exclusion() -> None:
    made: list[ExclusionRule] = [
        rule_of(shared_words=True, same=None, pairs=None),
        rule_of(shared_words=False, same="kind", pairs=None),
        rule_of(shared_words=False, same=None, pairs=Path("p.csv")),
    ]
    assert made == [SharedWords(), SameValue("kind"), ListedPairs(Path("p.csv"))]
    for words, same, found in ((False, None, 0), (True, "kind", 2)):
        with pytest.raises(UsageError, match=f"one rule, found {found}"):
            rule_of(shared_words=words, same=same, pairs=None)


def test_words_are_those_that_scikit_learn_counts(sqlite_registry: Registry) -> None:
    """The definition is the vectoriser's: two items share a word iff a column of its matrix has both."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    random = np.random.default_rng(4)
    words = np.array(
        ["the", "fox", "x-ray", "Über", "naïve", "don't", "3rd", "of", "7", "RED", "éclair", "no"]
    )
    texts = [" ".join(random.choice(words, size=3)) for _ in range(8)] + [
        f"{a}{b}" for a in "qz" for b in FILLER
    ]
    matrix = TfidfVectorizer(stop_words="english").fit_transform(texts).toarray()
    expected = {
        (i, j)
        for i, j in itertools.combinations(range(len(texts)), 2)
        if ((matrix[i] > 0) & (matrix[j] > 0)).any()
    }
    add_dataset(
        sqlite_registry, "toy", Items([f"i{i}" for i in range(len(texts))], texts=[[t] for t in texts])
    )
    add_exclusion(sqlite_registry, "toy", "words", SharedWords())
    assert excluded(sqlite_registry, "words") == expected
