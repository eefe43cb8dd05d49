from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from registry.clock import now
from registry.processes import is_running, parse_stat


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_a_process_runs_until_it_ends(sleeper: subprocess.Popen[bytes]) -> None:
    began = now()
    assert is_running(sleeper.pid, began)
    assert is_running(os.getpid(), began)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not is_running(sleeper.pid, began), "ended, and nobody has collected it"
    sleeper.wait()
    assert not is_running(sleeper.pid, began)


def test_a_number_that_was_given_to_another_process_since_is_not_running(
    sleeper: subprocess.Popen[bytes],
) -> None:
    assert not is_running(sleeper.pid, now() - timedelta(hours=1))
    assert is_running(sleeper.pid, now() + timedelta(hours=1))


@pytest.mark.parametrize("pid", [0, -1, 2**30])
def test_what_is_no_process_does_not_run(pid: int) -> None:
    assert not is_running(pid, now())


def test_a_name_with_spaces_and_brackets_does_not_hide_when_a_process_began() -> None:
    fields = " ".join(str(number) for number in range(4, 53))
    assert parse_stat(f"17 (a) b (c) S {fields}") == ("S", 22)
    with pytest.raises(ValueError, match="not the state"):
        parse_stat("17 (short) S 1 2")
