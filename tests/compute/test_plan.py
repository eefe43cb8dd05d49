from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from sqlalchemy import select, update

from compute.plan import make_plan
from compute.runner import RunOptions, run_targets
from registry.handle import Registry
from registry.host_rates import rates
from registry.slots import mark_dead
from registry.tables import Embedding, Run, Slot
from tests.compute.synthetic import MODALITIES, SyntheticZoo, add_embedding


@pytest.fixture
def zoo(registry: Registry) -> SyntheticZoo:
    zoo = SyntheticZoo(registry)
    for layers in (2, 3, 1):
        zoo.add(layers)
    zoo.add_target()
    return zoo


def test_a_plan_writes_nothing_and_says_why(zoo: SyntheticZoo) -> None:
    plan = make_plan(zoo.registry)[0]
    assert (plan.new_embeddings, plan.lists_to_build, plan.new_pairs, plan.unfinished_pairs) == (3, 3, 3, 0)
    assert plan.layer_pairs == 2 * 3 + 2 * 1 + 3 * 1
    assert plan.estimated_seconds is None
    with zoo.registry.read() as session:
        assert session.scalars(select(Slot)).all() == []
        assert session.scalars(select(Run)).all() == []


def test_rows_left_half_done_are_told_from_new_ones(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=RunOptions(device="cpu"))
    with zoo.registry.write() as session:
        session.execute(update(Slot).where(Slot.slot == 2).values(done_through=1, null_through=1))
    zoo.add(1)
    plan = make_plan(zoo.registry)[0]
    assert (plan.new_pairs, plan.unfinished_pairs) == (3, 1)
    assert (plan.null_pairs, plan.null_layer_pairs) == (4, plan.layer_pairs * plan.draws)


def test_the_rate_of_an_earlier_run_gives_the_estimate(zoo: SyntheticZoo) -> None:
    summary = run_targets(zoo.registry, options=RunOptions(device="cpu"))
    zoo.add(4)
    plan = make_plan(zoo.registry)[0]
    with zoo.registry.read() as session:
        known = rates(session, socket.gethostname(), "cpu")
    assert plan.estimated_seconds == pytest.approx(4 * 6 * zoo.n / known["score mutual_knn"])
    assert plan.estimated_null_seconds == pytest.approx(4 * 6 * 19 * zoo.n / known["null mutual_knn"])
    assert (plan.device, plan.rate_run_id) == ("cpu", summary.run_id)


def test_reasons_tell_new_rows_from_successors_and_from_rows_left_half_done(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=RunOptions(device="cpu"))
    supersede(zoo, 0, layers=5)
    with zoo.registry.write() as session:
        session.execute(update(Slot).where(Slot.slot == 2).values(done_through=1, null_through=1))
    zoo.add(1)
    found = {reason.reason: reason for reason in make_plan(zoo.registry)[0].reasons}
    counted = {
        name: (reason.pairs, reason.layer_pairs) for name, reason in found.items() if reason.pairs is not None
    }
    assert counted == {  # slots: 0 dead, 1 and 2 of 3 and 1 layers, 3 the successor of 5, 4 new of 1
        "row not finished": (1, 3),
        "embedding superseded": (2, 5 * (3 + 1)),
        "new embedding": (3, 3 + 1 + 5),
        "null, 19 draws": (6, 19 * (3 + 20 + 9)),
    }
    ready = found["neighbours to build"]
    assert (ready.embeddings, ready.layers) == (2, 6)


def test_lists_that_another_target_made_are_not_to_build(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=RunOptions(device="cpu"))
    name = zoo.add_target(k=4)
    (plan,) = make_plan(zoo.registry, [name])
    assert (plan.new_embeddings, plan.lists_to_build) == (3, 0)


def test_what_two_targets_need_alike_is_planned_once(zoo: SyntheticZoo) -> None:
    zoo.add_target(metric="jaccard_knn")
    zoo.add_target(recipe="centre,cosine")
    assert [plan.lists_to_build for plan in make_plan(zoo.registry)] == [3, 0, 3]
    assert make_plan(zoo.registry, ["made-up/jaccard-knn-k5"])[0].lists_to_build == 3


def test_a_metric_on_features_plans_layers_and_what_they_take(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    for layers in (2, 3):
        zoo.add(layers)
    name = zoo.add_target(k=None, metric="unbiased_cka")
    (plan,) = make_plan(zoo.registry, [name])
    assert (plan.metric, plan.parameters, plan.lists_to_build) == ("unbiased_cka", {}, 2)
    assert [reason.reason for reason in plan.reasons] == [
        "new embedding",
        "null, 19 draws",
        "layers to make ready",
    ]
    triangle = 40 * 41 // 2 * 4
    assert plan.disk_bytes >= 5 * triangle
    assert plan.peak_memory > plan.disk_bytes


def test_all_layers_side_by_side_are_compared_with_their_like_alone(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    for layers in (2, 3, 4):
        zoo.add(layers)
    zoo.add_target(recipe="concat:raw,cosine")
    (plan,) = make_plan(zoo.registry)
    assert plan.layer_pairs == (2 * 3 + 1) + (2 * 4 + 1) + (3 * 4 + 1)


def test_a_plan_imports_no_torch(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    zoo.add(2)
    zoo.add_target()
    script = (
        "import sys\nfrom pathlib import Path\nfrom compute.plan import make_plan\n"
        "from registry.handle import open_registry\nfrom registry.settings import load_settings\n"
        "make_plan(open_registry(load_settings(Path(sys.argv[1]))))\nsys.exit('torch' in sys.modules)"
    )
    folder = sqlite_registry.settings.folder
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True)


def supersede(zoo: SyntheticZoo, number: int, layers: int) -> None:
    """Give a checkpoint another embedding in the place of its own, as extracting again does."""
    with zoo.registry.write() as session:
        session.get_one(Embedding, zoo.embedding_ids[number]).status = "superseded"
        mark_dead(session, [zoo.embedding_ids[number]], "embedding superseded")
    extraction_id = zoo.extraction_ids[MODALITIES[number % 2]]
    zoo.embedding_ids[number] = add_embedding(
        zoo.registry, zoo.dataset_id, zoo.checkpoint_ids[number], extraction_id, zoo.layers(layers)
    )


def test_an_empty_target_is_empty(sqlite_registry: Registry) -> None:
    SyntheticZoo(sqlite_registry).add_target()
    assert make_plan(sqlite_registry)[0].is_empty()
