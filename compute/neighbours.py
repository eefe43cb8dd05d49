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
    prepared: Tensor, *, tie_key: str, k_max: int, excluded: ExcludedPairs | None = None
) -> NeighbourLists:
    """Find the k_max most similar other items of every item, by float32 inner product.

    Items that are equally similar stand in the order of a permutation keyed by `tie_key`. Breaking ties by
    index instead makes independent models agree (Huh et al.'s code leaves it to the library).

    Args:
        prepared: (n, d) float32 rows as `recipe.prepare` returns them.
        tie_key: the layer's digest, so that the same layer gives the same lists wherever it appears.
        k_max: how many, 1 <= k_max < n; with exclusions, at most as many as every item has candidates.
        excluded: pairs of items that are nobody's neighbours, however similar they are.

    Raises:
        ValueError: k_max is out of range, or the excluded pairs are of another number of items.
    """
    return _nearest(prepared, lambda rows, columns: prepared[rows] @ columns, tie_key, k_max, excluded)


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
    return _nearest(similarity, lambda rows, columns: columns[rows], tie_key, k_max, excluded)


def _nearest(
    layer: Tensor,
    similarity_of: Callable[[slice, Tensor], Tensor],
    tie_key: str,
    k_max: int,
    excluded: ExcludedPairs | None,
) -> NeighbourLists:
    """Find neighbours by what makes similarities of some rows of a layer and all of its shuffled columns."""
    n = layer.shape[0]
    if excluded is not None and excluded.item_count != n:
        raise ValueError(f"excluded pairs of {excluded.item_count} items for a layer of {n}")
    most = n - 1 if excluded is None else n - 1 - int(excluded.degrees.max())
    if not 1 <= k_max <= most:
        raise ValueError(f"k is {k_max}, expected 1 to {most} for {n} items")
    order = torch.from_numpy(keyed_order(tie_key, n)).to(layer.device)
    position = torch.empty_like(order)
    position[order] = torch.arange(n, device=order.device)
    shuffled = layer[order].T.contiguous()  # (d, n): column p is item order[p]
    chunk = max(1, CHUNK_ENTRIES // n)
    indices = torch.empty((n, k_max), dtype=torch.int64, device=layer.device)
    tied = torch.zeros(k_max, dtype=torch.int64, device=layer.device)
    for start in range(0, n, chunk):
        rows = slice(start, min(start + chunk, n))
        similarity = similarity_of(rows, shuffled)  # (chunk, n)
        similarity.scatter_(1, position[rows].unsqueeze(1), -torch.inf)
        if excluded is not None:
            _leave_out(similarity, excluded, position, rows)
        places, values = _first_in_order(similarity, k_max)
        indices[rows] = order[places]
        tied += (values[:, :-1] == values[:, 1:]).sum(dim=0)
    return NeighbourLists(indices, tied)


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
