"""Every metric from a target to the tables: scores, layers, directions, intervals, nulls, grids."""

from __future__ import annotations

import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from compute.catalogue import METRICS, highest_score, metric_info, parameters_of
from compute.engine import layer_of
from compute.forms import read_form
from compute.listcache import ListCache
from compute.lists import kept_for
from compute.metrics.contract import Arrays
from compute.metrics.engines import engine_of
from compute.plan import make_plan
from compute.runner import RunOptions, run_targets
from registry.handle import Registry
from registry.tables import Alignment, Embedding, LayerForm, Metric, Part, Slot, Target
from tests.compute.synthetic import SyntheticZoo

LAYERS = (1, 3, 2)
OPTIONS = RunOptions(device="cpu", unit_layer_pairs=4)
SMALL = {"svcca": {"dimensions": 3}, "procrustes": {"dimensions": 4}}


def zoo_with(registry: Registry, metric: str, **rule: object) -> str:
    zoo = SyntheticZoo(registry)
    for count in LAYERS:
        zoo.add(count)
    given = {"k": 5} if any(p.name == "k" for p in metric_info(metric).parameters) else SMALL.get(metric, {})
    return zoo.add_target(metric=metric, parameters=given, **rule)


def rows_of(registry: Registry) -> list[Alignment]:
    with registry.read() as session:
        statement = select(Alignment).order_by(Alignment.row_slot, Alignment.column_slot, Alignment.direction)
        return list(session.scalars(statement))


def stored(registry: Registry) -> dict[int, Arrays]:
    """The arrays of every slot of the only target."""
    with registry.read() as session:
        target = session.scalars(select(Target)).one()
        metric = session.get_one(Metric, target.metric_id)
        slots = {slot.slot: slot.embedding_id for slot in session.scalars(select(Slot).where(Slot.is_live))}
        form = session.scalars(select(LayerForm.form).distinct()).first()
        k_max = kept_for(session, target) if metric_info(metric.name).needs == "neighbours" else 0
    if form is not None:
        return {slot: read_form(registry, one, target.recipe, form) for slot, one in slots.items()}
    lists = ListCache(registry, target.recipe, k_max)
    return {slot: {"indices": lists.get(one)} for slot, one in slots.items()}


@pytest.mark.parametrize("name", METRICS)
def test_every_pair_has_its_scores_in_all_directions(sqlite_registry: Registry, name: str) -> None:
    info = metric_info(name)
    zoo_with(sqlite_registry, name)
    summary = run_targets(sqlite_registry, options=OPTIONS)
    assert (summary.pairs, summary.calibrated, summary.failed) == (3, 3, 0)
    assert summary.layer_pairs == 1 * 3 + 1 * 2 + 3 * 2
    with sqlite_registry.read() as session:
        parameters = dict(session.scalars(select(Metric)).one().parameters)
    metric, arrays = engine_of(name, parameters), stored(sqlite_registry)
    rows = rows_of(sqlite_registry)
    assert len(rows) == 3 * metric.directions
    for row in rows:
        left, right = row.column_slot, row.row_slot
        sides = [metric.stack([arrays[slot]]) for slot in (left, right)]
        grid = metric.grid(*sides)[row.direction] / metric.scale(40)  # from the left, or back
        assert row.score == pytest.approx(grid.max(), abs=1e-6)
        assert grid[row.column_layer, row.row_layer] == pytest.approx(row.score, abs=1e-6)
        assert (row.score_se is not None) == info.has_interval
        assert (row.score_crossfit is not None) == info.has_crossfit
        assert row.draws == 19 and 1 <= round(row.p * 20) <= 20
        assert row.null_sd >= 0 and math.isfinite(row.null_mean) and row.calibrated >= 0
        values = metric.item_values(
            layer_of(arrays[left], row.column_layer), layer_of(arrays[right], row.row_layer)
        )
        if values is not None:
            assert values[row.direction].mean() == pytest.approx(row.score, abs=1e-9)
    assert run_targets(sqlite_registry, options=OPTIONS).run_id is None


