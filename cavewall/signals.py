"""Ctrl-c and SIGTERM for commands that work in units: the first asks to stop, the second stops."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from cavewall.console import note

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], int | None]]:
    """Give a function that returns the exit code of the signal that came, or None while there was none.

    The first signal is only remembered, and whoever works looks between two units. The second interrupts at
    once. Outside the main thread, where Python cannot catch signals, the function always returns None.
    """
    codes: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        if codes:
            raise KeyboardInterrupt
        codes.append(EXIT_CODES[signal.Signals(number)])
        note("stopping after this unit (once more = now; at most one unit is lost)")

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {number: signal.signal(number, remember) for number in EXIT_CODES}
    try:
        yield lambda: codes[0] if codes else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
