"""Whether the demo's instrument measures what it should. It tests the instrument, not the paper's claim."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from cavewall.demo.contents import MINILM, lite_name
from cavewall.demo.emoji import load_emoji
from cavewall.demo.journey import DemoZoo
from cavewall.demo.table import Pair
from compute.runner import run_targets
from ingest.items_from_files import items_from_arrays
from registry.items import read_items
from registry.keys import order_fingerprint
from registry.tables import Alignment, Dataset, Embedding, Neighbours, Slot

TRAINED, UNTRAINED = 0.01, 0.02
LITE0, TWIN = lite_name(0), f"{lite_name(0)}-untrained-0"
EXPECTED = (  # measured by another program on the same items: score, and how far ours may be
    (LITE0, MINILM, 0.131, TRAINED),
    (LITE0, "tf-idf", 0.075, TRAINED),
    (TWIN, MINILM, 0.073, UNTRAINED),
    (LITE0, f"{MINILM}-untrained-0", 0.066, UNTRAINED),
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, whether it is as it should be, and what was found."""

    what: str
    passed: bool
    found: str


def check_demo(zoo: DemoZoo, pairs: list[Pair]) -> list[Check]:
    """Return what was looked at; the registry is only read, and a second run must have nothing to do."""
    return [_order(zoo), _self_score(zoo), *_scores(pairs), _nothing_to_do(zoo)]


def _order(zoo: DemoZoo) -> Check:
    """Row i of every embedding is emoji i: as picture, as name, and in every embedding's fingerprint."""
    emoji = load_emoji()
    fresh = items_from_arrays(emoji.images, ids=emoji.ids, texts=emoji.names)
    with zoo.registry.read() as session:
        dataset = session.get_one(Dataset, zoo.dataset_id)
        marks = set(session.scalars(select(Embedding.order_fingerprint).where(Embedding.status == "ready")))
    stored = read_items(zoo.registry.store, dataset)
    same = (stored.ids, stored.images, stored.texts) == (fresh.ids, fresh.images, fresh.texts)
    expected = {order_fingerprint(fresh.ids)}
    return Check(
        "both modalities have the same items in the same order",
        same and marks == expected,
        f"{len(stored.ids)} items {'as' if same else 'not as'} the packages have them, {len(marks)} order",
    )


def _self_score(zoo: DemoZoo) -> Check:
    """Every layer of every embedding, against itself, scores exactly 1."""
    from compute.inverted_lists import shared_neighbours
    from compute.lists import load_lists

    with zoo.registry.read() as session:
        rows = session.scalars(select(Neighbours)).all()
    counts = []
    for row in rows:
        indices, _ = load_lists(zoo.registry.store, row)
        counts += shared_neighbours(indices, indices, k=10).diagonal().tolist()
    low, high = min(counts) / (zoo.item_count * 10), max(counts) / (zoo.item_count * 10)
    return Check(
        "every layer against itself scores 1",
        low == high == 1.0,
        f"{len(counts)} layers, {low:g} to {high:g}",
    )


def _scores(pairs: list[Pair]) -> list[Check]:
    found = {(pair.picture, pair.word): pair.score for pair in pairs}
    return [
        Check(
            f"{picture} x {word} is within {within} of {score}",
            abs(found.get((picture, word), -1.0) - score) <= within,
            f"{found[picture, word]:.4f}" if (picture, word) in found else "no such pair",
        )
        for picture, word, score, within in EXPECTED
    ]


def _nothing_to_do(zoo: DemoZoo) -> Check:
    before = _state(zoo)
    summary = run_targets(zoo.registry, [zoo.target])
    unchanged = _state(zoo) == before
    return Check(
        "a second run has nothing to do",
        summary.run_id is None and unchanged,
        f"{summary.pairs} pairs computed, rows {'unchanged' if unchanged else 'changed'}",
    )


def _state(zoo: DemoZoo) -> tuple[object, ...]:
    with zoo.registry.read() as session:
        rows = session.execute(select(func.count(), func.sum(Alignment.score)).select_from(Alignment)).one()
        marks = session.execute(select(func.count(), func.sum(Slot.done_through))).one()
    return (*rows, *marks)
