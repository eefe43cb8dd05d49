"""The program, called as a user calls it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cavewall.cli import program
from cavewall.zoo import open_zoo
from ingest.datasets import add_dataset
from ingest.items_from_files import items_from_files
from registry.handle import Registry, open_registry
from registry.settings import load_settings

Call = Callable[..., Result]


@pytest.fixture
def call() -> Call:
    """Run a command line in this process; the result has stdout and stderr apart."""
    runner = CliRunner()

    def run(*arguments: object, stdin: str | None = None) -> Result:
        return runner.invoke(program, [str(argument) for argument in arguments], input=stdin)

    return run


@pytest.fixture
def zoo(sqlite_registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """An empty zoo, and the working directory in it."""
    assert sqlite_registry.settings.folder is not None
    monkeypatch.chdir(sqlite_registry.settings.folder)
    return sqlite_registry


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a zoo."""
    folder = tmp_path / "nowhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def small_template(zoo_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a zoo with 24 items, three baselines, their embeddings and a target, to copy."""
    folder = tmp_path_factory.mktemp("small") / "zoo"
    shutil.copytree(zoo_template, folder)
    pictures, texts = write_items(folder.parent)
    with open_zoo(folder) as zoo:
        items = items_from_files(pictures, texts)
        add_dataset(zoo.registry, "tiny", items, licence="CC0-1.0")
        generator = np.random.default_rng(7)
        shared = generator.standard_normal((len(items.ids), 6))
        for reference, name in (("pixels", "pixels"), ("tf-idf", "words"), ("pixels:16", "coarse")):
            zoo.add(f"baseline:{reference}", name=name)
            noise = generator.standard_normal((2, len(items.ids), 6))
            layers = {f"layer{index}": (shared + noise[index]).astype(np.float32) for index in range(2)}
            zoo.embed(name, layers, dataset="tiny", ids=items.ids)
        zoo.target(k=3)
    return folder


@pytest.fixture
def small_zoo(small_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A small zoo whose pairs are not computed yet, and the working directory in it."""
    folder = tmp_path / "small"
    shutil.copytree(small_template, folder)
    monkeypatch.chdir(folder)
    opened = open_registry(load_settings(folder))
    yield opened
    opened.close()


def write_items(folder: Path, count: int = 24) -> tuple[Path, Path]:
    """Write a folder of pictures of noise and a table of texts, and return both paths."""
    generator = np.random.default_rng(3)
    pictures, table = folder / "pictures", folder / "texts.csv"
    pictures.mkdir()
    lines = ["id,text"]
    for number in range(count):
        noise = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).save(pictures / f"item{number:02d}.png")
        lines.append(f"item{number:02d},word{number % 5} thing{number % 3}")
    table.write_text("\n".join(lines) + "\n")
    return pictures, table
