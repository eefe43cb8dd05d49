from __future__ import annotations

import ast
import json
import time
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples"
NOTEBOOK = FOLDER / "own_embeddings.ipynb"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells_of(path: Path, kind: str) -> list[dict[str, Any]]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def run(path: Path) -> tuple[dict[str, Any], list[Any]]:
    """Run a notebook's cells in order, and return its names and what each cell shows: its last expression."""
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for number, cell in enumerate(cells_of(path, "code")):
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"{path.name}[{number}]", "exec"), names)  # noqa: S102 - our own notebook
        value = last.value if isinstance(last, ast.Expr) else None
        code = None if value is None else compile(ast.Expression(value), f"{path.name}[{number}]", "eval")
        shown.append(None if code is None else eval(code, names))  # noqa: S307 - our own notebook
    return names, shown


@pytest.mark.slow
def test_notebook_of_own_embeddings_runs_and_shows_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path)
    began = time.process_time()
    names, shown = run(NOTEBOOK)
    assert time.process_time() - began < 20
    assert "row 0 is 'digit-255', expected 'digit-000'" in capsys.readouterr().out
    rows = {(row["name"], row["other"]): row for row in names["answer"].arrow().to_pylist()}
    assert len(rows) == 6
    for (left, right), row in rows.items():
        assert (row["p"] > 0.01) if "control" in (left, right) else (row["p"] <= 0.01), row
    assert "<td>" in shown[-2]._repr_html_()
    assert (names["folder"] / "matrix.png").read_bytes().startswith(b"\x89PNG")
    assert names["folder"].is_relative_to(tmp_path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_is_plain_and_holds_no_output(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert path.stat().st_size < 20_000
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in cells_of(path, "code"):
        assert (cell["outputs"], cell["execution_count"]) == ([], None)
        assert not any(line.lstrip().startswith(("%", "!")) for line in cell["source"])
