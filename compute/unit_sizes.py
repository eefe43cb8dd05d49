"""How much one unit holds: a few seconds of work inside the run's memory; and what to do where that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal, cast

import numpy as np

from compute.job import Job
from compute.memory import bytes_text, unit_bytes
from compute.pace import REPLANS
from compute.units import SlotTable, Unit, units
from registry.errors import UsageError


def paced_units(
    job: Job, read: Callable[[], SlotTable], work: str, seconds: float, *, draws: int = 1
) -> Iterator[tuple[SlotTable, Unit]]:
    """Yield the units that are missing, with the matrix as it was when they were cut.

    What is left is cut anew where the unit that was just done shows that the next would take twice or half as
    long as it should; never after one that failed, which would be tried again.

    Args:
        job: whose work.
        read: gives the matrix as it is now.
        work: which kind, for the rate of this host.
        seconds: how long a unit should take.
        draws: how often a layer pair is compared.

    Raises:
        UsageError: not even one pair of the largest embeddings fits into the memory.
    """
    pairs = cast("Literal['all', 'across']", job.target.pairs)
    for replans in range(REPLANS + 1):
        slots, failed = read(), job.summary.failed
        limit = layer_pairs_per_unit(job, slots, work, seconds, draws=draws)
        for unit in units(slots, pairs, limit):
            yield slots, unit
            wanted = layer_pairs_per_unit(job, slots, work, seconds, draws=draws)
            if replans < REPLANS and job.summary.failed == failed and not 0.5 < wanted / limit < 2:
                break
        else:
            return


def layer_pairs_per_unit(job: Job, slots: SlotTable, work: str, seconds: float, *, draws: int = 1) -> int:
    """Return how many layer pairs a unit may hold.

    Args:
        job: whose work; its options may say it.
        slots: the matrix.
        work: which kind, for the rate of this host.
        seconds: how long a unit should take.
        draws: how often a layer pair is compared.

    Raises:
        UsageError: not even one pair of the largest embeddings fits into the memory.
    """
    largest = int(slots.layers[slots.is_live].max(initial=1))
    check_memory(job, largest)
    if job.options.unit_layer_pairs is not None:
        return job.options.unit_layer_pairs
    wanted = job.pace.rate(work) * seconds / (job.dataset.item_count * draws)
    limit = max(1, int(min(wanted, 2**31)))
    while limit > largest**2 and _bytes(job, *_sides(limit, largest)) > job.memory // 2:
        limit //= 2
    return limit


def check_memory(job: Job, largest: int) -> None:
    """Raise unless one pair of the largest embeddings fits.

    Raises:
        UsageError: it does not; the message names the smallest budget that does.
    """
    needed = 2 * _bytes(job, largest, largest)
    if needed > job.memory:
        raise UsageError(
            f"target {job.target.name}: one pair of embeddings of {largest} layers needs "
            f"{bytes_text(needed)} of memory, the budget is {bytes_text(job.memory)}",
            hint=f"the smallest that works: cavewall align run --memory {bytes_text(needed, up=True)}",
        )


def _sides(layer_pairs: int, largest: int) -> tuple[int, int]:
    """Return how many layers the two sides of a unit have at most, as `units` cuts them."""
    side = max(largest, int(np.sqrt(layer_pairs)))
    return side, max(largest, layer_pairs // max(1, side))


def _bytes(job: Job, row_layers: int, column_layers: int) -> int:
    return unit_bytes(job.info.name, job.parameters, row_layers, column_layers, job.dataset.item_count)


def without_memory(unit: Unit, do: Callable[[Unit], int]) -> int:
    """Do a unit, in smaller parts where the device runs out of memory, and return what all of them did.

    Raises:
        ValueError: the device has too little memory for a single pair.
    """
    from torch import OutOfMemoryError

    try:
        return do(unit)
    except OutOfMemoryError as error:
        parts = list(_halves(unit))
        if not parts:
            raise ValueError(
                "the device has too little memory for one pair of embeddings; compute it with --device cpu"
            ) from error
    _forget_cached()
    return sum(without_memory(part, do) for part in parts)


def _halves(unit: Unit) -> Iterator[Unit]:
    """Yield two halves of a unit, left before right, so that the watermarks can follow; none of one pair."""
    if len(unit.rows) > 1:
        middle = len(unit.rows) // 2
        yield replace(unit, rows=unit.rows[:middle])
        yield replace(unit, rows=unit.rows[middle:])
    elif unit.stop - unit.start > 1:
        middle = (unit.start + unit.stop) // 2
        yield replace(unit, stop=middle)
        yield replace(unit, start=middle)


def _forget_cached() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
