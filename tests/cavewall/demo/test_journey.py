"""The demo as a user runs it, and what the README says of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.slow


def cavewall(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cavewall", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def rows(folder: Path, sql: str) -> list[dict[str, object]]:
    result = cavewall(folder, "sql", sql, "--format", "json")
    assert result.returncode == 0, result.stderr
    data: list[dict[str, object]] = json.loads(result.stdout)["data"]
    return data


def aligned(folder: Path) -> int:
    """Run what is missing and return how many pairs that was."""
    result = cavewall(folder, "align", "run", "--device", "cpu", "--format", "json")
    assert result.returncode == 0, result.stderr
    pairs: int = json.loads(result.stdout)["data"]["pairs"]
    return pairs


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo zoo that was built and checked."""
    folder = tmp_path_factory.mktemp("demo")
    result = cavewall(folder, "demo", "--check", "--format", "json")
    assert result.returncode == 0, result.stdout + result.stderr
    checks = json.loads(result.stdout)["data"]
    assert len(checks) == 16
    assert {check["result"] for check in checks} == {"ok"}
    return folder / "cavewall-demo"


def test_the_figure_lies_there_in_three_forms(demo: Path) -> None:
    names = sorted(path.name for path in (demo / "figures").iterdir())
    assert names == ["pictures-x-words.html", "pictures-x-words.png", "pictures-x-words.svg"]


def test_the_readme_shows_what_is_printed(demo: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    session = re.search(r"```console\n\$ cd cavewall-demo.*?```", text, re.DOTALL)
    assert session is not None
    sql = re.search(r'cavewall sql "(.*?)"\n', session.group(), re.DOTALL)
    assert sql is not None
    printed = cavewall(demo, "sql", sql.group(1)).stdout.rstrip("\n")
    assert sql.group() + printed + "\n$ cavewall align run\n" in session.group()
    nothing = cavewall(demo, "align", "run")
    assert nothing.returncode == 0
    lines = session.group().splitlines()
    assert nothing.stdout.strip() == lines[lines.index("$ cavewall align run") + 1]


def test_the_readme_shows_pictures_that_its_command_makes(demo: Path, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\(docs/([a-z-]+\.png)\)", text)
    assert len(shown) == 2
    assert "cavewall report --figures figures" in text
    result = cavewall(
        demo, "report", "-o", str(tmp_path / "report.html"), "--figures", str(tmp_path / "figures")
    )
    assert result.returncode == 0, result.stderr
    made = {path.name for path in (tmp_path / "figures").iterdir()}
    assert set(shown) <= made
    assert all((ROOT / "docs" / name).is_file() for name in shown)
    assert (tmp_path / "report.html").stat().st_size < 3_000_000


def test_the_views_hold_every_pair_once_and_from_both_sides(demo: Path) -> None:
    for view, count in (("alignment", 66), ("alignment_both", 132)):
        of_targets = rows(demo, f"select target_id, count(*) as pairs from {view} group by 1")
        assert [row["pairs"] for row in of_targets] == [count, count]


def test_every_pair_is_calibrated_and_every_checkpoint_scored(demo: Path) -> None:
    found = rows(demo, "select distinct status, draws, score_se > 0 as has_se from alignment")
    assert found == [{"status": "calibrated", "draws": 200, "has_se": True}]
    found = rows(
        demo,
        "select count(*) as scores, count(distinct checkpoint_id) as checkpoints from scores "
        "join benchmarks using (benchmark_id) where suite = 'emoji-19' and is_current",
    )
    assert found == [{"scores": 19 * 12, "checkpoints": 12}]


def test_one_more_checkpoint_costs_a_row_and_retiring_nothing(demo: Path) -> None:
    for arguments in (
        ("checkpoint", "add", "baseline:pixels:16", "--name", "pixels-16"),
        ("embed", "extract", "pixels-16"),
    ):
        result = cavewall(demo, *arguments)
        assert result.returncode == 0, result.stderr
    assert aligned(demo) == 24  # two targets
    assert aligned(demo) == 0
    retired = cavewall(demo, "checkpoint", "retire", "pixels-16", "--reason", "a test", "--yes")
    assert retired.returncode == 0, retired.stderr
    assert aligned(demo) == 0
    assert cavewall(demo, "checkpoint", "restore", "pixels-16").returncode == 0
    assert aligned(demo) == 24
