"""A signal ends `align run` after what it was doing, and the next run goes on there."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cavewall
from registry.handle import Registry
from tests.cavewall.conftest import Call

CHECKPOINTS = 120


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_run_that_is_told_to_stop_commits_and_resumes(
    call: Call, small_zoo: Registry, number: signal.Signals, code: int
) -> None:
    generator = np.random.default_rng(0)
    with cavewall.open(Path.cwd()) as zoo:
        for index in range(CHECKPOINTS):
            zoo.add(f"baseline:pixels:{index + 33}", name=f"p{index}")
            zoo.embed(f"p{index}", {"x": generator.standard_normal((24, 4)).astype(np.float32)})
    run = subprocess.Popen(
        [sys.executable, "-m", "cavewall", "align", "run", "--device", "cpu"],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stderr is not None
    assert "phase=neighbours done=0" in run.stderr.readline()
    run.send_signal(number)
    stdout, stderr = run.communicate(timeout=60)
    assert run.returncode == code, stderr
    assert stdout == ""
    assert "stopping after this unit" in stderr
    assert "resume: cavewall align run" in stderr
    again = call("align", "run", "--device", "cpu", "--quiet")
    assert again.exit_code == 0, again.stderr
    pairs = (CHECKPOINTS + 3) * (CHECKPOINTS + 2) // 2
    assert call("align", "run").stdout == f"nothing to do: {pairs:,} of {pairs:,} pairs are fresh\n"
