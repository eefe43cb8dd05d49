"""Somebody who only asks questions needs no torch."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
sys.modules["torch"] = None
import analysis.answers, analysis.matrix, analysis.queries, analysis.snapshot, analysis.views
import analysis.figures.heat_map, analysis.figures.render, analysis.report.page
import analysis.trends.figures, analysis.trends.vtab
heavy = {"torch", "timm", "transformers", "altair"} & {m for m in sys.modules if sys.modules[m]}
print(sorted(heavy))
"""


def test_analysis_works_with_torch_blocked() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
