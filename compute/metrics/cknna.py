"""CKNNA, unbiased HSIC of two kernels on the neighbours that both layers have, of all layer pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.metrics.contract import Arrays, Integers, Reals, Side
from compute.metrics.kernel_entries import (
    array_of,
    check_sides,
    checked_lists,
    kernel_at,
    narrow,
    returned_entries,
    stacked,
)

PRH_EPSILON = 1e-6
# What is left of HSIC when its terms cancel; values rounded to float32 say nothing of less.
RESOLUTION = 1e-12


@dataclass(frozen=True)
class Cknna:
    """CKNNA as the released code has it, without its epsilon, the mean of both directions.

    With A_i the 0/1 matrix of the k nearest of every item, M = A_i o A_j, K~ = M o K_i, L~ = M o K_j:
    H[i,j] = (sum(K~ o L~') + sum(K~) sum(L~) / ((n-1)(n-2)) - 2 sum(K~ L~) / (n-2)) / (n (n-3)) and the score
    is H[i,j] / sqrt(H[i,i] H[j,j]), H[i,i] being masked by A_i alone. M is not symmetric, so that H[i,j] and
    H[j,i] differ a little: their mean is given.

    Range: near 0 for unrelated layers, 1 for a layer with itself, and no bound in between. Invariant to
    rotation and to a shared order of items, and to the scale of a layer. k = n - 1 gives unbiased CKA.

    Source: Huh et al. 2024, arXiv 2405.07987, released code; unbiased HSIC of Song et al. 2012, JMLR 13.

    Attributes:
        k: how many neighbours count.
    """

    k: int
    is_exact: ClassVar[bool] = False
    directions: ClassVar[int] = 1
    name: ClassVar[str] = "cknna"

    def scale(self, item_count: int) -> float:
        """Return 1: entries of a grid are scores."""
        return 1.0

    def layer_arrays(self, rows: Tensor, lists: Tensor | None) -> dict[str, NDArray[Any]]:
        """Return `lists`, `values` and `returned`, (n, k), and `self_hsic`, H of the layer with itself.

        Args:
            rows: (n, d) float64.
            lists: (n, k) int64.

        Raises:
            ValueError: n < 4, k is out of range, or H of the layer with itself is not above 0.
        """
        lists = checked_lists(self.name, rows, lists, self.k)
        values, returned = kernel_at(rows, lists), returned_entries(lists)
        return {
            "lists": narrow(lists),
            "values": array_of(values),
            "returned": array_of(returned.to(torch.uint8)),
            "self_hsic": np.array(_self_hsic(self.name, lists, values.double(), returned)),
        }

    def stack(self, embeddings: Sequence[Arrays]) -> Side:
        """Return embeddings side by side: three arrays of (n, layers, k), and `self_hsic` (layers,)."""
        return stacked(embeddings)

    def permuted(self, side: Side, orders: Sequence[Integers]) -> Side:
        """Return a side after each embedding's items have changed places; H of a layer with itself stays."""
        from compute.layer_entries import moved, renamed  # numba, which a GPU machine may lack

        arrays = dict(side.arrays)
        arrays["lists"] = renamed(arrays["lists"], side.layer_counts, orders)
        for name in ("values", "returned"):
            arrays[name] = moved(arrays[name], side.layer_counts, orders)
        return replace(side, arrays=arrays)

    def grid(
        self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu"
    ) -> Reals:
        """Return the scores of all layer pairs, (directions, r, c).

        Raises:
            ValueError: the item counts differ.
        """
        check_sides(rows, columns)
        if device == "cpu":
            first, second, third = _sums_on_cpu(rows, columns, self.directions, limits)
        else:
            from compute.metrics.masked_gemm import masked_sums

            first, second, third = masked_sums(
                rows.arrays, columns.arrays, directions=self.directions, limits=limits, device=device
            )
        n = rows.item_count
        hsic = (first + second / ((n - 1) * (n - 2)) - third * (2 / (n - 2))) / (n * (n - 3))
        norms = np.sqrt(rows.arrays["self_hsic"][:, None] * columns.arrays["self_hsic"][None, :])
        return self._normalised(hsic, norms)

    def item_values(self, left: Arrays, right: Arrays) -> None:
        """Return None: HSIC is no mean over items."""
        return

    def _normalised(self, hsic: Reals, norms: Reals) -> Reals:
        return hsic / norms


@dataclass(frozen=True)
class CknnaPrh(Cknna):
    """CKNNA as released: H[i,j] / (sqrt(H[i,i] H[j,j]) + 1e-6), both directions apart.

    The epsilon is not small: a layer with itself may be at 0.987. H is computed as in `Cknna`, in float64,
    where the released code works in float32.
    """

    directions: ClassVar[int] = 2
    name: ClassVar[str] = "cknna_prh"

    def _normalised(self, hsic: Reals, norms: Reals) -> Reals:
        return hsic / (norms + PRH_EPSILON)


def _self_hsic(name: str, lists: Tensor, values: Tensor, returned: Tensor) -> float:
    """Return H[i,i] of the float32 values that are stored.

    Raises:
        ValueError: it is not above 0.
    """
    n = len(lists)
    columns = torch.zeros(n, dtype=values.dtype, device=values.device)
    columns.index_add_(0, lists.flatten(), values.flatten())
    back_and_forth = float((values.square() * returned).sum())
    total = back_and_forth + float(values.sum()) ** 2 / ((n - 1) * (n - 2))
    rest = total - 2 * float(columns @ values.sum(dim=1)) / (n - 2)
    if not rest > RESOLUTION * total:
        raise ValueError(
            f"{name} is not defined for this layer: its HSIC with itself on its nearest neighbours is"
            f" {rest / (n * (n - 3)):.3g}, expected above 0; a larger k may help"
        )
    return rest / (n * (n - 3))


def _sums_on_cpu(
    rows: Side, columns: Side, directions: int, limits: Integers | None
) -> tuple[Reals, Reals, Reals]:
    from compute.layer_entries import entries_of
    from compute.masked_kernels import masked_sums

    names = ("lists", "values", "returned")
    left = entries_of(*(rows.arrays[name] for name in names))
    right = left if rows is columns else entries_of(*(columns.arrays[name] for name in names))
    return masked_sums(left, right, directions=directions, limits=limits)
