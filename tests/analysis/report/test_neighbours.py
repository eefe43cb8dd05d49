"""The items are chosen by a digest, one of each class, and what both networks think near is marked."""

from __future__ import annotations

import pytest

from analysis.report.neighbours import ShownItems, choose_items, neighbour_part, neighbour_row
from registry.handle import Registry
from registry.items import Items
from tests.analysis.report.planted import TEXTS, give_items, picture, report_zoo
from tests.analysis.report.rows import checkpoint, pair, target

IDS = [f"item{number}" for number in range(40)]
CLASSES = [f"class{number % 8}" for number in range(40)]
PAIR = pair(checkpoint(1, "lite"), checkpoint(4, "minilm", "language"), 0.9)


def test_the_choice_is_the_same_every_time_and_another_for_another_data_set() -> None:
    assert choose_items(IDS, {}, key="a") == choose_items(IDS, {}, key="a")
    assert choose_items(IDS, {}, key="a").positions != choose_items(IDS, {}, key="b").positions


def test_each_class_gives_one_item() -> None:
    chosen = choose_items(IDS, {"class": CLASSES, "fine": IDS}, key="a")
    assert len(chosen.positions) == 6
    assert [CLASSES[position] for position in chosen.positions] == list(chosen.groups)
    assert len(set(chosen.groups)) == 6
    assert chosen.how.startswith("one item of each of 6 class values")


def test_few_classes_give_all_of_theirs() -> None:
    chosen = choose_items(IDS, {"half": ["x", "y"] * 20}, key="a")
    assert chosen.groups == ("x", "y")
    assert chosen.how.startswith("one item of each half,")


def test_a_covariate_of_one_class_or_of_one_item_each_is_no_spread() -> None:
    chosen = choose_items(IDS, {"same": ["x"] * 40, "own": IDS}, key="a")
    assert chosen.groups == ("",) * 6


def test_what_is_among_the_k_nearest_of_both_is_marked_and_counted() -> None:
    items = Items([f"i{n}" for n in range(9)], [picture(0)] * 9)
    row = neighbour_row(ShownItems(items), 0, [1, 2, 3, 4, 5, 6, 7, 8], [8, 7, 6, 5, 4, 3, 2, 1], 3, "")
    assert row.shared == 0
    assert not any(one.is_shared for one in (*row.of_left, *row.of_right))
    row = neighbour_row(ShownItems(items), 0, [1, 2, 3, 4, 5, 6, 7, 8], [9 - n for n in range(1, 9)], 7, "")
    assert row.shared == 6
    assert [one.text for one in row.of_left if one.is_shared] == ["i2", "i3", "i4", "i5", "i6"]


def test_the_lists_of_the_pairs_own_layers_are_shown(sqlite_registry: Registry) -> None:
    report_zoo(sqlite_registry, has_strict=False)
    part = neighbour_part(sqlite_registry, target(), PAIR, (), slug="n")
    assert part is not None and part.why == ""
    assert part.credit == "drawn by the tests"
    for row in part.rows:
        item = TEXTS.index(row.item.text)
        assert [TEXTS.index(one.text) for one in row.of_left] == [
            (item + step) % 6 for step in (1, 2, 3, 4, 5)
        ]
        assert [TEXTS.index(one.text) for one in row.of_right] == [
            (item + step) % 6 for step in (1, 5, 4, 3, 2)
        ]
        assert row.shared == 1  # of the two nearest of each
        assert row.item.source.startswith("data:image/png;base64,")


def test_lists_that_are_gone_are_said(sqlite_registry: Registry) -> None:
    report_zoo(sqlite_registry, has_strict=False)
    part = neighbour_part(sqlite_registry, target(recipe="centre,raw"), PAIR, (), slug="n")
    assert part is not None
    assert "cavewall align run" in part.why
    assert part.rows == ()


def test_a_metric_without_neighbours_shows_none(sqlite_registry: Registry) -> None:
    plain = target(metric="cka", parameters="{}")
    assert neighbour_part(sqlite_registry, plain, PAIR, (), slug="n") is None


def test_a_damaged_sidecar_is_said(sqlite_registry: Registry) -> None:
    report_zoo(sqlite_registry, has_strict=False)
    for path in (sqlite_registry.store.root / "datasets").rglob("*.parquet"):
        path.chmod(0o644)
        path.write_bytes(b"x")
    part = neighbour_part(sqlite_registry, target(), PAIR, (), slug="n")
    assert part is not None
    assert "changed or damaged" in part.why


@pytest.mark.parametrize("broken", [b"", b"no picture", picture(0)[:60]], ids=["empty", "text", "cut off"])
def test_a_picture_that_cannot_be_read_leaves_its_text(sqlite_registry: Registry, broken: bytes) -> None:
    report_zoo(sqlite_registry, has_strict=False)
    give_items(sqlite_registry, images=[broken] * 6)
    part = neighbour_part(sqlite_registry, target(), PAIR, (), slug="n")
    assert part is not None
    assert {row.item.source for row in part.rows} == {""}
    assert {row.item.text for row in part.rows} <= set(TEXTS)
