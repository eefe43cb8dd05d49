from __future__ import annotations

import numpy as np
import pytest
import torch

from cavewall.byte_sizes import parse_byte_size
from compute.catalogue import METRICS, metric_info, parameters_of
from compute.memory import (
    WORKERS,
    bytes_text,
    default_budget,
    free_memory,
    layout_of,
    stored_bytes,
    unit_bytes,
)
from compute.metrics.engines import engine_of
from compute.neighbours import smallest_width

every_metric = pytest.mark.parametrize("name", METRICS)


@every_metric
def test_more_layers_or_items_take_more(name: str) -> None:
    usual = parameters_of(name, {})
    small = unit_bytes(name, usual, 12, 12, 1000)
    assert small > 0
    assert unit_bytes(name, usual, 24, 12, 1000) > small
    assert unit_bytes(name, usual, 12, 24, 1000) > small
    assert unit_bytes(name, usual, 12, 12, 5000) > small


@every_metric
def test_a_layer_in_the_store_is_no_larger_than_laid_out_twice(name: str) -> None:
    usual = parameters_of(name, {})
    assert 0 < 2 * stored_bytes(name, usual, 1000, None) <= unit_bytes(name, usual, 1, 1, 1000)


def test_lists_take_two_bytes_an_entry_and_are_there_twice() -> None:
    layers, cells = 96 + 96, 96 * 96
    needed = unit_bytes("mutual_knn", {"k": 10}, 96, 96, 1024) - 2 * layers * 1024 * 10 * 2
    assert needed == cells * 8 * (3 + WORKERS)  # what is left is the grid, two folds and the workers' copies


@every_metric
@pytest.mark.parametrize("n", [40, 1030])
def test_the_model_is_what_a_metric_lays_out(name: str, n: int) -> None:
    parameters, info = parameters_of(name, {}), metric_info(name)
    generator = np.random.default_rng(5)
    rows = torch.nn.functional.normalize(torch.from_numpy(generator.normal(size=(n, 12))), dim=1)
    lists = (rows @ rows.T - 9 * torch.eye(n)).topk(10, dim=1).indices
    metric = engine_of(name, parameters)
    if info.needs == "neighbours":
        stored = {"indices": lists.numpy().astype(smallest_width(n))[None]}
    else:
        made = metric.layer_arrays(rows, lists if info.has_neighbours else None)
        stored = {key: np.asarray(array)[None] for key, array in made.items()}
    laid_out = metric.stack([stored, stored]).nbytes / 2
    # an n x n triangle is counted with its diagonal, which some metrics leave out
    assert laid_out == pytest.approx(layout_of(info, parameters, n).layer, rel=0.06)
    kept = 10 if info.needs == "neighbours" else None
    in_store = sum(array.nbytes for array in stored.values())
    assert in_store == pytest.approx(stored_bytes(name, parameters, n, kept), rel=0.2)


def test_large_triangles_are_kept_in_half_the_width() -> None:
    entries = 1024 * 1025 // 2
    assert stored_bytes("cka", {}, 1024, None) == entries * 2
    assert stored_bytes("cka", {}, 1023, None) == 1023 * 1024 // 2 * 4
    assert stored_bytes("mutual_knn", {"k": 10}, 1024, 100) == 1024 * 100 * 2


def test_half_of_what_is_free_is_the_budget() -> None:
    free = free_memory()
    assert free > 2**20
    assert default_budget() == pytest.approx(free / 2, rel=0.5)  # other processes take and give meanwhile


@pytest.mark.parametrize(
    ("count", "text", "up"),
    [
        (0, "0 B", "0B"),
        (999, "999 B", "999B"),
        (1000, "1.0 kB", "1kB"),
        (2_140_000_000, "2.1 GB", "2.2GB"),
        (3 * 10**15, "3000 TB", "3000TB"),
    ],
)
def test_sizes_read_as_people_write_them(count: int, text: str, up: str) -> None:
    assert (bytes_text(count), bytes_text(count, up=True)) == (text, up)


@pytest.mark.parametrize("count", [1, 12_345, 999_950, 7_654_321, 2_140_000_001])
def test_the_budget_that_a_refusal_names_is_enough(count: int) -> None:
    assert parse_byte_size(bytes_text(count, up=True)) >= count
