from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAYERS = ("registry", "ingest", "compute", "analysis")


def run_script(
    folder: Path, *, text: str = "import cavewall; print(cavewall.__version__)"
) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(text)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, str(script)], cwd=folder, capture_output=True, text=True, env=environment
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_users_module_that_hides_a_layer_is_named(layer: str, tmp_path: Path) -> None:
    (tmp_path / f"{layer}.py").write_text("raise RuntimeError('never imported')")
    done = run_script(tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: cavewall needs its own package '{layer}'")
    assert str(tmp_path / f"{layer}.py") in last
    assert "rename that file" in last
    assert done.stderr.count("Error:") == 1


def test_users_package_that_hides_a_layer_is_named(tmp_path: Path) -> None:
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").write_text("")
    done = run_script(tmp_path)
    assert done.returncode == 1
    assert f"the folder {tmp_path / 'analysis'}" in done.stderr


def test_other_files_beside_a_script_are_no_matter(tmp_path: Path) -> None:
    (tmp_path / "registry_of_mine.py").write_text("")
    done = run_script(tmp_path)
    assert done.returncode == 0, done.stderr


def test_looking_costs_milliseconds(tmp_path: Path) -> None:
    text = (
        "import time, cavewall\nfrom cavewall.shadows import refuse_shadows\n"
        "began = time.process_time()\nrefuse_shadows()\nprint(time.process_time() - began)"
    )
    done = run_script(tmp_path, text=text)
    assert float(done.stdout) < 0.02
