"""What an embedding must be before it is stored."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.layer_checks import checked_layers, require_order
from registry.errors import EmbeddingMismatch, InputError

GOOD = np.arange(8, dtype=np.float32).reshape(4, 2)


def check(**layers: object) -> dict[str, np.ndarray]:
    return checked_layers(layers, what="embedding of m on d", dataset="d", item_count=4)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_become_contiguous_float32(dtype: type) -> None:
    layers = check(a=GOOD.astype(dtype), b=GOOD.astype(dtype)[:, ::-1])
    assert all(layer.dtype == np.float32 and layer.flags.c_contiguous for layer in layers.values())
    assert list(layers) == ["a", "b"]
    assert np.array_equal(layers["b"], GOOD[:, ::-1])


def test_other_row_counts_are_refused_with_both_numbers() -> None:
    with pytest.raises(EmbeddingMismatch, match=r"embedding of m on d, layer a: expected 4 rows.*found 3"):
        check(a=GOOD[:3])


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_a_row_without_a_number_is_refused_by_position(value: float, word: str) -> None:
    broken = GOOD.copy()
    broken[2, 1] = value
    with pytest.raises(InputError, match=rf"layer b: {word} in row 2 \(1 such rows\)"):
        check(a=GOOD, b=broken)


def test_a_number_too_large_for_float32_is_refused() -> None:
    with pytest.raises(InputError, match="infinity in row 0"):
        check(a=np.full((4, 2), 1e300))


@pytest.mark.parametrize(
    "array",
    [np.zeros(4, "f4"), np.zeros((4, 2, 2), "f4"), np.zeros((4, 2), "i4"), np.zeros((4, 0), "f4")],
)
def test_what_is_no_matrix_of_floats_is_refused(array: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"expected a matrix \(n, d\) of floats, found"):
        check(a=array)


def test_no_layer_is_refused() -> None:
    with pytest.raises(InputError, match="no layer was given"):
        check()


def test_the_same_order_passes() -> None:
    require_order(["a", "b"], ["a", "b"], what="embedding", dataset="d")


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        (["a", "c", "b"], "another order than d: row 1 is 'c', expected 'b'"),
        (["a", "b"], "expected 3 ids of d, found 2"),
        (["a", "b", "x"], "'x' is no item of d"),
        (["a", "b", "b"], "row 2 holds 'b' a second time"),
    ],
)
def test_other_ids_are_refused(ids: list[str], sentence: str) -> None:
    with pytest.raises(EmbeddingMismatch, match=sentence):
        require_order(ids, ["a", "b", "c"], what="embedding", dataset="d")
