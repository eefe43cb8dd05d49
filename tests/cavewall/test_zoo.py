from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cavewall
from cavewall.zoo import Zoo
from registry.errors import ConfigurationError, ConflictError, EmbeddingMismatch, NotFoundError, UsageError
from registry.handle import Registry
from registry.items import read_items
from registry.lookup import find_dataset
from tests.analysis.tiny import TinyZoo


def ids_of(registry: Registry) -> list[str]:
    with registry.read() as session:
        return read_items(registry.store, find_dataset(session, "tiny")).ids


def test_a_session_from_python(small_zoo: Registry) -> None:
    ids = ids_of(small_zoo)
    with cavewall.open(Path.cwd()) as zoo:
        added = zoo.add("baseline:pixels:4", name="coarsest", attributes={"side": 4})
        assert added.outcome == "added"
        layers = {"only": np.random.default_rng(1).standard_normal((24, 5)).astype(np.float32)}
        assert zoo.embed("coarsest", layers, dataset="tiny", ids=ids).outcome == "added"
        assert zoo.embed("coarsest", layers, ids=ids).outcome == "unchanged"
        assert zoo.align(device="cpu").pairs == 6
        assert zoo.align().run_id is None
        assert zoo.snapshot().is_new
        assert zoo.sql("select count(*) as n from alignment").arrow().to_pylist() == [{"n": 6}]
        assert zoo.sql("select $k as k", {"k": 3}).relation.fetchall() == [(3,)]
        matrix = zoo.alignment(dataset="tiny", metric="mutual_knn")
    assert matrix.names == ("pixels", "words", "coarse", "coarsest")
    assert np.array_equal(matrix.values, matrix.values.T)
    assert np.array_equal(np.diag(matrix.values), np.ones(4))


def test_rows_of_another_order_are_refused(small_zoo: Registry) -> None:
    with cavewall.open() as zoo, pytest.raises(EmbeddingMismatch):
        zoo.embed("pixels", {"x": np.zeros((24, 2), np.float32)}, ids=ids_of(small_zoo)[::-1], replace=True)


def test_other_rows_need_replace(small_zoo: Registry) -> None:
    layers = {"x": np.random.default_rng(2).standard_normal((24, 3)).astype(np.float32)}
    with cavewall.open() as zoo:
        with pytest.raises(ConflictError, match="other content is ready"):
            zoo.embed("pixels", layers)
        assert zoo.embed("pixels", layers, replace=True).outcome == "replaced"
        assert zoo.embed("pixels", layers).outcome == "unchanged"


def test_same_target_changes_nothing(small_zoo: Registry) -> None:
    with cavewall.open() as zoo:
        assert zoo.target(k=3).outcome == "unchanged"
        assert zoo.target(k=4, pairs="across").name == "tiny/mutual-knn-k4-across"
        assert zoo.target(k=4, seed=3, alpha=0.01).name == "tiny/mutual-knn-k4-alpha-0.01-seed-3"
        assert zoo.target(k=5, draws=50).outcome == "added"
        assert zoo.target(k=5, draws=60).outcome == "draws raised"


def test_matrix_of_several_targets_must_be_named(small_zoo: Registry) -> None:
    with cavewall.open() as zoo:
        zoo.target(k=2)
        with pytest.raises(UsageError, match="2 targets are meant"):
            zoo.alignment(dataset="tiny")
        zoo.snapshot()
        assert zoo.alignment("tiny/mutual-knn-k2").names == ()


def test_folder_without_a_zoo_is_refused(nowhere: Path) -> None:
    with pytest.raises(ConfigurationError, match="no zoo here"):
        cavewall.open()


def test_zoo_is_opened_by_address_too(small_zoo: Registry, nowhere: Path) -> None:
    with cavewall.open(small_zoo.settings.database) as zoo:
        assert "registry.sqlite" in repr(zoo)


def test_importing_cavewall_imports_no_layer(tmp_path: Path) -> None:
    layers = "{'registry', 'ingest', 'compute', 'analysis'}"
    script = f"import sys, cavewall; print(sorted({layers} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_version_is_the_one_of_the_package() -> None:
    from importlib.metadata import version

    assert cavewall.__version__ == version("cavewall")


def test_discoveries_are_asked_for_by_names(sqlite_registry: Registry) -> None:
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a", "b")
    tiny.add("x", modality="language")
    tiny.calibrate({(2, 0): 0.025, (2, 1): 0.5}, draws=39)
    with Zoo(sqlite_registry) as zoo:
        zoo.snapshot()
        assert [(pair.left_name, pair.right_name) for pair in zoo.discoveries().found] == [("a", "x")]
        answer = zoo.discoveries("main", "x", q=0.04)
        assert (answer.m, answer.found) == (2, ())
        assert [(pair.left_name, pair.right_name) for pair in answer.pairs] == [("x", "a"), ("x", "b")]
        with pytest.raises(NotFoundError):
            zoo.discoveries("main", "nobody")
        with pytest.raises(NotFoundError):
            zoo.discoveries("elsewhere")