@pytest.mark.parametrize("name", ["mutual_knn", "jaccard_knn", "cycle_knn", "unbiased_cka", "cknna"])
def test_the_layer_grid_holds_every_layer_pair(sqlite_registry: Registry, name: str) -> None:
    zoo_with(sqlite_registry, name)
    run_targets(sqlite_registry, options=OPTIONS)
    with sqlite_registry.read() as session:
        parts = session.scalars(select(Part)).all()
        parameters = dict(session.scalars(select(Metric)).one().parameters)
    tables = [pq.read_table(sqlite_registry.store.checked_path(part.uri, part.sha256)) for part in parts]
    cells = [cell for table in tables for cell in table.to_pylist()]
    metric, arrays = engine_of(name, parameters), stored(sqlite_registry)
    assert len(cells) == 11 * metric.directions
    for cell in cells:
        sides = [metric.stack([arrays[cell[slot]]]) for slot in ("column_slot", "row_slot")]
        grid = metric.grid(*sides)[cell["direction"]]
        expected = grid[cell["column_layer"], cell["row_layer"]]
        if cell["count"] is not None:
            assert (cell["count"], cell["score"]) == (expected, None)
        else:
            assert cell["score"] == pytest.approx(expected / metric.scale(40), abs=1e-6)
    assert all(
        (cell["count"] is None) == (name in {"jaccard_knn", "unbiased_cka", "cknna"}) for cell in cells
    )


@pytest.mark.parametrize("name", ["mutual_knn", "cka", "cycle_knn"])
def test_one_more_checkpoint_changes_nothing_that_is_there(sqlite_registry: Registry, name: str) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    for count in LAYERS:
        zoo.add(count)
    zoo.add_target(metric=name, parameters={} if name == "cka" else {"k": 5})
    run_targets(sqlite_registry, options=OPTIONS)
    before = [vars(row) | {"_sa_instance_state": None} for row in rows_of(sqlite_registry)]
    zoo.add(2)
    assert [plan.pairs for plan in make_plan(sqlite_registry)] == [3]
    summary = run_targets(sqlite_registry, options=OPTIONS)
    assert (summary.pairs, summary.calibrated) == (3, 3)
    assert summary.lists_built + summary.forms_built == 1
    after = [vars(row) | {"_sa_instance_state": None} for row in rows_of(sqlite_registry)]
    assert [row for row in after if row["row_slot"] < 3] == before


def test_an_embedding_that_the_metric_is_not_defined_for_is_left_out_once(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    zoo.add(1)
    zoo.add(layers=[np.ones((40, 8))])
    zoo.add(1)
    zoo.add_target(metric="cka", parameters={})
    summary = run_targets(sqlite_registry, options=OPTIONS)
    assert (summary.pairs, summary.failed) == (1, 1)
    (warning,) = summary.warnings
    assert "layers.0" in warning and "embedding 2" in warning
    with sqlite_registry.read() as session:
        assert session.get_one(Embedding, 2).status == "ready"
        dead = session.scalars(select(Slot).where(~Slot.is_live)).one()
        assert dead.embedding_id == 2 and dead.dead_reason == warning
    assert run_targets(sqlite_registry, options=OPTIONS).run_id is None


@pytest.mark.parametrize("name", ["mutual_knn", "unbiased_cka"])
@pytest.mark.parametrize("way", ["raw", "l2"])
def test_all_layers_at_once_are_one_more_layer(sqlite_registry: Registry, name: str, way: str) -> None:
    zoo_with(sqlite_registry, name, recipe=f"concat:{way},cosine")
    summary = run_targets(sqlite_registry, options=OPTIONS)
    assert (summary.pairs, summary.failed) == (3, 0)
    assert summary.layer_pairs == (3 + 1) + (2 + 1) + (6 + 1)
    arrays = stored(sqlite_registry)
    assert [len(next(iter(arrays[slot].values()))) for slot in range(3)] == [2, 4, 3]
    for row in rows_of(sqlite_registry):
        last = LAYERS[row.row_slot], LAYERS[row.column_slot]
        assert (row.row_layer == last[0]) == (row.column_layer == last[1])


@pytest.mark.parametrize("name", METRICS)
def test_what_is_known_of_a_metric_is_true_of_its_code(name: str) -> None:
    info, parameters = metric_info(name), parameters_of(name, {})
    metric = engine_of(name, parameters)
    assert metric.is_exact == (info.values == "counts")
    assert metric.directions == (1 if info.is_symmetric else 2)
    highest = highest_score(name, parameters)
    assert highest is None or highest > 0


def test_too_little_memory_names_the_smallest_that_works(sqlite_registry: Registry) -> None:
    from registry.errors import UsageError

    zoo_with(sqlite_registry, "cka")
    with pytest.raises(UsageError, match="one pair of embeddings of 3 layers needs") as caught:
        run_targets(sqlite_registry, options=RunOptions(device="cpu", memory=1000))
    assert "cavewall align run --memory" in (caught.value.hint or "")
    assert rows_of(sqlite_registry) == []
    with sqlite_registry.read() as session:
        assert session.scalars(select(LayerForm)).all() == []
        assert session.scalars(select(Slot)).all() == []
