"""Layers of a stored embedding after a recipe: all layers that count, in order, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from sqlalchemy import update

from compute.lists import load_lists, neighbours_row
from compute.neighbours import nearest_neighbours
from compute.prepare import BuiltLists, build_lists, measure_layers, prepared_layers, tie_keys
from compute.recipe import parse_recipe, prepared_rows
from compute.steps import clip_bounds, side_by_side
from registry.errors import EmbeddingMismatch, UnfitLayer
from registry.handle import Registry
from registry.tables import Dataset, Embedding
from tests.compute.synthetic import SyntheticZoo

torch.set_num_threads(1)
Stored = tuple[Registry, Embedding, Dataset]


def made_up(widths: Sequence[int] = (5, 9), n: int = 40) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [random.standard_t(3, size=(n, d)).astype(np.float32) + 0.5 for d in widths]


def store(registry: Registry, layers: list[np.ndarray], kind: str = "features") -> Stored:
    return stored_in(SyntheticZoo(registry), layers, kind)


def stored_in(zoo: SyntheticZoo, layers: list[np.ndarray], kind: str = "features") -> Stored:
    registry = zoo.registry
    embedding_id = zoo.add(layers=layers)
    with registry.write() as session:
        session.execute(update(Embedding).where(Embedding.id == embedding_id).values(kind=kind))
    with registry.read() as session:
        return registry, session.get_one(Embedding, embedding_id), session.get_one(Dataset, zoo.dataset_id)


def built(stored: Stored, recipe: str) -> BuiltLists:
    registry, embedding, dataset = stored
    return build_lists(registry.store, embedding, dataset, recipe, 10, "cpu")


def rows_of(stored: Stored, recipe: str) -> list[torch.Tensor]:
    registry, embedding, dataset = stored
    return list(prepared_layers(registry.store, embedding, dataset, recipe))


@pytest.mark.parametrize(
    "recipe", ["cosine", "clip95,cosine", "centre,clip90-all,l2,inner", "whiten:3,inner"]
)
def test_every_layer_goes_through_the_recipe(sqlite_registry: Registry, recipe: str) -> None:
    layers, rule = made_up(), parse_recipe(recipe)
    found = rows_of(store(sqlite_registry, layers), recipe)
    tensors = [torch.from_numpy(layer) for layer in layers]
    bounds = clip_bounds(tensors, rule.steps)
    assert len(found) == 2
    for rows, layer in zip(found, tensors, strict=True):
        assert rows.dtype == torch.float64
        assert torch.equal(rows, prepared_rows(layer, rule, bounds))


@pytest.mark.parametrize("recipe", ["concat:raw,cosine", "concat:l2,clip95,centre,euclidean"])
def test_all_layers_side_by_side_come_last(sqlite_registry: Registry, recipe: str) -> None:
    layers, rule = made_up(), parse_recipe(recipe)
    found = rows_of(store(sqlite_registry, layers), recipe)
    assert [rows.shape[1] for rows in found] == [5, 9, 14]
    together = side_by_side([torch.from_numpy(layer) for layer in layers], rule.concatenation or "")
    assert torch.equal(found[2], prepared_rows(together, rule))


def test_lists_hold_the_extra_layer_and_its_statistics(sqlite_registry: Registry) -> None:
    stored = store(sqlite_registry, made_up())
    lists = built(stored, "concat:l2,cosine")
    row = neighbours_row(stored[1].id, "concat:l2,cosine", 10, lists.stored)
    indices, tied = load_lists(sqlite_registry.store, row)
    assert (indices.shape, tied.shape, len(lists.statistics)) == ((3, 40, 10), (3, 10), 3)
    keys = tie_keys(stored[1], parse_recipe("concat:l2,cosine"))
    rows = rows_of(stored, "concat:l2,cosine")[2].to(torch.float32)
    expected = nearest_neighbours(rows, tie_key=keys[2], k_max=10).indices
    assert (indices[2] == expected.numpy()).all()
    assert measure_layers(sqlite_registry.store, *stored[1:], row, "cpu") == lists.statistics


def test_ties_of_the_extra_layer_depend_on_every_layer_and_on_how_they_stand() -> None:
    one, other = Embedding(layer_sha256=["a", "b"]), Embedding(layer_sha256=["a", "c"])
    raw, unit = parse_recipe("concat:raw,cosine"), parse_recipe("concat:l2,cosine")
    assert tie_keys(one, parse_recipe("cosine")) == ["a", "b"]
    keys = {tie_keys(embedding, rule)[2] for embedding in (one, other) for rule in (raw, unit)}
    assert len(keys) == 4


@pytest.mark.parametrize("recipe", ["cosine", "inner", "euclidean", "centre,inner"])
def test_the_mean_cosine_is_that_of_the_rows_under_every_similarity(
    sqlite_registry: Registry, recipe: str
) -> None:
    layers, zoo = made_up(), SyntheticZoo(sqlite_registry)
    stored = stored_in(zoo, layers)
    of_kernels = stored_in(zoo, [layer @ layer.T for layer in layers], "kernel")
    unit_recipe = recipe.replace("inner", "cosine").replace("euclidean", "cosine")
    for position, rows in enumerate(rows_of(stored, unit_recipe)):
        cosines = (rows @ rows.T)[~torch.eye(40, dtype=torch.bool)]
        expected = pytest.approx(float(cosines.mean()), abs=1e-6)  # kernels are stored in float32
        assert built(stored, recipe).statistics[position].mean_cosine == expected
        assert built(of_kernels, recipe).statistics[position].mean_cosine == expected


def test_a_rank_below_the_dimensions_is_no_damage(sqlite_registry: Registry) -> None:
    with pytest.raises(UnfitLayer, match=r"embedding 1, layer layers\.0: .*'whiten:6'.* found 5"):
        rows_of(store(sqlite_registry, made_up()), "whiten:6,cosine")


@pytest.mark.parametrize("recipe", ["clip95,cosine", "concat:raw,cosine"])
@pytest.mark.parametrize("kind", ["kernel", "distances"])
def test_what_needs_features_is_refused_without_them(
    sqlite_registry: Registry, recipe: str, kind: str
) -> None:
    stored = store(sqlite_registry, [np.eye(40, dtype=np.float32)], kind)
    with pytest.raises(UnfitLayer, match="needs features"):
        built(stored, recipe)
    with pytest.raises(UnfitLayer, match=f"is of {kind}, expected features"):
        rows_of(stored, recipe)


@pytest.mark.parametrize("recipe", ["cosine", "clip95,cosine", "concat:l2,cosine"])
def test_a_damaged_layer_is_named(sqlite_registry: Registry, recipe: str) -> None:
    layers = made_up()
    layers[1][3, 3] = np.nan
    stored = store(sqlite_registry, layers)
    with pytest.raises(EmbeddingMismatch, match=r"layer layers\.1: a layer holds NaN"):
        rows_of(stored, recipe)
    with pytest.raises(EmbeddingMismatch, match=r"layer layers\.1: a layer holds NaN"):
        built(stored, recipe)
