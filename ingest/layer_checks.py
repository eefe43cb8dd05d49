"""What an embedding must be before it is stored: one row per item, in their order, numbers everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.errors import EmbeddingMismatch, InputError

Layers = dict[str, NDArray[np.float32]]


def checked_layers(layers: Mapping[str, Any], *, what: str, dataset: str, item_count: int) -> Layers:
    """Return layers as contiguous float32 matrices, if they can be an embedding of the data set.

    Args:
        layers: for each layer an `(n, d)` array of floats, in the order of depth.
        what: the embedding, for sentences.
        dataset: the data set's name.
        item_count: how many items it has.

    Raises:
        InputError: there is no layer, or one is not a matrix of floats, or holds NaN or infinity.
        EmbeddingMismatch: a layer has another number of rows than the data set has items.
    """
    if not layers:
        raise InputError(f"{what}: no layer was given", hint="give at least one (n, d) matrix")
    return {
        str(name): _checked(str(name), layer, what, dataset, item_count) for name, layer in layers.items()
    }


def _checked(name: str, layer: Any, what: str, dataset: str, item_count: int) -> NDArray[np.float32]:
    where = f"{what}, layer {name or '(unnamed)'}"
    if not name:
        raise InputError(f"{where}: a layer needs a name", hint="name layers by what they are, like blocks.0")
    try:
        array = np.asarray(layer)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{where}: not an array: {error}", hint="give a numpy array of float32") from error
    if array.ndim != 2 or array.dtype.kind != "f" or array.shape[-1] == 0:
        raise InputError(
            f"{where}: expected a matrix (n, d) of floats, found {array.dtype} of shape {array.shape}",
            hint="pool tokens or places to one row per item, and convert with astype('float32')",
        )
    if array.shape[0] != item_count:
        raise EmbeddingMismatch(
            f"{where}: expected {item_count} rows, one per item of {dataset}, found {array.shape[0]}",
            hint="embed every item of the data set once, in its order",
        )
    with np.errstate(over="ignore"):
        matrix = np.ascontiguousarray(array, dtype=np.float32)
    _require_finite(matrix, where)
    return matrix


def _require_finite(matrix: NDArray[np.float32], where: str) -> None:
    broken = ~np.isfinite(matrix).all(axis=1)  # (n,)
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        kind = "NaN" if np.isnan(matrix[row]).any() else "infinity"
        raise InputError(
            f"{where}: {kind} in row {row} ({int(broken.sum())} such rows)",
            hint="find out where the model diverges; such rows would give plausible but wrong scores",
        )


def require_order(ids: Sequence[str], expected: Sequence[str], *, what: str, dataset: str) -> None:
    """Refuse rows whose items are not those of the data set, in its order.

    Raises:
        EmbeddingMismatch: the ids differ in number, in order or in kind.
    """
    given = [str(item_id) for item_id in ids]
    if given == list(expected):
        return
    if sorted(given) == sorted(expected):
        position = next(
            i for i, (mine, theirs) in enumerate(zip(given, expected, strict=True)) if mine != theirs
        )
        raise EmbeddingMismatch(
            f"{what}: the rows are in another order than {dataset}: row {position} is '{given[position]}', "
            f"expected '{expected[position]}'",
            hint="reorder the rows by the data set's ids",
        )
    if len(given) != len(expected):
        raise EmbeddingMismatch(
            f"{what}: expected {len(expected)} ids of {dataset}, found {len(given)}",
            hint="give one id per row, in the data set's order",
        )
    known, seen = set(expected), set[str]()
    for row, item_id in enumerate(given):
        if item_id not in known:
            raise EmbeddingMismatch(
                f"{what}: '{item_id}' is no item of {dataset}",
                hint="check that the rows come from this data set",
            )
        if item_id in seen:
            raise EmbeddingMismatch(
                f"{what}: row {row} holds '{item_id}' a second time",
                hint="give one row per item of the data set",
            )
        seen.add(item_id)
