"""Registries to test on: empty and migrated, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from registry.database import make_engine
from registry.handle import Registry, create_registry, open_registry
from registry.migrate import upgrade
from registry.settings import load_settings
from tests.postgres import Cluster, PostgresMissing, private_cluster

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", HF_HUB_OFFLINE="1")
for variable in [name for name in os.environ if name.startswith("CAVEWALL_")]:
    del os.environ[variable]

TEMPLATE = "migrated"
numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def single_thread() -> None:
    """Keep torch on one thread, in the tests that have imported it."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A private server; the tests that need it are skipped, with the reason, where there can be none."""
    try:
        with private_cluster() as cluster:
            yield cluster
    except PostgresMissing as error:
        pytest.skip(f"no PostgreSQL: {error}")


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: Cluster) -> str:
    """The name of a migrated database without rows, to copy."""
    postgres_cluster.create(TEMPLATE)
    engine = make_engine(postgres_cluster.url(TEMPLATE))
    upgrade(engine)
    engine.dispose()
    return TEMPLATE


@pytest.fixture
def postgres_url(postgres_cluster: Cluster, postgres_template: str) -> Iterator[str]:
    """The address of a migrated PostgreSQL database without rows."""
    name = f"test_{next(numbers)}"
    postgres_cluster.create(name, template=postgres_template)
    yield postgres_cluster.url(name)
    postgres_cluster.drop(name)


@pytest.fixture
def empty_postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """The address of a PostgreSQL database without tables."""
    name = f"test_{next(numbers)}"
    postgres_cluster.create(name)
    yield postgres_cluster.url(name)
    postgres_cluster.drop(name)


@pytest.fixture(scope="session")
def zoo_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty zoo on SQLite, to copy."""
    folder = tmp_path_factory.mktemp("template") / "zoo"
    create_registry(folder).close()
    return folder


@pytest.fixture
def sqlite_registry(zoo_template: Path, tmp_path: Path) -> Iterator[Registry]:
    """An empty registry on SQLite, in `tmp_path / "zoo"`."""
    folder = tmp_path / "zoo"
    shutil.copytree(zoo_template, folder)
    opened = open_registry(load_settings(folder))
    yield opened
    opened.close()


@pytest.fixture
def postgres_registry(postgres_url: str, tmp_path: Path) -> Iterator[Registry]:
    """An empty registry on PostgreSQL, its zoo in `tmp_path / "zoo-on-postgresql"`."""
    created = create_registry(tmp_path / "zoo-on-postgresql", postgres_url)
    yield created
    created.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(request: pytest.FixtureRequest) -> Registry:
    """An empty registry, on each kind of database in turn."""
    name = "sqlite_registry" if request.param == "sqlite" else "postgres_registry"
    opened: Registry = request.getfixturevalue(name)
    return opened


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a database without tables, of each kind in turn."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    else:
        url = request.getfixturevalue("empty_postgres_url")
    engine = make_engine(url)
    yield engine
    engine.dispose()
