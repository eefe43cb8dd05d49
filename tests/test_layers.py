"""The house holds: dependencies point one way, heavy libraries stay where they belong, files stay short."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("analysis", "cavewall", "compute", "ingest", "migrations", "registry")
MAY_IMPORT = {
    "registry": set(),
    "ingest": {"registry"},
    "compute": {"registry"},
    "analysis": {"registry"},
    "migrations": {"registry"},
    "cavewall": {"registry", "ingest", "compute", "analysis"},
}
WITHOUT_TORCH = ("registry", "analysis", "migrations")
TORCH = {"torch", "torchvision", "timm", "transformers", "tokenizers", "numba"}
LONGEST_FILE = 350


def sources(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of every import, wherever it stands, those by a literal name too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = (
                node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            )
            if function in ("import_module", "__import__"):
                yield node.lineno, str(node.args[0].value)


def imports_of(layer: str) -> list[tuple[str, str]]:
    """Return where and what a layer imports."""
    found = []
    for path in sources(layer):
        for line, name in imported(ast.parse(path.read_text(encoding="utf-8"))):
            found.append((f"{path.relative_to(ROOT)}:{line}", name))
    return found


def test_imports_are_found_wherever_they_stand() -> None:
    text = (
        "import a.b\nif TYPE_CHECKING:\n    from c.d import e\n"
        "def f():\n    from . import g\n    importlib.import_module('h.i')\n"
    )
    assert [name for _, name in imported(ast.parse(text))] == ["a.b", "c.d", ".", "h.i"]


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_imports_only_what_lies_below_it(layer: str) -> None:
    wrong = [
        f"{place} imports {name}"
        for place, name in imports_of(layer)
        if name.partition(".")[0] in set(LAYERS) - MAY_IMPORT[layer] - {layer}
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_are_absolute(layer: str) -> None:
    assert [place for place, name in imports_of(layer) if name.startswith(".")] == []


@pytest.mark.parametrize("layer", LAYERS)
def test_no_module_imports_the_root_of_its_own_layer(layer: str) -> None:
    assert [place for place, name in imports_of(layer) if name == layer] == []


@pytest.mark.parametrize("layer", WITHOUT_TORCH)
def test_layer_never_imports_what_runs_models(layer: str) -> None:
    wrong = [
        f"{place} imports {name}" for place, name in imports_of(layer) if name.partition(".")[0] in TORCH
    ]
    assert wrong == []


def test_layers_import_no_test() -> None:
    wrong = [
        place for layer in LAYERS for place, name in imports_of(layer) if name.partition(".")[0] == "tests"
    ]
    assert wrong == []


def test_packages_of_the_project_file_are_those_on_disk() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert settings["package-dir"] == {"registry.migrations": "migrations"}
    on_disk = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for layer in LAYERS
        for path in sources(layer)
        if path.name == "__init__.py"
    }
    shipped = {name if not name.startswith("migrations") else f"registry.{name}" for name in on_disk}
    assert set(settings["packages"]) == shipped
    assert settings["packages"] == sorted(settings["packages"])


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for layer in LAYERS for path in sources(layer)}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_says_that_it_is_typed(layer: str) -> None:
    assert (ROOT / layer / "py.typed").exists()


def test_no_file_is_too_long() -> None:
    files = [path for folder in (*LAYERS, "tests", "benchmarks") for path in sources(folder)]
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files
    }
    assert {name: count for name, count in lengths.items() if count > LONGEST_FILE} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    names = {path.stem for layer in LAYERS for path in sources(layer)}
    assert names & {"utils", "util", "helpers", "common", "base", "misc"} == set()
