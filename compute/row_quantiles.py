"""Order statistics of the rows of a matrix on a CPU, for quantiles in the tail."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

SAMPLE = 256  # entries of a row that tell where to look
FEWEST = 2048  # entries of a row below which there is nothing to gain
Bits = NDArray[np.uint32]


def neighbouring_entries(rows: NDArray[np.floating[Any]], place: int) -> NDArray[np.float64]:
    """Return, for each row, the entries at `place` and `place + 1` of its sorted |x|, (n, 2) float64.

    The second is the first where there is no higher place. Of float32 rows a sample gives a threshold that is
    nearly always below both; among the few entries above it the two are found by bisection.

    Args:
        rows: (n, d) float32 or float64, without NaN.
        place: 0 to d - 1.
    """
    if rows.dtype != np.float32:
        parted = np.partition(np.abs(rows), place, axis=1)
        low = parted[:, place]
        high = parted[:, place + 1 :].min(axis=1) if place + 1 < rows.shape[1] else low
        return np.stack([low, high], axis=1).astype(np.float64)
    found = np.empty((len(rows), 2), np.uint32)
    _select(np.ascontiguousarray(rows).view(np.uint32), place, found)
    return found.view(np.float32).astype(np.float64)


@numba.njit(cache=True, nogil=True)
def _select(rows: Bits, place: int, found: Bits) -> None:
    """Fill in the bits of both entries, (n, 2): bits of numbers from 0 on are in the order of the numbers."""
    count = rows.shape[1]
    kept = np.empty(count + 1, np.uint32)
    sample = np.empty(SAMPLE, np.uint32)
    share = 1 - place / count
    guess = int(SAMPLE * share + 3 * np.sqrt(SAMPLE * share * (1 - share))) + 1  # three standard errors
    stride = max(1, count // SAMPLE)
    for i in range(rows.shape[0]):
        row, above = rows[i], 0
        if count >= FEWEST and guess <= SAMPLE // 2:
            for j in range(SAMPLE):
                sample[j] = row[j * stride] & np.uint32(0x7FFFFFFF)
            above = _keep(row, _largest(sample, guess, 16), kept)
        if above < count - place:  # no sample, or an unlucky one
            above = _keep(row, np.uint32(0), kept)
        low = _largest(kept[:above], count - place, 0)
        found[i, 0] = low
        found[i, 1] = _next(kept[:above], low, count - place)


@numba.njit(cache=True, nogil=True)
def _keep(row: Bits, threshold: np.uint32, kept: Bits) -> int:
    """Put the |x| from the threshold on first in `kept`, which has room for one more than there are.

    Every |x| is written, and counted if it stays: a branch would be guessed wrong for many.
    """
    above = np.uintp(0)  # unsigned: numba asks of a signed place whether it is negative
    for value in row:
        size = np.uint32(value & np.uint32(0x7FFFFFFF))
        kept[above] = size
        above += np.uintp(size >= threshold)
    return int(above)


@numba.njit(cache=True, nogil=True)
def _largest(values: Bits, rank: int, last: int) -> np.uint32:
    """Return the `rank`-th largest of some values, from 1, rounded down to a multiple of `2**last`."""
    found = np.uint32(0)
    for place in range(30, last - 1, -1):
        trial = np.uint32(found | np.uint32(1 << place))
        reached = np.uint32(0)
        for value in values:
            reached = np.uint32(reached + np.uint32(value >= trial))
        if reached >= rank:
            found = trial
    return found


@numba.njit(cache=True, nogil=True)
def _next(values: Bits, low: np.uint32, rank: int) -> np.uint32:
    """Return the value before the `rank`-th largest, which is `low`, in falling order; the first has none."""
    above, least = 0, np.uint32(0x7FFFFFFF)
    for value in values:
        above += value > low
        if value > low:
            least = min(least, value)
    return least if 0 < above == rank - 1 else low
