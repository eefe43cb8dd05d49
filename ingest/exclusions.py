"""Register exclusions: relations between items of a data set that must not count as neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ingest.references import check_name
from ingest.table_files import read_table
from registry.clock import now
from registry.errors import ConflictError, InputError, UsageError
from registry.exclusions import ExcludedPairs, exceeds_a_tenth, pairs_of, too_much_excluded, write_exclusion
from registry.handle import Registry
from registry.items import GROUP_ID, ITEM_ID, TEXTS, covariate, group_ids, read_columns
from registry.keys import content_key, sha256_of_bytes, sha256_of_file
from registry.lookup import find_dataset, nearest
from registry.store import Store
from registry.tables import Dataset, Exclusion

CELLS_AT_ONCE = 2**22  # of the product that finds who shares a word: about 50 MB

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class SharedWords:
    """Items of which any two captions share a word, function words aside.

    Words are what scikit-learn's TfidfVectorizer counts: lower case, two letters or digits at least, without
    its list of English stop words.
    """


@dataclass(frozen=True)
class SameValue:
    """Items with the same value of a covariate, or of `group_id`; an empty value is like no other."""

    covariate: str


@dataclass(frozen=True)
class ListedPairs:
    """Pairs of item ids in a table with the columns `left` and `right`."""

    path: Path


ExclusionRule = SharedWords | SameValue | ListedPairs


@dataclass(frozen=True)
class AddedExclusion:
    """What registering an exclusion did; `share` is of all pairs of the data set's items."""

    exclusion_id: int
    name: str
    outcome: Literal["added", "unchanged"]
    pair_count: int
    share: float
    largest_degree: int


def add_exclusion(registry: Registry, dataset: str | None, name: str, rule: ExclusionRule) -> AddedExclusion:
    """Register a relation between the items of a data set; the same pairs again change nothing.

    Other names for the same pairs are allowed: a recipe says which name it means, and both give the same.

    Args:
        registry: where.
        dataset: its name; None where there is only one.
        name: what a recipe calls it, as `exclude:NAME`.
        rule: how the pairs are found.

    Raises:
        UsageError: the relation excludes nothing or more than a tenth of all pairs, or the data set has no
            texts or no groups.
        InputError: a file is broken, or names an item that is not in the data set.
        NotFoundError: there is no such data set or covariate.
        ConflictError: the name means other pairs.
    """
    check_name(name)
    with registry.read() as session:
        row = find_dataset(session, dataset)
    count, pairs = _find_pairs(registry.store, row, rule)
    if not count:
        raise UsageError(
            f"'{name}' excludes no pair of data set {row.name}: {_no_pair(rule)}",
            hint="leave it out: a recipe without it gives the same",
        )
    if pairs is None:
        raise too_much_excluded(f"'{name}'", count, row)
    key = _key(row, name, pairs)
    with registry.read() as session:
        found = _known(session, row, name, key, pairs)
    if found is not None:
        return found
    exclusion = _row(registry.store, row, name, key, pairs, rule)
    try:
        with registry.write() as session:
            found = _known(session, row, name, key, pairs)
            if found is not None:
                return found
            session.add(exclusion)
            session.flush()
            return _added(exclusion, "added", pairs)
    except IntegrityError:  # somebody else was faster
        with registry.read() as session:
            found = _known(session, row, name, key, pairs)
        if found is None:
            raise
        return found


def rule_of(*, shared_words: bool, same: str | None, pairs: Path | None) -> ExclusionRule:
    """Return the one rule that was asked for.

    Raises:
        UsageError: none was, or more than one.
    """
    rules: list[ExclusionRule] = [SharedWords()] if shared_words else []
    rules += [] if same is None else [SameValue(same)]
    rules += [] if pairs is None else [ListedPairs(pairs)]
    if len(rules) != 1:
        raise UsageError(
            f"an exclusion is made by one rule, found {len(rules)}",
            hint="give one of --shared-words, --same COVARIATE, --pairs FILE",
        )
    return rules[0]


def _find_pairs(store: Store, dataset: Dataset, rule: ExclusionRule) -> tuple[int, ExcludedPairs | None]:
    """Return how many pairs a rule finds, and the pairs where they are at most a tenth of all."""
    if isinstance(rule, ListedPairs):
        pairs = _listed(store, dataset, rule.path)
        return len(pairs), None if pairs.is_too_much else pairs
    if isinstance(rule, SharedWords):
        return sharing(_words(store, dataset))
    if rule.covariate == GROUP_ID and dataset.pairing == "grouped":
        values = group_ids(store, dataset)
    else:
        values = covariate(store, dataset, rule.covariate)
    return sharing([{value} if value else set() for value in values])


