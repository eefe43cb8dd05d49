from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import compute.neighbours as module
from compute.inverted_lists import shared_neighbours
from compute.neighbours import nearest_neighbours, smallest_width
from compute.recipe import parse_recipe, prepare
from registry.exclusions import pairs_of
from registry.keyed import keyed_order

COSINE = parse_recipe("cosine")


def twin(prepared: np.ndarray, tie_key: str, k: int) -> np.ndarray:
    """The definition: sort all others by similarity, equal ones by their place in the keyed order."""
    n = len(prepared)
    place = {int(item): p for p, item in enumerate(keyed_order(tie_key, n))}
    similarity = prepared @ prepared.T
    return np.array(
        [
            sorted((j for j in range(n) if j != i), key=lambda j: (-similarity[i, j], place[j]))[:k]
            for i in range(n)
        ]
    )


def signs(n: int, d: int, seed: int) -> torch.Tensor:
    """Rows of +1 and -1: with d a power of four their cosines are exact in float32, and most are tied."""
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.choice([-1.0, 1.0], size=(n, d)).astype(np.float32))


def test_lists_equal_the_definition_without_ties() -> None:
    layer = torch.from_numpy(np.random.default_rng(0).normal(size=(50, 9)))
    prepared = prepare(layer, COSINE)
    found = nearest_neighbours(prepared, tie_key="a", k_max=12)
    assert (found.indices.numpy() == twin(prepared.numpy(), "a", 12)).all()
    assert not found.tied_rows.any()


@pytest.mark.parametrize("k_max", [1, 7, 59])
def test_lists_equal_the_definition_with_ties(k_max: int) -> None:
    prepared = prepare(signs(60, 4, seed=1), COSINE)
    found = nearest_neighbours(prepared, tie_key="b", k_max=k_max)
    assert (found.indices.numpy() == twin(prepared.numpy(), "b", k_max)).all()


def by_distance(rows: np.ndarray, tie_key: str, k: int) -> list[list[int]]:
    """The definition: sort all others by distance, equal ones by their place in the keyed order."""
    n = len(rows)
    place = {int(item): p for p, item in enumerate(keyed_order(tie_key, n))}
    return [
        sorted((j for j in range(n) if j != i), key=lambda j: (math.dist(rows[i], rows[j]), place[j]))[:k]
        for i in range(n)
    ]


@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_the_nearest_by_distance_are_found_whatever_the_common_mean(shift: float) -> None:
    """Of whole numbers, so that the shift rounds nothing; distances that are equal are ties."""
    rows = np.random.default_rng(20).integers(-9, 9, size=(50, 3)) + shift
    prepared = prepare(torch.from_numpy(rows), parse_recipe("euclidean"))
    found = nearest_neighbours(prepared, tie_key="j", k_max=12, similarity="euclidean")
    assert found.indices.tolist() == by_distance(rows, "j", 12)
    assert found.tied_rows.any()


def test_the_most_similar_by_inner_product_are_found() -> None:
    rows = np.random.default_rng(21).integers(-9, 9, size=(50, 3)).astype(np.float32)
    prepared = prepare(torch.from_numpy(rows), parse_recipe("inner"))
    found = nearest_neighbours(prepared, tie_key="k", k_max=12, similarity="inner")
    assert (found.indices.numpy() == twin(rows, "k", 12)).all()


def test_copies_of_an_item_are_its_nearest_at_distance_zero() -> None:
    rows = torch.from_numpy(np.random.default_rng(22).normal(size=(60, 40)) + 3)
    rows[10:14] = rows[9]
    prepared = prepare(rows, parse_recipe("euclidean"))
    found = nearest_neighbours(prepared, tie_key="l", k_max=5, similarity="euclidean")
    for item in range(9, 14):
        assert set(found.indices[item, :4].tolist()) == set(range(9, 14)) - {item}
    assert found.tied_rows[:3].tolist() == [5, 5, 5]


def test_rows_of_length_one_have_the_same_neighbours_under_all_similarities() -> None:
    rows = torch.from_numpy(np.random.default_rng(23).normal(size=(60, 5)))
    found = [
        nearest_neighbours(prepare(rows, parse_recipe(text)), tie_key="m", k_max=9, similarity=similarity)
        for text, similarity in (("cosine", "cosine"), ("l2,inner", "inner"), ("l2,euclidean", "euclidean"))
    ]
    assert all((one.indices == found[0].indices).all() for one in found)


def test_pieces_give_the_same_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare(signs(60, 4, seed=24), parse_recipe("euclidean"))
    whole = nearest_neighbours(prepared, tie_key="n", k_max=10, similarity="euclidean")
    monkeypatch.setattr(module, "CHUNK_ENTRIES", 60 * 7)
    pieces = nearest_neighbours(prepared, tie_key="n", k_max=10, similarity="euclidean")
    assert (whole.indices == pieces.indices).all()
    assert (whole.tied_rows == pieces.tied_rows).all()


def test_tied_rows_are_counted_at_their_place() -> None:
    layer = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    tied = nearest_neighbours(prepare(layer, COSINE), tie_key="c", k_max=3).tied_rows
    # rows 0, 1, 2 have two equal first neighbours; row 3 has three equal ones: a tie at places 1 and 2
    assert tied.tolist() == [4, 1, 0]


def test_pieces_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare(signs(60, 4, seed=2), COSINE)
    whole = nearest_neighbours(prepared, tie_key="d", k_max=10)
    monkeypatch.setattr(module, "CHUNK_ENTRIES", 60 * 7)
    pieces = nearest_neighbours(prepared, tie_key="d", k_max=10)
    assert (whole.indices == pieces.indices).all()
    assert (whole.tied_rows == pieces.tied_rows).all()


