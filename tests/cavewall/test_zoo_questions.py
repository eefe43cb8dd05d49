from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import cavewall
from analysis.matrix import AlignmentMatrix
from cavewall.zoo import Zoo
from registry.errors import MissingExtra, NotFoundError, UsageError
from registry.handle import Registry


@pytest.fixture
def aligned(small_zoo: Registry) -> Iterator[Zoo]:
    """The small zoo with its pairs and a snapshot."""
    with cavewall.open() as zoo:
        zoo.align(device="cpu")
        zoo.snapshot()
        yield zoo


def test_rows_come_as_a_data_frame(aligned: Zoo) -> None:
    frame = aligned.sql("select name, modality from checkpoints order by name").df()
    assert frame["name"].tolist() == ["coarse", "pixels", "words"]


def test_library_that_is_missing_is_named(aligned: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtra, match="polars, which is not installed") as missing:
        aligned.sql("select 1").pl()
    assert missing.value.hint == "pip install polars"


def test_answer_shows_its_rows(aligned: Zoo) -> None:
    assert "coarse" in repr(aligned.sql("select name from checkpoints"))
    assert repr(aligned.sql("select 1")).endswith("snapshot 1")
    aligned.add("baseline:pixels:2")
    assert repr(aligned.sql("select 1")).endswith("snapshot 1, older than the registry")


def test_matrix_is_labelled_on_both_sides(aligned: Zoo) -> None:
    matrix = aligned.alignment()
    frame = matrix.df()
    assert list(frame.index) == list(frame.columns) == list(matrix.names)
    assert frame.loc["pixels", "words"] == matrix.of("words", "pixels")
    assert matrix._repr_html_().count("<td>") == 9
    with pytest.raises(NotFoundError, match="'pixel' is not in the matrix") as unknown:
        matrix.of("pixel", "words")
    assert unknown.value.hint == "did you mean pixels ?"


def test_matrix_is_drawn_without_its_diagonal(aligned: Zoo, tmp_path: Path) -> None:
    matrix = aligned.alignment()
    cells = matrix.figure("Who?")["data"]["values"]
    assert len(cells) == 9
    empty = [cell for cell in cells if cell["value"] is None]
    assert len(empty) == 3
    assert all(cell["row"] == cell["column"] for cell in empty)
    matrix.save(tmp_path / "matrix.svg", question="Who?")
    assert "Who?" in (tmp_path / "matrix.svg").read_text()
    with pytest.raises(UsageError, match=r"cannot be saved as '\.bmp'"):
        matrix.save(tmp_path / "matrix.bmp")


def test_matrix_without_pairs_is_not_drawn() -> None:
    with pytest.raises(UsageError, match="no pair to draw"):
        AlignmentMatrix((), np.empty((0, 0)), 1, False).figure()


def test_label_of_a_matrix_is_no_markup() -> None:
    shown = AlignmentMatrix(("<b>", "a"), np.array([[1.0, np.nan], [0.25, 1.0]]), 1, False)._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "<td>·</td>" in shown
    assert "<td>0.250</td>" in shown


def test_scores_are_listed_by_names_and_tasks(aligned: Zoo) -> None:
    from ingest.score_sources import SourceDescription

    source = SourceDescription("lab", kind="harness run")
    for name, value in (("pixels", 0.5), ("coarse", 0.25)):
        aligned.score(name, "suite/task", value, metric="accuracy", source=source)
    assert [(line.checkpoint, line.value) for line in aligned.scores()] == [("pixels", 0.5), ("coarse", 0.25)]
    assert [line.value for line in aligned.scores("coar*", benchmark="suite/*")] == [0.25]
    with pytest.raises(NotFoundError):
        aligned.scores("nobody")
    with pytest.raises(NotFoundError):
        aligned.scores(benchmark="other/*")


def test_kind_of_source_that_there_is_not_is_refused(aligned: Zoo) -> None:
    from ingest.score_sources import SourceDescription

    source = SourceDescription("lab", kind="rumour")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a source is no 'rumour'") as refused:
        aligned.score("pixels", "suite/task", 0.5, metric="accuracy", source=source)
    assert "leaderboard" in refused.value.hint


def test_trend_without_scores_says_what_to_do(aligned: Zoo) -> None:
    with pytest.raises((NotFoundError, UsageError)) as refused:
        aligned.trend()
    assert refused.value.hint


@pytest.mark.slow
def test_report_is_one_file_that_is_written_as_a_whole(aligned: Zoo, tmp_path: Path) -> None:
    written = aligned.report(tmp_path / "zoo.html")
    assert written.path is not None
    assert written.path.stat().st_size == written.byte_count
    assert written.checkpoints == 3
    with pytest.raises(UsageError, match="does not end so"):
        aligned.report(tmp_path / "zoo.txt")
