"""What the steps of a recipe do, against their definitions."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import compute.steps as module
from compute.recipe import Clip, parse_recipe, prepare, prepared_rows
from compute.row_quantiles import neighbouring_entries
from compute.steps import applied, clip_bound, clip_bounds, finite_rows, side_by_side, whitened

torch.set_num_threads(1)


def layer(n: int = 20, d: int = 7, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_t(3, size=(n, d)) + 0.3)


def quantile_by_hand(values: list[float], q: float) -> float:
    """The definition: between the two sorted values around position q (N - 1)."""
    ordered = sorted(abs(value) for value in values)
    position = q * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def mean_quantile_by_hand(layers: list[torch.Tensor], q: float) -> float:
    items = [[float(x) for one in layers for x in one[i]] for i in range(len(layers[0]))]
    return statistics.fmean(quantile_by_hand(values, q) for values in items)


@pytest.mark.parametrize("percent", [5, 50, 90, 95, 99])
def test_a_clip_is_the_mean_over_items_of_their_quantiles_in_all_layers(percent: int) -> None:
    layers = [layer(seed=1), layer(d=3, seed=2)]
    found = clip_bound(layers, Clip(percent, "items"))
    assert found == pytest.approx(mean_quantile_by_hand(layers, percent / 100), rel=1e-12)


@pytest.mark.parametrize("percent", [50, 95, 99])
def test_the_exact_clip_is_an_order_statistic_of_all_entries(percent: int) -> None:
    layers = [layer(seed=3), layer(d=3, seed=4)]
    entries = sorted(abs(float(x)) for one in layers for row in one for x in row)
    assert clip_bound(layers, Clip(percent, "all")) == entries[int(percent / 100 * len(entries))]


@pytest.mark.parametrize("width", [1, 2, 600, 2048, 5000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_quantiles_are_those_of_torch_to_the_last_bit(width: int, dtype: torch.dtype) -> None:
    """In float64, whose interpolation it is; entries of float32 are themselves in float64."""
    rows = layer(9, width, seed=5).to(dtype)
    rows[0] = 0  # all tied
    rows[1, 1:] = rows[1, 0]
    expected = torch.quantile(rows.to(torch.float64).abs(), 0.95, dim=1).mean()
    assert clip_bound([rows], Clip(95, "items")) == float(expected)


def test_quantiles_come_out_where_the_sample_of_a_row_misleads() -> None:
    """Every entry that the sample sees is large, or none is; the others decide the quantile."""
    rows = np.random.default_rng(6).normal(size=(3, 4096)).astype(np.float32)
    rows[0, ::16] = 100.0
    rows[1, ::16] = 0.0
    for place in (0, 2000, 3800, 4000, 4094, 4095):
        ordered = np.sort(np.abs(rows), axis=1)
        expected = np.stack([ordered[:, place], ordered[:, min(place + 1, 4095)]], axis=1)
        assert (neighbouring_entries(rows, place) == expected).all()


def test_pieces_of_a_layer_give_the_same_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [layer(seed=7), layer(d=5, seed=8)]
    whole = clip_bound(layers, Clip(95, "items"))
    monkeypatch.setattr(module, "ENTRIES_AT_ONCE", 3 * 12)
    assert clip_bound(layers, Clip(95, "items")) == whole


def test_clips_over_all_layers_are_those_of_the_layers_before_them_in_the_recipe() -> None:
    layers, steps = [layer(seed=9), layer(d=4, seed=10)], ["clip90", "centre", "clip80-all", "l2"]
    first = clip_bound(layers, Clip(90, "items"))
    between = [applied(one.clamp(-first, first), ["centre"]) for one in layers]
    second = clip_bound(between, Clip(80, "all"))
    assert clip_bounds(layers, steps) == (first, second)
    rule = parse_recipe(f"{','.join(steps)},inner")
    expected = applied(between[1].clamp(-second, second), ["l2"])
    assert torch.equal(prepared_rows(layers[1], rule, (first, second)), expected)


def test_a_clip_of_each_layer_knows_no_other_layer() -> None:
    rows = layer(seed=11)
    assert clip_bounds([rows, 100 * rows], ["clip95-layer"]) == ()
    bound = mean_quantile_by_hand([rows], 0.95)
    found = prepared_rows(rows, parse_recipe("clip95-layer,inner"))
    assert torch.allclose(found, rows.clamp(-bound, bound), atol=1e-12)


def test_layers_side_by_side_and_clipped_are_clipped_layers_side_by_side() -> None:
    layers, rule = [layer(seed=12), layer(d=4, seed=13)], parse_recipe("concat:raw,clip95,inner")
    bounds = clip_bounds(layers, rule.steps)
    apart = [prepared_rows(one, rule, bounds) for one in layers]
    together = prepared_rows(side_by_side(layers, "raw"), rule)
    assert torch.equal(together, torch.cat(apart, dim=1))


def test_rows_of_length_one_stand_side_by_side() -> None:
    rows = layer(seed=14)
    rows[2] = 0
    found = side_by_side([rows, 7 * rows], "l2")
    lengths = torch.full((20,), math.sqrt(2), dtype=torch.float64)
    lengths[2] = 0
    assert torch.allclose(found.norm(dim=1), lengths)


@given(n=st.integers(4, 30), d=st.integers(1, 40), seed=st.integers(0, 2**20))
@settings(max_examples=40, deadline=None)
def test_whitened_components_are_uncorrelated_and_span_the_leading_ones(n: int, d: int, seed: int) -> None:
    """To 1e-7: smallest eigenvalues of such small random layers are 1e-6 of the largest at times."""
    rows = layer(n, d, seed)
    r = max(1, min(n - 1, d) // 2)
    found = whitened(rows, r).numpy()
    assert np.allclose(found.mean(axis=0), 0, atol=1e-7)
    assert np.allclose(found.T @ found / (n - 1), np.eye(r), atol=1e-7)
    centred = rows.numpy() - rows.numpy().mean(axis=0)
    leading = np.linalg.svd(centred, full_matrices=False)[0][:, :r]
    assert np.allclose(found @ found.T / (n - 1), leading @ leading.T, atol=1e-6)


@pytest.mark.parametrize("width", [4, 30])
def test_more_components_than_the_rank_are_refused(width: int) -> None:
    rows = layer(20, 3, seed=15) @ layer(3, width, seed=16)
    assert whitened(rows, 3).shape == (20, 3)
    with pytest.raises(ValueError, match="'whiten:4' needs a layer of that rank, found 3"):
        prepared_rows(rows, parse_recipe("whiten:4,cosine"))


def test_equal_rows_have_no_component() -> None:
    with pytest.raises(ValueError, match="found 0"):
        whitened(torch.full((6, 3), 0.1, dtype=torch.float64), 1)


@pytest.mark.parametrize("recipe", ["cosine", "l2,inner", "l2,euclidean", "clip95,l2,inner"])
def test_rows_of_zeros_stay_zeros(recipe: str) -> None:
    rows = layer(seed=17)
    rows[3] = 0
    found = prepared_rows(rows, parse_recipe(recipe))
    assert not found[3].any()
    assert torch.allclose(found.norm(dim=1)[:3], torch.ones(3, dtype=torch.float64))


def test_rows_ready_for_the_search_are_the_same_in_float32() -> None:
    rule = parse_recipe("centre,clip90-layer,euclidean")
    found = prepare(layer(seed=18), rule)
    assert found.dtype == torch.float32
    assert torch.equal(found, prepared_rows(layer(seed=18), rule).to(torch.float32))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_what_is_no_number_is_refused(bad: float) -> None:
    rows = layer(seed=19)
    rows[0, 0] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        prepared_rows(rows, parse_recipe("clip95,cosine"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_found_at_any_place_and_width(dtype: torch.dtype, bad: float) -> None:
    for place in (0, 7, 36, 299):
        rows = torch.ones(30, 10, dtype=dtype)
        assert finite_rows(rows).dtype == torch.float64
        rows.view(-1)[place] = bad
        with pytest.raises(ValueError, match="NaN or infinity"):
            finite_rows(rows)


def test_a_layer_without_entries_holds_none() -> None:
    assert finite_rows(torch.ones(0, 3)).shape == (0, 3)