@pytest.mark.parametrize("n", [257, 301, 384])
@pytest.mark.parametrize("are_excluded", [False, True])
def test_half_of_the_products_give_what_all_of_them_give(
    monkeypatch: pytest.MonkeyPatch, n: int, are_excluded: bool
) -> None:
    """Signs in 256 dimensions have exact cosines, of which many are equal: the lists are the same."""
    excluded = pairs_of(n, np.arange(n - 7), np.arange(7, n)) if are_excluded else None
    prepared = prepare(signs(n, 256, seed=30), COSINE)
    half = nearest_neighbours(prepared, tie_key="o", k_max=20, excluded=excluded)
    monkeypatch.setattr(module, "CHUNK_ENTRIES", n * 50)
    whole = nearest_neighbours(prepared, tie_key="o", k_max=20, excluded=excluded)
    assert (half.indices == whole.indices).all()
    assert (half.tied_rows == whole.tied_rows).all()
    assert half.tied_rows.any()


@pytest.mark.parametrize("n", [5, 128, 129, 300])
def test_half_of_the_inner_products_fill_the_matrix(n: int) -> None:
    rows = torch.from_numpy(np.random.default_rng(31).normal(size=(n, 130)).astype(np.float32))
    products = module.inner_products(rows)
    # sums of 130 terms of size 1 in float32, in another order: 130 * 6e-8 of a length of 11.4 squared
    assert torch.allclose(products, rows @ rows.T, rtol=0, atol=1e-3)


def test_the_same_layer_gives_the_same_lists_and_another_key_does_not() -> None:
    prepared = prepare(signs(60, 4, seed=3), COSINE)
    first = nearest_neighbours(prepared, tie_key="e", k_max=10).indices
    assert (first == nearest_neighbours(prepared, tie_key="e", k_max=10).indices).all()
    assert (first != nearest_neighbours(prepared, tie_key="f", k_max=10).indices).any()


def test_keyed_ties_do_not_make_independent_layers_agree() -> None:
    """Two independent binary layers stay within five null standard deviations of chance."""
    n, k = 1024, 10
    random = np.random.default_rng(4)
    layers = [torch.from_numpy(random.integers(0, 2, size=(n, 8)).astype(np.float32)) for _ in range(2)]
    left, right = (
        nearest_neighbours(prepare(layer, COSINE), tie_key=f"layer {i}", k_max=k).indices.numpy()
        for i, layer in enumerate(layers)
    )
    score = shared_neighbours(left[None], right[None], k=k).item() / (n * k)
    null = []
    for draw in range(100):
        order = keyed_order(f"null {draw}", n)
        moved = np.argsort(order)[right[order]]
        null.append(shared_neighbours(left[None], moved[None], k=k).item() / (n * k))
    chance = k / (n - 1)
    assert np.mean(null) == pytest.approx(chance, abs=5 * float(np.std(null)) / math.sqrt(len(null)))
    assert abs(score - chance) < 5 * np.std(null)


def test_ties_by_index_would_make_independent_layers_agree() -> None:
    """Why the order is keyed: by index, independent layers of few values share their neighbours."""
    n, k = 1024, 10

    def by_index(layer: torch.Tensor) -> np.ndarray:
        similarity = (layer @ layer.T).numpy()
        np.fill_diagonal(similarity, -np.inf)
        return np.argsort(-similarity, axis=1, kind="stable")[None, :, :k]

    left, right = signs(n, 4, seed=10), signs(n, 4, seed=11)
    wrong = shared_neighbours(by_index(left), by_index(right), k=k).item() / (n * k)
    keyed = [
        nearest_neighbours(prepare(layer, COSINE), tie_key=str(key), k_max=k).indices.numpy()[None]
        for key, layer in enumerate((left, right))
    ]
    assert wrong > 1.5 * k / (n - 1)
    assert shared_neighbours(*keyed, k=k).item() / (n * k) < 1.2 * k / (n - 1)


@pytest.mark.parametrize("k_max", [0, 10, 11])
def test_k_must_leave_the_item_itself_out(k_max: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 9 for 10 items"):
        nearest_neighbours(prepare(signs(10, 4, seed=5), COSINE), tie_key="g", k_max=k_max)


def test_rotation_and_scale_change_no_list() -> None:
    random = np.random.default_rng(6)
    layer = random.normal(size=(40, 5))
    rotation, _ = np.linalg.qr(random.normal(size=(5, 5)))
    one, other = (
        nearest_neighbours(prepare(torch.from_numpy(x), COSINE), tie_key="h", k_max=9).indices
        for x in (layer, 3.5 * layer @ rotation)
    )
    assert (one == other).all()


def test_a_row_of_zeros_is_equally_near_to_everything() -> None:
    layer = torch.from_numpy(np.random.default_rng(7).normal(size=(20, 3)))
    layer[4] = 0
    found = nearest_neighbours(prepare(layer, COSINE), tie_key="i", k_max=19)
    expected = [item for item in keyed_order("i", 20) if item != 4]
    assert found.indices[4].tolist() == expected


def test_not_a_number_is_refused() -> None:
    layer = torch.zeros(5, 2)
    layer[1, 1] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        prepare(layer, COSINE)


def test_centring_removes_a_common_mean() -> None:
    random = np.random.default_rng(8)
    layer = torch.from_numpy(random.normal(size=(30, 4)))
    centred = parse_recipe("centre,cosine")
    assert torch.allclose(prepare(layer, centred), prepare(layer + 100.0, centred), atol=1e-5)


@pytest.mark.parametrize(("n", "width"), [(256, 1), (257, 2), (65_536, 2), (65_537, 4)])
def test_lists_take_the_smallest_width(n: int, width: int) -> None:
    assert smallest_width(n).itemsize == width
