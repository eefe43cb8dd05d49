"""Whether the demo's instrument measures what it should. It tests the instrument, not the paper's claim."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from cavewall.demo.contents import MINILM
from cavewall.demo.emoji import load_emoji
from cavewall.demo.journey import DemoZoo
from cavewall.demo.shuffled import ALLOWED_SD, shuffled_copy
from cavewall.demo.table import LAST_STEP, LITE0, TWIN, Pair
from compute.runner import run_targets
from ingest.items_from_files import items_from_arrays
from registry.items import read_items
from registry.keys import order_fingerprint
from registry.tables import Alignment, Dataset, Embedding, Neighbours, Slot

TRAINED, UNTRAINED, STRICT = 0.01, 0.02, 0.01
# Measured by another program on the same items: score, and without neighbours that share a word; and how far
# the score may be from it. An untrained network is another one with every seed.
EXPECTED = (
    (LITE0, MINILM, 0.131, 0.091, TRAINED),
    (LITE0, "tf-idf", 0.075, 0.011, TRAINED),
    (TWIN, MINILM, 0.073, 0.048, UNTRAINED),
    (LITE0, f"{MINILM}-untrained-0", 0.066, 0.014, UNTRAINED),
    (LITE0, LAST_STEP, 0.043, 0.016, TRAINED),
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, whether it is as it should be, and what was found."""

    what: str
    passed: bool
    found: str


def check_demo(zoo: DemoZoo, pairs: list[Pair]) -> list[Check]:
    """Return what was looked at; the registry is only read, and a second run must have nothing to do."""
    return [
        _order(zoo),
        _self_score(zoo),
        *_shuffled(zoo),
        *_scores(pairs),
        *_chances(pairs),
        _nothing_to_do(zoo),
    ]


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


def _shuffled(zoo: DemoZoo) -> list[Check]:
    """A copy of MiniLM whose items were shuffled finds no partner, not even MiniLM."""
    found = shuffled_copy(zoo, MINILM)
    return [
        Check(
            "a shuffled copy of an embedding finds no partner",
            not found.discoveries,
            f"smallest p {found.smallest_p:.3f} of {found.partner_count} partners, {found.draws} draws; "
            f"{len(found.discoveries)} discoveries at 5 % (Benjamini-Hochberg)",
        ),
        Check(
            f"its score with every layer is within {ALLOWED_SD} null sd of k / (n - 1)",
            found.largest_distance <= ALLOWED_SD,
            f"{found.layer_pair_count} layer pairs, at most {found.largest_distance:.2f} sd away",
        ),
    ]


def _scores(pairs: list[Pair]) -> list[Check]:
    found = {(pair.picture, pair.word): pair for pair in pairs}
    checks = []
    for picture, word, score, strict, within in EXPECTED:
        pair = found.get((picture, word))
        for what, expected, allowed, measured in (
            ("", score, within, None if pair is None else pair.score),
            (" without shared words", strict, STRICT, None if pair is None else pair.strict_score),
        ):
            checks.append(
                Check(
                    f"{picture} x {word}{what} is within {allowed} of {expected}",
                    measured is not None and abs(measured - expected) <= allowed,
                    "no such pair" if measured is None else f"{measured:.4f}",
                )
            )
    return checks


def _chances(pairs: list[Pair]) -> list[Check]:
    """Every pair has an interval around its score, and a null."""
    sound = [pair for pair in pairs if pair.ci_low < pair.score < pair.ci_high and 0 < pair.p <= 1]
    return [
        Check(
            "every score of pictures x words has its interval and its p",
            len(sound) == len(pairs) > 0,
            f"{len(sound)} of {len(pairs)} pairs",
        )
    ]


def _nothing_to_do(zoo: DemoZoo) -> Check:
    before = _state(zoo)
    summary = run_targets(zoo.registry, [zoo.target.name, zoo.strict.name])
    unchanged = _state(zoo) == before
    return Check(
        "a second run has nothing to do",
        summary.run_id is None and unchanged,
        f"{summary.pairs} pairs and {summary.calibrated} nulls computed, "
        f"rows {'unchanged' if unchanged else 'changed'}",
    )


def _state(zoo: DemoZoo) -> tuple[object, ...]:
    with zoo.registry.read() as session:
        rows = session.execute(
            select(func.count(), func.sum(Alignment.score), func.sum(Alignment.p)).select_from(Alignment)
        ).one()
        marks = session.execute(
            select(func.count(), func.sum(Slot.done_through), func.sum(Slot.null_through))
        ).one()
    return (*rows, *marks)
