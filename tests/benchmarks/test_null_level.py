"""The benchmark of the null's level, on a few pairs: what it prints and what it judges."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.levels import Ranks, level_of, subject_of

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "null_level.py"
TINY = ("--pairs", "2", "--wrong-pairs", "1", "--draws", "9")


def printed(*options: str) -> str:
    done = subprocess.run(
        [sys.executable, SCRIPT, *TINY, *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_metric_has_a_row_for_each_width_and_null() -> None:
    rows = json.loads(printed("--metrics", "rsa,mutual_knn", "--format", "json"))["rows"]
    found = [(row["metric"], row["d"], row["n"], row["null"], row["pairs"]) for row in rows]
    assert found == [
        (metric, d, n, null, pairs)
        for metric, n, widths in (("rsa", 24, (8, 24, 72)), ("mutual_knn", 128, (42, 128, 384)))
        for d in widths
        for null, pairs in (("right", 2), ("wrong", 1))
    ]
    assert {row["expected"] for row in rows} == {0.0}  # of ten steps none is at .05 or below


def test_the_table_has_a_line_for_each_row() -> None:
    heading, *lines = printed("--metrics", "rsa").splitlines()
    assert len(lines) == 6
    assert all(len(line.split()) == len(heading.split()) for line in lines)


def ranks_of(above: np.ndarray, tied: np.ndarray) -> Ranks:
    return Ranks((1 + above + tied) / 20, above, tied)


def test_ranks_that_are_uniform_are_level_and_others_are_not() -> None:
    subject, none = subject_of("rsa", 24), np.zeros(1000, np.int64)
    level = level_of(subject, 24, 24, "right", 19, ranks_of(np.arange(1000) % 20, none))
    assert level.is_level
    assert (level.share, level.expected, level.untied) == (0.05, 0.05, 0.05)
    assert level.ks > 0.5
    high = level_of(subject, 24, 24, "wrong", 19, ranks_of(10 + np.arange(1000) % 10, none))
    assert not high.is_level
    assert high.ks < 1e-9


def test_ties_make_p_larger_and_are_broken_at_random_beside_it() -> None:
    all_tied = ranks_of(np.zeros(4000, np.int64), np.full(4000, 19))
    level = level_of(subject_of("cycle_knn", 24), 24, 24, "right", 19, all_tied)
    assert (level.share, level.tied) == (0.0, 1.0)
    assert abs(level.untied - 0.05) < 3 * level.error
    assert level.ks > 0.01
