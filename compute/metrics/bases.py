"""What the metrics on leading directions share: a layer as a few columns, and nuclear norms of all pairs.

The nuclear norm of a matrix is the sum of its singular values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.metrics.contract import Arrays, Integers, Reals, Side

FEWEST_ITEMS = 4
ENTRIES_AT_ONCE = 2**24  # of the products of two sides


class BasisMetric:
    """A metric on the nuclear norm of U_i' U_j, where U_i are columns that stand for layer i.

    A side holds `bases` (n, layers, r) float32 and `ranks` (layers,): how many columns of each are not zero.
    """

    is_exact = False
    directions = 1

    def finished(self, norms: Reals, row_ranks: Integers, column_ranks: Integers, n: int) -> Reals:
        """Return the scores of nuclear norms, (r, c).

        Args:
            norms: (r, c).
            row_ranks: (r,).
            column_ranks: (c,).
            n: items.
        """
        raise NotImplementedError

    def scale(self, item_count: int) -> float:
        """Return 1: the entries of a grid are scores."""
        return 1.0

    def stack(self, embeddings: Sequence[Arrays]) -> Side:
        """Return embeddings side by side, item by item, so that items change places by whole rows.

        Args:
            embeddings: of each `bases` (layers, n, r) and `ranks` (layers,).

        Raises:
            ValueError: the item counts or the numbers of columns differ.
        """
        stored = [arrays["bases"] for arrays in embeddings]
        if len({bases.shape[1:] for bases in stored}) > 1:
            raise ValueError("layers of several numbers of items or of directions cannot stand side by side")
        bases = np.concatenate([one.transpose(1, 0, 2) for one in stored], axis=1)
        ranks = np.concatenate([arrays["ranks"] for arrays in embeddings])
        counts = np.array([len(one) for one in stored], np.int64)
        return Side({"bases": np.ascontiguousarray(bases), "ranks": ranks}, counts, len(bases))

    def permuted(self, side: Side, orders: Sequence[Integers]) -> Side:
        """Return a side after each embedding's items have changed places: item i is the old `order[i]`."""
        bases = side.arrays["bases"]
        moved, start = np.empty_like(bases), 0
        for order, count in zip(orders, side.layer_counts, strict=True):
            layers = slice(start, start + int(count))
            moved[:, layers] = bases[order, layers]
            start = layers.stop
        return Side({**side.arrays, "bases": moved}, side.layer_counts, side.item_count)

    def grid(
        self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu"
    ) -> Reals:
        """Return the metric of all layer pairs, (1, row layers, column layers) float64.

        Raises:
            ValueError: the item counts differ, or the metric is not defined for two layers that are wanted.
        """
        if rows.item_count != columns.item_count:
            raise ValueError(f"the rows have {rows.item_count} items, the columns {columns.item_count}")
        left, right = rows.arrays["ranks"], columns.arrays["ranks"]
        wanted = np.full(len(left), len(right)) if limits is None else np.asarray(limits)
        self.check_ranks(left, right, wanted, rows.item_count)
        norms = nuclear_norms(rows.arrays["bases"], columns.arrays["bases"], wanted, device)
        return self.finished(norms, left, right, rows.item_count)[None]

    def check_ranks(self, row_ranks: Integers, column_ranks: Integers, limits: Integers, n: int) -> None:
        """Raise a ValueError if the metric is not defined for two layers of these ranks."""

    def item_values(self, left: Arrays, right: Arrays) -> Reals | None:
        """Return None: the score is no mean over items."""
        return None

    def pair_chance(self, left: Arrays, right: Arrays) -> Reals | None:
        """Return None: the null gives it."""
        return None


def nuclear_norms(
    rows: NDArray[np.float32], columns: NDArray[np.float32], limits: Integers, device: str
) -> Reals:
    """Return the nuclear norms of U_i' U_j, (r, c) float64; 0 beyond the limits.

    The products are float32. Singular values are roots of the eigenvalues of M'M in float64, at half the cost
    of an SVD: those below 1e-8 of the largest are rounding, which is less than that of the products.

    Args:
        rows: (n, r layers, p).
        columns: (n, c layers, q).
        limits: (r layers,), row layer i is compared with the first `limits[i]` column layers.
        device: a torch device.
    """
    (n, row_count, p), (_, column_count, q) = rows.shape, columns.shape
    right = torch.from_numpy(columns).to(device).reshape(n, column_count * q)
    norms = np.zeros((row_count, column_count))
    step = max(1, ENTRIES_AT_ONCE // (p * q * column_count))
    for start in range(0, row_count, step):
        part = torch.from_numpy(rows[:, start : start + step]).to(device)
        count, most = part.shape[1], int(limits[start : start + step].max())
        products = (part.reshape(n, count * p).T @ right[:, : most * q]).reshape(count, p, most, q)
        wanted = np.arange(most) < limits[start : start + count, None]
        i, j = (torch.from_numpy(places).to(device) for places in np.nonzero(wanted))
        if len(i):
            chosen = products.transpose(1, 2)[i, j].to(torch.float64)  # (pairs, p, q)
            squares = torch.linalg.eigvalsh(chosen.transpose(1, 2) @ chosen)
            norms[start : start + count, :most][wanted] = squares.clamp(min=0).sqrt().sum(dim=1).cpu().numpy()
    return norms


def centred_features(rows: Tensor) -> Tensor:
    """Return rows less their mean, in units of their largest entry.

    Raises:
        ValueError: there are fewer than four rows, or all are equal.
    """
    if len(rows) < FEWEST_ITEMS:
        raise ValueError(f"{len(rows)} items, expected at least {FEWEST_ITEMS}")
    largest = rows.abs().max()
    scaled = rows / largest if float(largest) > 0 else rows  # squares of what is left cannot overflow
    centred = scaled - scaled.mean(dim=0, keepdim=True)
    if float(centred.abs().max()) <= 1e-13:  # what rounding leaves of equal rows
        raise ValueError("all rows are equal: they have no direction")
    return centred


def leading_eigenvectors(gram: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the largest `count` eigenvalues of a symmetric matrix, falling, and their vectors as columns.

    A part of them costs a third of all on a CPU, where scipy is at hand.
    """
    size = len(gram)
    if not gram.is_cuda and 2 * count < size:
        try:
            from scipy.linalg import eigh
        except ModuleNotFoundError:
            pass
        else:
            found = eigh(gram.numpy(), subset_by_index=(size - count, size - 1), check_finite=False)
            values, vectors = (torch.from_numpy(np.ascontiguousarray(part)) for part in found)
            return values.flip(0), vectors.flip(1)
    values, vectors = torch.linalg.eigh(gram)
    return values[-count:].flip(0), vectors[:, -count:].flip(1)


def padded(columns: Tensor, width: int) -> NDArray[np.float32]:
    """Return columns in float32, (n, width), with zeros behind them."""
    basis = np.zeros((len(columns), width), np.float32)
    basis[:, : columns.shape[1]] = columns.cpu().numpy()
    return basis
