"""Exact nearest neighbours of every item, with ties broken by a keyed order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from registry.keyed import keyed_order

if TYPE_CHECKING:
    from registry.exclusions import ExcludedPairs

CHUNK_ENTRIES = 2**24
BLOCK_ROWS = 128  # of a symmetric matrix that is computed by half: more are slower, fewer too
WIDTH_BY_HALF = 128  # narrower products are so fast that filling in the other half takes longer
IS_ZERO = 1e-14  # squared distances below it, in squared lengths of both rows, are rounding

# Similarities of some rows, as they stand, and all columns (d, n), which stand in the keyed order.
Similarities = Callable[[slice, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class NeighbourLists:
    """The neighbours of one layer.

    Attributes:
        indices: (n, k_max) int64, nearest first; the item itself is not among them.
        tied_rows: (k_max,) int64; at position k - 1 how many rows have a tie at their k-th place, that is, a
            choice between equally similar items decides who is among the k nearest.
    """

    indices: Tensor
    tied_rows: Tensor


def nearest_neighbours(
    prepared: Tensor,
    *,
    tie_key: str,
    k_max: int,
    excluded: ExcludedPairs | None = None,
    similarity: str = "cosine",
) -> NeighbourLists:
    """Find the k_max most similar other items of every item.

    Cosines and inner products are float32, of float32 rows. Squared distances are float64, from the inner
    products of float32 rows less their mean, then rounded to float32: their error before that is below 1e-14
    of the squared lengths of the centred rows, and what is below it counts as 0.

    Items that are equally similar stand in the order of a permutation keyed by `tie_key`. Breaking ties by
    index instead makes independent models agree (Huh et al.'s code leaves it to the library).

    Args:
        prepared: (n, d) float32 rows as `recipe.prepare` returns them.
        tie_key: the layer's digest, so that the same layer gives the same lists wherever it appears.
        k_max: how many, 1 <= k_max < n; with exclusions, at most as many as every item has candidates.
        excluded: pairs of items that are nobody's neighbours, however similar they are.
        similarity: `cosine` of rows that have length 1, `inner`, or `euclidean`.

    Raises:
        ValueError: k_max is out of range, or the excluded pairs are of another number of items.
    """
    if similarity == "euclidean":
        centred = prepared.to(torch.float64)
        centred = centred - centred.mean(dim=0, keepdim=True)
        return _nearest(centred, _minus_distances(centred), tie_key, k_max, excluded)
    n, width = prepared.shape
    is_by_half = 2 * BLOCK_ROWS < n <= CHUNK_ENTRIES**0.5 and width >= WIDTH_BY_HALF
    if is_by_half and prepared.device.type == "cpu":
        return _nearest_in_whole(prepared, tie_key, k_max, excluded)
    return _nearest(prepared, lambda rows, columns, _: prepared[rows] @ columns, tie_key, k_max, excluded)


def nearest_in_matrix(
    similarity: Tensor, *, tie_key: str, k_max: int, excluded: ExcludedPairs | None = None
) -> NeighbourLists:
    """Find the k_max most similar other items of every item in a matrix of similarities.

    Ties, exclusions and errors are as in `nearest_neighbours`.

    Args:
        similarity: (n, n) float32, as `matrices.prepare_matrix` returns it.
        tie_key: the layer's digest.
        k_max: how many.
        excluded: pairs of items that are nobody's neighbours.
    """
    return _nearest(similarity, lambda rows, columns, _: columns[rows], tie_key, k_max, excluded)


def _minus_distances(layer: Tensor) -> Similarities:
    """Return what makes minus the squared distances of some rows and all columns of a float64 layer."""
    squares = layer.square().sum(dim=1)

    def minus_distances(rows: slice, columns: Tensor, order: Tensor) -> Tensor:
        lengths = squares[rows, None] + squares[order]  # (chunk, n)
        distances = torch.addmm(lengths, layer[rows], columns, alpha=-2)
        lengths *= IS_ZERO
        distances.masked_fill_(distances < lengths, 0.0)
        return distances.neg_().to(torch.float32)

    return minus_distances


def _nearest(
    layer: Tensor,
    similarity_of: Similarities,
    tie_key: str,
    k_max: int,
    excluded: ExcludedPairs | None,
) -> NeighbourLists:
    """Find neighbours by what makes similarities of some rows of a layer and all of its shuffled columns."""
    n = layer.shape[0]
    _check(n, k_max, excluded)
    order, position = _keyed_places(tie_key, layer)
    shuffled = layer[order].T.contiguous()  # (d, n): column p is item order[p]
    chunk = max(1, CHUNK_ENTRIES * 4 // (n * layer.element_size()))
    indices = torch.empty((n, k_max), dtype=torch.int64, device=layer.device)
    tied = torch.zeros(k_max, dtype=torch.int64, device=layer.device)
    for start in range(0, n, chunk):
        rows = slice(start, min(start + chunk, n))
        similarity = similarity_of(rows, shuffled, order)  # (chunk, n)
        similarity.scatter_(1, position[rows].unsqueeze(1), -torch.inf)
        if excluded is not None:
            _leave_out(similarity, excluded, position, rows)
        places, values = _first_in_order(similarity, k_max)
        indices[rows] = order[places]
        tied += (values[:, :-1] == values[:, 1:]).sum(dim=0)
    return NeighbourLists(indices, tied)


def _nearest_in_whole(
    layer: Tensor, tie_key: str, k_max: int, excluded: ExcludedPairs | None
) -> NeighbourLists:
    """Find neighbours by inner products, (n, n) at once, of which about half are computed, on a CPU.

    Rows stand in the keyed order, as columns do, so that the matrix is symmetric.
    """
    n = len(layer)
    _check(n, k_max, excluded)
    order, position = _keyed_places(tie_key, layer)
    similarity = inner_products(layer[order])
    similarity.fill_diagonal_(-torch.inf)
    if excluded is not None:
        here, others = (torch.from_numpy(part) for part in excluded.within(0, n))
        similarity[position[here], position[others]] = -torch.inf
    places, values = _first_in_order(similarity, k_max)
    indices = torch.empty((n, k_max), dtype=torch.int64)
    indices[order] = order[places]
    return NeighbourLists(indices, (values[:, :-1] == values[:, 1:]).sum(dim=0))


def inner_products(rows: Tensor) -> Tensor:
    """Return the inner products of all rows, (n, n): blocks above the diagonal, and their mirror images."""
    n = len(rows)
    products = torch.empty((n, n), dtype=rows.dtype)
    for start in range(0, n, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, n)
        torch.mm(rows[start:stop], rows[start:].T, out=products[start:stop, start:])
        products[stop:, start:stop] = products[start:stop, stop:].T
    return products


def _check(n: int, k_max: int, excluded: ExcludedPairs | None) -> None:
    """Raise what `nearest_neighbours` promises."""
    if excluded is not None and excluded.item_count != n:
        raise ValueError(f"excluded pairs of {excluded.item_count} items for a layer of {n}")
    most = n - 1 if excluded is None else n - 1 - int(excluded.degrees.max())
    if not 1 <= k_max <= most:
        raise ValueError(f"k is {k_max}, expected 1 to {most} for {n} items")


def _keyed_places(tie_key: str, layer: Tensor) -> tuple[Tensor, Tensor]:
    """Return the items in the keyed order, and the place of every item in it, on the layer's device."""
    order = torch.from_numpy(keyed_order(tie_key, len(layer))).to(layer.device)
    position = torch.empty_like(order)
    position[order] = torch.arange(len(layer), device=order.device)
    return order, position


def _leave_out(similarity: Tensor, excluded: ExcludedPairs, position: Tensor, rows: slice) -> None:
    """Make the excluded items of some rows less similar than everything; columns are in the keyed order."""
    here, others = (
        torch.from_numpy(part).to(position.device) for part in excluded.within(rows.start, rows.stop)
    )
    similarity[here, position[others]] = -torch.inf


def _first_in_order(similarity: Tensor, k_max: int) -> tuple[Tensor, Tensor]:
    """Return per row the places of the k_max largest entries, ties by place, and the k_max + 1 values."""
    values, places = similarity.topk(k_max + 1, dim=1)
    tied = (values[:, :-1] == values[:, 1:]).any(dim=1).nonzero().squeeze(1)
    if len(tied):
        places[tied] = _sort_keys(similarity[tied]).topk(k_max + 1, dim=1).indices
    return places[:, :k_max], values


def _sort_keys(similarity: Tensor) -> Tensor:
    """Return int64 keys, all different in a row, that order by similarity and then by lower place."""
    bits = (similarity + 0.0).view(torch.int32).to(torch.int64)  # + 0.0 makes one zero of two
    ordered = torch.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))
    n = similarity.shape[1]
    return ordered * n + torch.arange(n - 1, -1, -1, device=similarity.device)


def smallest_width(n: int) -> np.dtype[np.unsignedinteger]:
    """Return the narrowest unsigned type that holds the positions of n items."""
    return np.min_scalar_type(n - 1)