def sharing(marks: Sequence[Set[str]]) -> tuple[int, ExcludedPairs | None]:
    """Return how many pairs of items share a mark, and the pairs where they are at most a tenth of all.

    Args:
        marks: the marks of every item.
    """
    from scipy.sparse import csr_array

    n = len(marks)
    often = Counter(mark for own in marks for mark in own)
    numbers = {mark: number for number, mark in enumerate(sorted(often))}
    columns = [numbers[mark] for own in marks for mark in sorted(own)]
    starts = np.cumsum([0, *(len(own) for own in marks)])
    has = csr_array((np.ones(len(columns), np.int32), columns, starts), shape=(n, max(1, len(numbers))))
    cells = np.cumsum([sum(often[mark] for mark in own) for own in marks])  # of the product, row by row
    begin, count, kept = 0, 0, [np.empty((2, 0), np.int64)]
    while begin < n:
        done = cells[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(cells, done + CELLS_AT_ONCE, side="right")))
        rows, others = (has[begin:end] @ has.T).nonzero()
        found = np.stack((rows + begin, others))[:, others > rows + begin]
        count += found.shape[1]
        if not exceeds_a_tenth(count, n):
            kept.append(found)
        begin = end
    if exceeds_a_tenth(count, n):
        return count, None
    return count, pairs_of(n, *np.concatenate(kept, axis=1))


def _words(store: Store, dataset: Dataset) -> list[set[str]]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if "language" not in dataset.modalities:
        raise UsageError(
            f"the items of data set {dataset.name} have no texts to share words",
            hint="exclude by a covariate (--same) or by listed pairs (--pairs)",
        )
    split = TfidfVectorizer(stop_words="english").build_analyzer()
    texts = read_columns(store, dataset, [TEXTS])[TEXTS]
    return [{word for text in captions for word in split(text)} for captions in texts]


def _listed(store: Store, dataset: Dataset, path: Path) -> ExcludedPairs:
    _, rows = read_table(path, ("left", "right"))
    ids = read_columns(store, dataset, [ITEM_ID])[ITEM_ID]
    place = {item_id: position for position, item_id in enumerate(ids)}
    sides: tuple[list[int], list[int]] = ([], [])
    for number, row in enumerate(rows, start=2):
        left, right = str(row["left"]), str(row["right"])
        for side, item_id in zip(sides, (left, right), strict=True):
            if item_id not in place:
                raise InputError(
                    f"{path}, line {number}: no item '{item_id}' in data set {dataset.name}",
                    hint=nearest(item_id, ids) or "give the ids of its items",
                )
            side.append(place[item_id])
        if left == right:
            raise InputError(
                f"{path}, line {number}: item '{left}' is paired with itself",
                hint="an item is never its own neighbour: leave the line out",
            )
    return pairs_of(len(ids), np.asarray(sides[0], np.int64), np.asarray(sides[1], np.int64))


def _no_pair(rule: ExclusionRule) -> str:
    if isinstance(rule, ListedPairs):
        return f"{rule.path} has no row"
    if isinstance(rule, SharedWords):
        return "no two items share a word"
    return f"no two items have the same {rule.covariate}"


def _described(rule: ExclusionRule) -> dict[str, Any]:
    """Return what the row keeps of how the pairs were found."""
    if isinstance(rule, SharedWords):
        tokens = "TfidfVectorizer(stop_words='english')"
        return {"by": "words", "tokens": tokens, "scikit-learn": version("scikit-learn")}
    if isinstance(rule, SameValue):
        return {"by": "same", "covariate": rule.covariate}
    return {"by": "pairs", "file": rule.path.name, "sha256": sha256_of_file(rule.path)}


def _key(dataset: Dataset, name: str, pairs: ExcludedPairs) -> str:
    positions = np.stack((pairs.left, pairs.right)).astype("<i4")
    return content_key(
        "exclusion",
        {"dataset": dataset.content_key, "name": name, "pairs": sha256_of_bytes(positions.tobytes())},
    )


def _known(
    session: Session, dataset: Dataset, name: str, key: str, pairs: ExcludedPairs
) -> AddedExclusion | None:
    known = session.scalar(
        select(Exclusion).where(Exclusion.dataset_id == dataset.id, Exclusion.name == name)
    )
    if known is None:
        return None
    if known.content_key != key:
        raise ConflictError(
            f"the exclusion '{name}' of data set {dataset.name} has other pairs: {known.pair_count:,}, "
            f"not {len(pairs):,}",
            hint="an exclusion never changes: register the new pairs under another name",
        )
    return _added(known, "unchanged", pairs)


def _row(
    store: Store, dataset: Dataset, name: str, key: str, pairs: ExcludedPairs, rule: ExclusionRule
) -> Exclusion:
    stored = write_exclusion(store, pairs)
    return Exclusion(
        content_key=key,
        dataset_id=dataset.id,
        name=name,
        rule=_described(rule),
        uri=stored.uri,
        sha256=stored.sha256,
        pair_count=len(pairs),
        largest_degree=int(pairs.degrees.max()),
        created_at=now(),
    )


def _added(row: Exclusion, outcome: Literal["added", "unchanged"], pairs: ExcludedPairs) -> AddedExclusion:
    return AddedExclusion(row.id, row.name, outcome, len(pairs), pairs.share, row.largest_degree)
