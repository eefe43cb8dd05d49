"""What a layer's rows make one wonder about, without being wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def row_warnings(layers: Mapping[str, Any]) -> str:
    """Return which layers have rows that say nothing or that several items share, '' where none has.

    A row of one repeated number has no direction to compare; equal rows are each other's nearest neighbours.

    Args:
        layers: an (n, d) array for each.
    """
    found = []
    for name, layer in layers.items():
        matrix = np.asarray(layer)
        constant = int((matrix == matrix[:, :1]).all(axis=1).sum()) if matrix.shape[1] > 1 else 0
        duplicates = duplicate_count(matrix)
        words = [
            f"{count} {what} rows" for count, what in ((constant, "constant"), (duplicates, "equal")) if count
        ]
        if words:
            found.append(f"{name}: {', '.join(words)}")
    return "; ".join(found[:3]) + (f"; and {len(found) - 3} more layers" if len(found) > 3 else "")


def duplicate_count(matrix: Any) -> int:
    """Return how many rows another row equals, to the last bit."""
    seen: dict[bytes, int] = {}
    for row in np.ascontiguousarray(matrix):
        key = row.tobytes()
        seen[key] = seen.get(key, 0) + 1
    return sum(count for count in seen.values() if count > 1)
