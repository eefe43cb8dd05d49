"""What one layer looks like: ties, duplicates, likeness of its rows, dimensions it uses, its hubs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from compute.neighbours import NeighbourLists

K_SHOWN = 10  # ties and hubs are counted among so many neighbours, or all that are kept


@dataclass(frozen=True)
class LayerStatistics:
    """Statistics of one prepared layer.

    Attributes:
        k: how many neighbours `tied_rows` and `in_degree_skew` count.
        tied_rows: items of which a tie decides who is neighbour k.
        duplicate_rows: items whose prepared row another item has too, to the last bit.
        mean_cosine: mean cosine of two different items; a row of zeros has cosine 0 with every other.
        effective_rank: dimensions that the centred rows use.
        in_degree_skew: skewness of how often an item is among the k neighbours of others; None where all are
            equally often.
    """

    k: int
    tied_rows: int
    duplicate_rows: int
    mean_cosine: float
    effective_rank: float
    in_degree_skew: float | None


def layer_statistics(prepared: Tensor, lists: NeighbourLists) -> LayerStatistics:
    """Return the statistics of a layer.

    Args:
        prepared: (n, d) float32 rows as `recipe.prepare` returns them.
        lists: its neighbours.
    """
    k = min(K_SHOWN, lists.indices.shape[1])
    return LayerStatistics(
        k=k,
        tied_rows=int(lists.tied_rows[k - 1]),
        duplicate_rows=duplicate_rows(prepared),
        mean_cosine=mean_cosine(prepared),
        effective_rank=effective_rank(prepared),
        in_degree_skew=in_degree_skew(lists.indices[:, :k]),
    )


def duplicate_rows(prepared: Tensor) -> int:
    """Return how many items have a row that another item has too, to the last bit."""
    rows = np.ascontiguousarray((prepared + 0.0).cpu().numpy())  # + 0.0 makes one zero of two
    whole = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))
    _, counts = np.unique(whole, return_counts=True)
    return int(counts[counts > 1].sum())


def mean_cosine(prepared: Tensor) -> float:
    """Return the mean inner product of two different rows, in [-1 / (n - 1), 1] for unit rows.

    The sum over all pairs is the squared length of the sum of the rows, less their own squared lengths.
    """
    rows = prepared.to(torch.float64)
    n = len(rows)
    of_all = rows.sum(dim=0).square().sum() - rows.square().sum()
    return float(of_all / (n * (n - 1)))


def effective_rank(prepared: Tensor) -> float:
    """Return exp of the entropy of the centred rows' singular values, which are scaled to the sum 1.

    It is d for rows that fill d dimensions evenly, 1 for rows on a line, and 0 where all rows are equal,
    which the source leaves open. Singular values come from the smaller Gram matrix, whose eigenvalues below
    its rounding error are no dimension.

    Source: Roy and Vetterli 2007, The effective rank, EUSIPCO.
    """
    rows = prepared.to(torch.float64)
    rounding = float(rows.square().sum()) * max(rows.shape) * torch.finfo(torch.float64).eps
    rows = rows - rows.mean(dim=0, keepdim=True)
    gram = rows @ rows.T if rows.shape[0] < rows.shape[1] else rows.T @ rows
    eigenvalues = torch.linalg.eigvalsh(gram)
    values = eigenvalues[eigenvalues > rounding].sqrt()
    if not len(values):
        return 0.0
    shares = values / values.sum()
    return float(torch.exp(-(shares * shares.log()).sum()))


def in_degree_skew(indices: Tensor) -> float | None:
    """Return the skewness of how often each item is a neighbour, None where all are equally often.

    Args:
        indices: (n, k) neighbours of every item.
    """
    n, k = indices.shape
    deviations = torch.bincount(indices.flatten(), minlength=n).to(torch.float64) - k
    variance = deviations.square().mean()
    if variance == 0:
        return None
    return float(deviations.pow(3).mean() / variance.pow(1.5))
