"""What a run takes of this machine: memory while it works, and bytes that it leaves behind."""

from __future__ import annotations

import math

from compute.memory import default_budget, stored_bytes, unit_bytes
from compute.readiness import Needs, Unready
from compute.units import Missing, SlotTable

PROCESS = 900 * 10**6  # bytes of a process with torch, numba and its first kernels, and no layer yet
ROW_BYTES = 116  # of an alignment in SQLite, with its index
CELL_BYTES = 5  # of a layer pair in a grid: its entry, and what compression leaves of its place
UNIT_LAYER_PAIRS = 400_000  # of a unit where nothing was measured


def peak_bytes(
    needs: Needs,
    slots: SlotTable,
    lacking: Missing,
    drawn: Missing,
    item_count: int,
    budget: int | None = None,
) -> int:
    """Return about how much memory a run takes at its highest: layers that are kept, and one unit.

    Args:
        needs: of the target.
        slots: its matrix.
        lacking: what the scores lack.
        drawn: what the nulls lack.
        item_count: n.
        budget: what the run may take; None for half of what is free.
    """
    wanted = max(int(lacking.layer_pairs.sum()), int(drawn.layer_pairs.sum()))
    if wanted == 0:
        return 0
    live = slots.layers[slots.is_live]
    largest = int(live.max(initial=1))
    side = max(largest, min(math.isqrt(UNIT_LAYER_PAIRS), int(live.sum())))
    name, parameters = needs.info.name, needs.parameters
    kept = int(live.sum()) * stored_bytes(name, parameters, item_count, needs.k_max)
    smallest = unit_bytes(name, parameters, largest, largest, item_count)
    most = max(2 * smallest, default_budget() if budget is None else budget)
    return PROCESS + min(most, kept + unit_bytes(name, parameters, side, side, item_count))


def added_bytes(needs: Needs, waiting: Unready, pairs: int, layer_pairs: int, item_count: int) -> int:
    """Return about how many bytes a run adds: files of layers, grids, and rows."""
    directions = 1 if needs.info.is_symmetric else 2
    ready = waiting.layers * stored_bytes(needs.info.name, needs.parameters, item_count, needs.k_max)
    return ready + directions * (pairs * ROW_BYTES + layer_pairs * CELL_BYTES)
