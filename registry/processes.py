"""Whether the process of a run is still there, on the machine that asks."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

# How far the clock may have been set since a process began, before its number counts as another's.
CLOCK_TOLERANCE_SECONDS = 10.0


def is_running(pid: int, since: datetime) -> bool:
    """Return whether the process of a number runs here, and ran already at a moment.

    A number that was given to another process later, or to one that has ended and is not yet collected, is
    not running. Where there is no /proc, any process of that number counts.
    """
    if pid <= 0 or not _exists(pid):
        return False
    try:
        state, ticks = parse_stat(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
        booted = _boot_time(Path("/proc/stat").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _exists(pid)
    began = booted + ticks / os.sysconf("SC_CLK_TCK")
    return state not in "ZX" and began <= since.astimezone(UTC).timestamp() + CLOCK_TOLERANCE_SECONDS


def parse_stat(text: str) -> tuple[str, int]:
    """Return the state of a process and when it began, in ticks after the machine did.

    Args:
        text: of /proc/PID/stat; the name in it may hold spaces and brackets.

    Raises:
        ValueError: it is not such a text.
    """
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20:
        raise ValueError(f"not the state of a process: {text!r}")
    return fields[0], int(fields[19])


def _boot_time(text: str) -> float:
    for line in text.splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    raise ValueError("/proc/stat does not say when the machine began")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and somebody else's
        return True
    return True
