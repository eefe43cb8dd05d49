from __future__ import annotations

import os
import signal
import threading

import pytest

from cavewall.signals import asked_to_stop


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_first_signal_asks_and_second_interrupts(number: signal.Signals, code: int) -> None:
    with asked_to_stop() as stop:
        assert stop() is None
        os.kill(os.getpid(), number)
        assert stop() == code
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_handlers_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with asked_to_stop():
        pass
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_other_threads_work_without_signals() -> None:
    found: list[int | None] = []

    def work() -> None:
        with asked_to_stop() as stop:
            found.append(stop())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [None]
