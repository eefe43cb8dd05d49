"""CKNNA as the paper's text has it: kernels centred first, then compared on the neighbours that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from compute.metrics.contract import Arrays, Integers, Reals, Side
from compute.metrics.kernel_entries import (
    array_of,
    check_sides,
    checked_lists,
    kernel_at,
    narrow,
    stacked,
)

# A centred kernel this small, against the rows' own size, is what rounding leaves of equal rows.
RESOLUTION = 1e-12


@dataclass(frozen=True)
class CknnaPaper:
    """CKNNA with centring before masking.

    With A_i the 0/1 matrix of the k nearest of every item, M = A_i o A_j and H = I - 11'/n:
    <M o HK_iH, M o HK_jH> / sqrt(<A_i o HK_iH, A_i o HK_iH> <A_j o HK_jH, A_j o HK_jH>). HKH is the kernel of
    centred features. The released code masks first (`Cknna`) and gives other numbers.

    Range: -1 to 1, near 0 for unrelated layers, 1 for a layer with itself. Symmetric. Invariant to rotation,
    to a shared order of items, and to the scale of a layer.

    Source: Huh et al. 2024, arXiv 2405.07987, section 3 and appendix.

    Attributes:
        k: how many neighbours count.
    """

    k: int
    is_exact: ClassVar[bool] = False
    directions: ClassVar[int] = 1

    def scale(self, item_count: int) -> float:
        """Return 1: entries of a grid are scores."""
        return 1.0

    def layer_arrays(self, rows: Tensor, lists: Tensor | None) -> dict[str, NDArray[Any]]:
        """Return `lists` and `values`, (n, k), and `self_product`, the sum of the values' squares.

        Args:
            rows: (n, d) float64.
            lists: (n, k) int64.

        Raises:
            ValueError: n < 4, k is out of range, or the centred kernel is zero at all neighbours.
        """
        lists = checked_lists("cknna_paper", rows, lists, self.k)
        values = kernel_at(rows - rows.mean(dim=0, keepdim=True), lists)
        total = float(values.double().square().sum())
        largest = float(rows.square().sum(dim=1).max())
        if not total > (RESOLUTION * largest) ** 2:
            raise ValueError(
                "cknna_paper is not defined for this layer: its centred kernel is zero at all neighbours,"
                " as where all rows are equal"
            )
        return {"lists": narrow(lists), "values": array_of(values), "self_product": np.array(total)}

    def stack(self, embeddings: Sequence[Arrays]) -> Side:
        """Return embeddings side by side: `lists`, `values` (n, layers, k), `self_product` (layers,)."""
        return stacked(embeddings)

    def permuted(self, side: Side, orders: Sequence[Integers]) -> Side:
        """Return a side after each embedding's items have changed places."""
        from compute.layer_entries import moved, renamed  # numba, which a GPU machine may lack

        arrays = dict(side.arrays)
        arrays["lists"] = renamed(arrays["lists"], side.layer_counts, orders)
        arrays["values"] = moved(arrays["values"], side.layer_counts, orders)
        return replace(side, arrays=arrays)

    def grid(
        self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu"
    ) -> Reals:
        """Return the scores of all layer pairs, (1, r, c).

        Raises:
            ValueError: the item counts differ.
        """
        check_sides(rows, columns)
        left, right = rows.arrays, columns.arrays
        if device == "cpu":
            from compute.masked_kernels import shared_products

            products = shared_products(
                left["lists"], left["values"], right["lists"], right["values"], limits=limits
            )
        else:
            from compute.metrics import masked_gemm

            products = masked_gemm.shared_products(left, right, limits=limits, device=device)
        norms = np.sqrt(left["self_product"][:, None] * right["self_product"][None, :])
        scores: Reals = (products / norms)[None]
        return scores

    def item_values(self, left: Arrays, right: Arrays) -> None:
        """Return None: the norm is no mean over items."""
        return
