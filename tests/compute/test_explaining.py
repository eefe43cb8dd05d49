from __future__ import annotations

import pytest
from sqlalchemy import select

from compute.explaining import Explanation, explain
from compute.runner import RunOptions, run_targets
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry
from registry.runs import record_failure
from registry.slots import mark_dead
from registry.tables import Alignment, Checkpoint, Embedding, Slot
from tests.compute.synthetic import SyntheticZoo, add_checkpoint


@pytest.fixture
def zoo(sqlite_registry: Registry) -> SyntheticZoo:
    zoo = SyntheticZoo(sqlite_registry)
    for layers in (2, 3, 1):
        zoo.add(layers)
    zoo.add_target()
    return zoo


def explained(zoo: SyntheticZoo, left: int, right: int, target: str | None = None) -> Explanation:
    with zoo.registry.read() as session:
        one, other = (session.get_one(Checkpoint, zoo.checkpoint_ids[place]) for place in (left, right))
        (found,) = explain(session, one, other, [target] if target else None)
    return found


def run(zoo: SyntheticZoo, *, null: bool = True) -> None:
    run_targets(zoo.registry, options=RunOptions(device="cpu", null=null))


def states(found: Explanation, what: str) -> list[tuple[str, bool, str]]:
    return [(link.of, link.is_there, link.state) for link in found.links if link.what == what]


def test_a_pair_before_its_first_run_is_missing_and_says_what_to_run(zoo: SyntheticZoo) -> None:
    found = explained(zoo, 0, 1)
    assert (found.status, found.next_command) == ("missing", "cavewall align run made-up/mutual-knn-k5")
    assert [(link.what, link.of) for link in found.links] == [
        *[(what, of) for of in ("c0", "c1") for what in ("checkpoint", "embedding", "slot", "neighbours")],
        ("alignment", ""),
    ]
    assert states(found, "slot")[0] == ("c0", False, "none yet; the next run gives it one")


def test_a_fresh_pair_says_its_score_its_layers_and_its_run(zoo: SyntheticZoo) -> None:
    run(zoo)
    found, turned = explained(zoo, 0, 1), explained(zoo, 1, 0)
    assert (found.status, found.next_command) == ("fresh", None)
    assert all(link.is_there for link in found.links)
    with zoo.registry.read() as session:
        row = session.scalars(select(Alignment).where(Alignment.row_slot == 1)).one()
    layers = f"{row.score:.4f} at layers.{{}} x layers.{{}} of 6 layer pairs, run 1"
    assert layers.format(row.column_layer, row.row_layer) in states(found, "alignment")[0][2]
    assert layers.format(row.row_layer, row.column_layer) in states(turned, "alignment")[0][2]
    assert f"19 draws, mean {row.null_mean:.4f}, p {row.p:.3g}" in states(found, "null")[0][2]


def test_a_score_without_its_null_is_told_from_a_fresh_one(zoo: SyntheticZoo) -> None:
    run(zoo, null=False)
    found = explained(zoo, 0, 1)
    assert (found.status, found.reason) == ("scored", "its null is due")
    assert states(found, "null") == [("", False, "not drawn yet, 19 draws wanted")]
    run(zoo)
    zoo.add_target(draws=30)
    assert "19 draws, 30 wanted" in states(explained(zoo, 0, 1), "null")[0][2]
    assert explained(zoo, 0, 1).status == "scored"


def test_both_directions_of_a_metric_that_is_not_symmetric_are_shown(zoo: SyntheticZoo) -> None:
    name = zoo.add_target(metric="cycle_knn")
    run_targets(zoo.registry, [name], RunOptions(device="cpu"))
    found = explained(zoo, 1, 0, name)
    ways = [state.partition(":")[0] for _, _, state in states(found, "alignment")]
    assert ways == ["c1 to c0", "c0 to c1"]
    with zoo.registry.read() as session:
        rows = session.scalars(select(Alignment).where(Alignment.row_slot == 1)).all()
    back = next(row.score for row in rows if row.direction == 1)  # from the row slot, that of c1
    assert f"c1 to c0: {back:.4f}" in states(found, "alignment")[0][2]


def test_a_retired_checkpoint_blocks_its_pairs(zoo: SyntheticZoo) -> None:
    run(zoo)
    zoo.retire(1)
    found = explained(zoo, 0, 1)
    assert (found.status, found.next_command) == ("blocked", "cavewall checkpoint restore c1")
    assert states(found, "checkpoint")[1] == ("c1", False, "retired: a test")
    assert states(found, "slot")[1] == ("c1", False, "dead: retired")


def test_an_embedding_that_is_gone_or_never_was_blocks_its_pairs(zoo: SyntheticZoo) -> None:
    with zoo.registry.write() as session:
        session.get_one(Embedding, zoo.embedding_ids[0]).status = "corrupt"
        mark_dead(session, [zoo.embedding_ids[0]], "corrupt")
        subject = f"checkpoint 4, dataset {zoo.dataset_id}, extraction {zoo.extraction_ids['vision']}"
        record_failure(session, subject, "extract", "out of memory", None)
    corrupt = explained(zoo, 0, 1)
    assert (corrupt.status, corrupt.reason) == ("blocked", "the embedding of c0 is corrupt")
    zoo.checkpoint_ids.append(add_checkpoint(zoo.registry, "late", "vision"))
    late = explained(zoo, 1, 3)
    assert (late.status, late.next_command) == ("blocked", "cavewall embed extract late --dataset made-up")
    assert "late has no embedding of made-up by the target's rule" in late.reason
    assert late.reason.endswith("out of memory")


def test_a_unit_that_failed_is_said_of_its_own_pairs_only(zoo: SyntheticZoo) -> None:
    run(zoo)
    with zoo.registry.write() as session:
        for row in session.scalars(select(Slot)):
            row.done_through = row.null_through = 0
        for row in session.scalars(select(Alignment)):
            session.delete(row)
        subject = "target made-up/mutual-knn-k5 rows 1-1 columns 0-0"
        record_failure(session, subject, "align", "the file is damaged", None)
    failed, other = explained(zoo, 0, 1), explained(zoo, 0, 2)
    assert failed.reason.endswith("the file is damaged")
    assert (failed.status, states(other, "failure")) == ("missing", [])


def test_pairs_that_a_target_does_not_want_are_said_to_be_so(zoo: SyntheticZoo) -> None:
    name = zoo.add_target(k=4, pairs="across")
    found = explained(zoo, 0, 2, name)
    assert (found.status, found.next_command) == ("not wanted", None)
    assert found.reason == "both are vision, and the target pairs modalities across only"
    zoo.checkpoint_ids.append(add_checkpoint(zoo.registry, "sound", "audio"))
    assert explained(zoo, 0, 3, name).reason == "the target takes no audio checkpoint"


def test_one_checkpoint_alone_and_an_unknown_target_are_refused(zoo: SyntheticZoo) -> None:
    with pytest.raises(UsageError, match="'c0' is given twice"):
        explained(zoo, 0, 0)
    with pytest.raises(NotFoundError, match="no target 'nix'"):
        explained(zoo, 0, 1, "nix")
