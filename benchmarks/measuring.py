"""What a piece of work costs, and a row of the table that says so."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import torch

Result = TypeVar("Result")
Start = Literal["features", "lists"]


@dataclass(frozen=True)
class Cost:
    """What a piece of work took.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of all threads of this process.
        peak_rss_mb: the most memory that it held above what the process held when it began.
    """

    seconds: float
    cpu_seconds: float
    peak_rss_mb: float

    def on(self, device: str) -> float:
        """Return the seconds that ratios are made of: of the processor on a CPU, by the clock elsewhere.

        A machine that others use too makes the clock run on, but hardly the processor's own count.
        """
        return self.cpu_seconds if is_cpu(device) else self.seconds


@dataclass(frozen=True)
class Row:
    """One line of the table; what was not measured is None.

    Attributes:
        metric: name of the metric, or of the recipe step.
        work: what was done.
        start: from `features`, or from what is stored of a layer: `lists`, or triangles and bases.
        layers: how many layers there are in all.
        n: items.
        seconds: the engine's, by the clock.
        cpu_seconds: the engine's, of the processor.
        reference_seconds_per_pair: of one call of the reference; of the processor on a CPU.
        reference_pairs: how many such calls the same work takes.
        ratio: the reference's seconds for all of them, over the engine's.
        peer: another library that did the same work.
        peer_cpu_seconds: what it took; by the clock on a GPU.
        peer_ratio: that over the engine's.
        peak_rss_mb: the engine's memory above what it began with: features, or lists.
        share_of_peak: floating point operations a second, of what a large matrix product reached.
        largest_difference: between the engine's scores and the reference's, over the pairs that were timed.
        target: the least ratio that was asked for.
        peer_target: the least peer ratio that was asked for.
        most_seconds: the most seconds that were asked for.
        most_mb: the most memory that was asked for.
        note: what else has to be said.
    """

    metric: str
    work: str
    start: Start
    layers: int
    n: int
    seconds: float
    cpu_seconds: float
    reference_seconds_per_pair: float | None = None
    reference_pairs: int | None = None
    ratio: float | None = None
    peer: str | None = None
    peer_cpu_seconds: float | None = None
    peer_ratio: float | None = None
    peak_rss_mb: float | None = None
    share_of_peak: float | None = None
    largest_difference: float | None = None
    target: float | None = None
    peer_target: float | None = None
    most_seconds: float | None = None
    most_mb: float | None = None
    note: str = ""


def is_cpu(device: str) -> bool:
    """Return whether a torch device is a CPU: `cpu`, or `cpu:0`, where the engine takes its GPU path."""
    return torch.device(device).type == "cpu"


def measured(work: Callable[[], Result], device: str) -> tuple[Result, Cost]:
    """Return what some work gives and what it cost."""
    _synchronise(device)
    before = _start_of_peak()
    begun, cpu = time.perf_counter(), time.process_time()
    result = work()
    _synchronise(device)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return result, Cost(seconds, cpu, max(0.0, _peak() - before))


def _synchronise(device: str) -> None:
    if not is_cpu(device):
        torch.cuda.synchronize(device)


def _start_of_peak() -> float:
    """Return the memory held now, in MB, after setting the peak back to it where the system can do that."""
    gc.collect()
    with contextlib.suppress(
        OSError, AttributeError
    ):  # what was freed and kept would hide what is taken next
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return _peak()  # the peak so far: what is found above it is too little rather than too much
    return _status("VmRSS:")


def _peak() -> float:
    try:
        return _status("VmHWM:")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
