"""How far a long command is: bars on a terminal, else one line per phase and per minute."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cavewall.console import rich_console
from cavewall.invocation import Invocation, colour_wanted, current_invocation
from cavewall.logs import PROGRESS

SECONDS_BETWEEN_LINES = 60.0
Report = Callable[[str, int, int], None]


class Lines:
    """Progress as log lines, for cron and pipes: a phase's first and last state, and one a minute between."""

    def __init__(self, facts: dict[str, Any], seconds: Callable[[], float] = time.monotonic) -> None:
        self.facts = facts
        self.seconds = seconds
        self.began: dict[str, tuple[float, int]] = {}
        self.said_at: dict[str, float] = {}
        self.finished: set[str] = set()

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Say where a phase is, if it is time to."""
        moment = self.seconds()
        began, first = self.began.setdefault(phase, (moment, done))
        is_over = done >= total and phase not in self.finished
        is_due = moment - self.said_at.get(phase, float("-inf")) >= SECONDS_BETWEEN_LINES and done < total
        if not (is_over or is_due):
            return
        if is_over:
            self.finished.add(phase)
        self.said_at[phase] = moment
        facts: dict[str, Any] = {"phase": phase, "done": done, "total": total}
        elapsed, work = moment - began, done - first
        if elapsed > 0 and work > 0:
            facts["rate"] = f"{work / elapsed:.3g}/s"
            if done < total:
                facts["eta"] = f"{(total - done) * elapsed / work:.0f}s"
        facts |= self.facts
        text = " ".join(f"{key}={value}" for key, value in facts.items())
        logging.getLogger(PROGRESS).info(text, extra={"facts": facts})


@contextmanager
def progress(**facts: Any) -> Iterator[Report]:
    """Give a function to call with the phase, how much of it is done, and how much there is.

    Args:
        **facts: what every log line carries, such as the device.
    """
    invocation = current_invocation()
    if invocation.is_quiet:
        yield lambda _phase, _done, _total: None
    elif _has_bars(invocation):
        with _bars() as report:
            yield report
    else:
        yield Lines(facts)


def _has_bars(invocation: Invocation) -> bool:
    """Return whether stderr is a terminal that may be drawn on."""
    wanted = colour_wanted(os.environ, has_colour=invocation.has_colour)
    return sys.stderr.isatty() and wanted is not False and invocation.log_format == "text"


@contextmanager
def _bars() -> Iterator[Report]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("eta"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, Any] = {}
    with Progress(*columns, console=rich_console(sys.stderr)) as bars:

        def report(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=total)
            bars.update(tasks[phase], completed=done, total=total)

        yield report
