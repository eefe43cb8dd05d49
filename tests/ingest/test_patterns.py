"""One pattern, many references: in every shell, because it is quoted and written out here."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.patterns import expand_reference
from registry.errors import InputError, UsageError


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with runs, and the working directory in it."""
    for name in ("r7/step_10.pt", "r7/step_9.pt", "r7/step_9.json", "r8/deep/step_2.pt", "odd{a,b}[1].pt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("runs")
def test_files_come_in_natural_order_as_they_were_asked_for() -> None:
    assert expand_reference("path:./r7/step_*.pt") == ["path:./r7/step_9.pt", "path:./r7/step_10.pt"]
    assert expand_reference("path:r7/step_?.pt") == ["path:r7/step_9.pt"]


@pytest.mark.usefixtures("runs")
def test_two_stars_span_folders() -> None:
    found = expand_reference("path:**/step_*.pt")
    assert found == ["path:r7/step_9.pt", "path:r7/step_10.pt", "path:r8/deep/step_2.pt"]


@pytest.mark.usefixtures("runs")
def test_braces_come_before_globs_and_nothing_comes_twice() -> None:
    assert expand_reference("path:{r7,r8/deep}/*.pt") == [
        "path:r7/step_9.pt", "path:r7/step_10.pt", "path:r8/deep/step_2.pt",
    ]  # fmt: skip
    assert expand_reference("path:r7/{*,step_9}.json") == ["path:r7/step_9.json"]


@pytest.mark.usefixtures("runs")
def test_a_path_that_exists_is_meant_as_it_is_written() -> None:
    assert expand_reference("path:odd{a,b}[1].pt") == ["path:odd{a,b}[1].pt"]


@pytest.mark.usefixtures("runs")
def test_a_glob_without_a_file_and_malformed_braces_are_one_sentence() -> None:
    with pytest.raises(InputError, match=r"no file matches path:r9/\*\.pt"):
        expand_reference("path:r9/*.pt")
    with pytest.raises(UsageError, match="do not close"):
        expand_reference("path:r7/{a.pt")


def test_other_references_have_braces_and_no_globs() -> None:
    assert expand_reference("hf:org/model@step{0,1}") == ["hf:org/model@step0", "hf:org/model@step1"]
    assert expand_reference("hf:org/model@step*") == ["hf:org/model@step*"]
    assert expand_reference("path:~nobody-here/x.pt") == ["path:~nobody-here/x.pt"]
