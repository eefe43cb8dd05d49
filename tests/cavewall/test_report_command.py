"""`cavewall report` writes one file, whole or not at all, and says what is in it."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.snapshot import build_snapshot
from registry.handle import Registry
from tests.analysis.report.planted import STRICT, register_only, report_zoo
from tests.cavewall.conftest import Call

CONTENTS = ["answer", "matrix", "matrix-2", "pictures-x-words", "trend", "trend-scatter"]


@pytest.fixture
def full(zoo: Registry) -> Registry:
    """A zoo that has all a report shows, and the working directory in it."""
    report_zoo(zoo)
    return zoo


def test_one_file_is_written_and_described_in_numbers(call: Call, full: Registry) -> None:
    result = call("report")
    assert result.exit_code == 0
    assert result.stdout == ""
    content = Path("report.html").read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    assert re.match(
        rf"wrote report.html  0\.\d MB, one file, no network needed, 11 figures, 5 checkpoints, snapshot 1, "
        rf"sha256 {digest}…\n",
        result.stderr,
    )
    assert content.startswith(b"<!DOCTYPE html>")
    assert not list(Path().glob(".*.writing"))


def test_a_second_report_of_the_same_snapshot_is_the_same_file(call: Call, full: Registry) -> None:
    assert call("report", "-o", "one.html").exit_code == call("report", "-o", "two.html").exit_code == 0
    assert Path("one.html").read_bytes() == Path("two.html").read_bytes()


def test_each_figure_is_written_as_a_picture(call: Call, full: Registry) -> None:
    result = call("report", "--figures", "out/pictures")
    assert result.exit_code == 0
    assert "wrote 11 pictures into out/pictures" in result.stderr
    names = {path.stem for path in Path("out/pictures").iterdir()}
    assert names == {*CONTENTS, *(f"profile-{number}" for number in range(1, 6))}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in Path("out/pictures").iterdir())


def test_a_dash_writes_to_stdout_and_no_file(call: Call, full: Registry) -> None:
    result = call("report", "-o", "-")
    assert result.exit_code == 0
    assert result.stdout.startswith("<!DOCTYPE html>")
    assert result.stdout.endswith("</html>\n")
    assert list(Path().glob("*.html")) == []


def test_one_target_of_two_is_shown(call: Call, full: Registry) -> None:
    assert call("report", "--target", STRICT).exit_code == 0
    assert 'id="matrix-2"' not in Path("report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "report.pdf"], "for example -o report.html"),
        (["-o", "nowhere/report.html"], "mkdir -p nowhere"),
        (["-o", "-", "--open"], "leave out -o - or --open"),
        (["--target", "six/strickt"], STRICT),
        (["--snapshot", "paper-v1"], "cavewall snapshot list"),
    ],
    ids=["suffix", "folder", "open", "target", "snapshot"],
)
def test_what_cannot_be_written_or_shown_is_refused_and_no_file_is_left(
    call: Call, full: Registry, arguments: list[str], said: str
) -> None:
    result = call("report", *arguments)
    assert result.exit_code in (1, 2)
    assert said in result.stderr
    assert result.stdout == ""
    assert list(Path().glob("*.html")) == []


def test_a_file_that_cannot_be_replaced_stays_as_it_was(call: Call, full: Registry) -> None:
    path = Path(f"{'x' * 250}.html")  # as long as a name may be: there is no room for one beside it
    path.write_text("old")
    result = call("report", "-o", path)
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert path.read_text() == "old"


def test_without_a_snapshot_the_next_command_is_named(call: Call, zoo: Registry) -> None:
    result = call("report")
    assert result.exit_code == 1
    assert "cavewall snapshot build" in result.stderr
    assert not Path("report.html").exists()


def test_an_empty_zoo_makes_a_report_that_says_how_to_begin(call: Call, zoo: Registry) -> None:
    build_snapshot(zoo)
    result = call("report")
    assert result.exit_code == 0
    assert "0 figures, 0 checkpoints" in result.stderr
    assert "cavewall checkpoint add REFERENCE" in Path("report.html").read_text()


def test_a_stale_snapshot_is_said(call: Call, full: Registry) -> None:
    register_only(full, "newer")
    result = call("report")
    assert result.exit_code == 0
    assert "the registry has changed since snapshot 1: cavewall snapshot build" in result.stderr


def test_open_shows_the_file_in_the_browser_that_the_environment_names(
    call: Call, full: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/shown\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    program = "from cavewall.cli import main; import sys; sys.argv[0] = 'cavewall'; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "report", "--open"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "shown").read_text().strip() == Path("report.html").resolve().as_uri()


def test_a_report_needs_no_torch(full: Registry) -> None:
    program = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['cavewall', 'report']\n"
        "from cavewall.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert Path("report.html").exists()
