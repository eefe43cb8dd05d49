"""What a metric gives the all-pairs engine: layers made ready once, compared all at once, and permuted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Arrays = Mapping[str, NDArray[Any]]
Integers = NDArray[np.int64]
Reals = NDArray[np.float64]
Grid = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """The layers of the embeddings on one side of a block, laid out as their metric wants them.

    Attributes:
        arrays: by name; which there are, and their axes, is the metric's own affair.
        layer_counts: how many layers each embedding has, in order.
        item_count: n.
    """

    arrays: Arrays
    layer_counts: Integers
    item_count: int

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return sum(array.nbytes for array in self.arrays.values())


class LayerMetric(Protocol):
    """A metric with its parameters.

    Grids have a leading axis of directions: one for a symmetric metric, else two, [0][i, j] being the metric
    from row layer i to column layer j and [1][i, j] that from column layer j to row layer i. Entries are
    int64 counts where `is_exact`, to be divided by `scale`, else float64 scores with `scale` 1.
    """

    is_exact: bool
    directions: int

    def scale(self, item_count: int) -> float:
        """Return what an entry of a grid is divided by to be a score."""

    def layer_arrays(self, rows: Tensor, lists: Tensor | None) -> dict[str, NDArray[Any]]:
        """Return one layer made ready, to be stored: arrays without an axis of layers.

        Metrics that need stored neighbour lists alone have no such form, and raise a TypeError.

        Args:
            rows: (n, d) float64, as the recipe leaves them; their similarity is not applied yet.
            lists: (n, k) int64 nearest neighbours, for metrics that have a parameter k, else None.

        Raises:
            ValueError: the metric is not defined for this layer; the message says why.
        """

    def stack(self, embeddings: Sequence[Arrays]) -> Side:
        """Return embeddings side by side.

        Args:
            embeddings: the stored arrays of each, with a leading axis of layers; for metrics on neighbour
                lists `indices`, (layers, n, k_max).
        """

    def permuted(self, side: Side, orders: Sequence[Integers]) -> Side:
        """Return a side after each embedding's items have changed places: item i is the old `order[i]`."""

    def grid(self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu") -> Grid:
        """Return the metric of all layer pairs, (directions, row layers, column layers).

        Args:
            rows: one side.
            columns: the other, of the same items.
            limits: (row layers,): row layer i is wanted with the first `limits[i]` column layers only, and
                what stands beyond means nothing. None wants all.
            device: a torch device.
        """

    def item_values(self, left: Arrays, right: Arrays) -> NDArray[np.float64] | None:
        """Return what each item adds to the score of two layers, (directions, n), whose mean it is.

        None for metrics that are no mean over items. The arrays are stored ones of one layer each.
        """


@runtime_checkable
class KnowsPairChance(Protocol):
    """A metric with a closed form for unrelated layers that may depend on the two layers."""

    def pair_chance(self, left: Arrays, right: Arrays) -> Reals | None:
        """Return the exact mean over unrelated layers, (directions,), where it depends on the two layers.

        None for all other metrics: their chance, where it is known, is one number for all pairs. The arrays
        are stored ones of one layer each.
        """


@runtime_checkable
class PermutesWhileComparing(Protocol):
    """A metric that compares permuted sides sooner than by permuting first and comparing then."""

    def permuted_grid(
        self,
        rows: Side,
        columns: Side,
        row_orders: Sequence[Integers],
        column_orders: Sequence[Integers],
        *,
        limits: Integers | None = None,
        device: str = "cpu",
    ) -> Grid:
        """Return `grid` of both sides after `permuted`."""
