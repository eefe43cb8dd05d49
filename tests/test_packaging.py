"""The wheel is whole: installed in another folder, it makes a zoo and answers a question."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("analysis", "cavewall", "compute", "ingest", "migrations", "registry")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the checkout, so that the checkout stays clean."""
    copy = tmp_path_factory.mktemp("source")
    for folder in SHIPPED:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy / file)
    target = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(copy)],
        check=True,
        capture_output=True,
    )
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's packages, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            str(folder),
            wheel,
        ],
        check=True,
        capture_output=True,
    )
    return folder


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with the installed packages before everything else."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )


def cavewall(installed: Path, folder: Path, *arguments: str) -> str:
    done = run(installed, folder, "-m", "cavewall", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_holds_every_file_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        about = {name.partition(".dist-info/")[2] for name in archive.namelist() if ".dist-info/" in name}
    expected = set()
    for folder in SHIPPED:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(ROOT).as_posix()
                expected.add(f"registry/{name}" if folder == "migrations" else name)
    assert names == expected
    assert {"licenses/LICENSE", "entry_points.txt"} <= about


def test_wheel_needs_the_models_only_as_an_extra(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        lines = archive.read(name).decode().splitlines()
    needed = [line for line in lines if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert not any(word in line for line in needed for word in ("torch", "timm", "transformers", "numba"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"Version: {version}" in lines


def test_installed_elsewhere_it_makes_a_zoo_and_answers_a_question(installed: Path, tmp_path: Path) -> None:
    where = run(
        installed,
        tmp_path,
        "-c",
        "import cavewall, registry.migrate as m; print(cavewall.__file__, m.__file__)",
    )
    assert where.stdout.split() == [
        str(installed / "cavewall" / "__init__.py"),
        str(installed / "registry" / "migrate.py"),
    ]
    assert "(schema 0" in cavewall(installed, tmp_path, "init", "zoo")
    zoo = tmp_path / "zoo"
    assert cavewall(installed, zoo, "db", "current").endswith("(head)\n")
    cavewall(installed, zoo, "snapshot", "build")
    assert (
        cavewall(installed, zoo, "sql", "select count(*) as n from checkpoints", "--format", "csv")
        == "n\n0\n"
    )


def test_users_module_hides_a_layer_of_the_wheel_too(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "registry.py").write_text("")
    (tmp_path / "script.py").write_text("import cavewall")
    done = run(installed, tmp_path, str(tmp_path / "script.py"))
    assert done.returncode == 1
    assert f"{tmp_path / 'registry.py'} hides it" in done.stderr
