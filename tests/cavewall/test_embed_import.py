"""`cavewall embed import` and `cavewall align import`, as a user calls them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from cavewall.zoo import open_zoo
from compute.targets import FEWEST_DRAWS, NullRule, TargetRule, add_target
from registry.handle import Registry
from registry.tables import Alignment, Checkpoint, Embedding, LayerStat
from tests.cavewall.conftest import Call

DATA = Path(os.environ.get("CAVEWALL_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
N = 24


def count(registry: Registry, table: type) -> int:
    with registry.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def features(folder: Path, seed: int = 1) -> Path:
    rows = np.random.default_rng(seed).normal(size=(N, 4)).astype(np.float32)
    np.save(folder / "theirs.npy", rows)
    return folder / "theirs.npy"


def test_a_file_comes_in_once(small_zoo: Registry, call: Call, tmp_path: Path) -> None:
    path = features(tmp_path)
    before = count(small_zoo, Embedding)
    dry = call("embed", "import", path, "--model", "pixels", "--dry-run")
    assert (dry.exit_code, count(small_zoo, Embedding)) == (0, before)
    assert "added  theirs.npy  → pixels  24x1x4" in dry.stdout
    assert "would be: added 1" in dry.stdout
    done = call("embed", "import", path, "--model", "pixels", "--format", "npy", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["data"]["counts"]) == (0, {"added": 1})
    again = call("embed", "import", path, "--model", "pixels")
    assert (again.exit_code, again.stdout.strip()) == (0, "unchanged 1")
    assert count(small_zoo, Embedding) == before + 1


def test_some_that_fail_are_said_and_the_rest_stays(small_zoo: Registry, call: Call, tmp_path: Path) -> None:
    path = features(tmp_path)
    result = call("embed", "import", path, tmp_path / "absent.npy", "--map", "theirs=pixels")
    assert result.exit_code == 3
    assert "failed  absent.npy" in result.stdout
    assert "1 of 2 embeddings failed, the rest is committed" in result.stderr
    alone = call("embed", "import", tmp_path / "absent.npy", "--model", "pixels")
    assert alone.exit_code == 1


def test_a_pattern_that_no_shell_replaced_finds_files(
    small_zoo: Registry, call: Call, tmp_path: Path
) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    features(deep)
    done = call("embed", "import", f"{tmp_path}/**/*.npy", "--model", "pixels")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "added 1")
    refused = call("embed", "import", f"{tmp_path}/**/*.npz", "--model", "pixels")
    assert refused.exit_code == 2
    assert "no file matches" in refused.stderr


def test_a_map_file_names_what_files_mean(small_zoo: Registry, call: Call, tmp_path: Path) -> None:
    path, table = features(tmp_path), tmp_path / "names.csv"
    table.write_text("name,reference\ntheirs,words\n")
    assert call("embed", "import", path, "--map-file", table).exit_code == 0
    table.write_text("theirs,words\n")
    refused = call("embed", "import", path, "--map-file", table)
    assert refused.exit_code == 1
    assert "expected the columns name, reference, found theirs, words" in refused.stderr


def test_an_alignment_of_theirs_is_asked_for_in_sql(small_zoo: Registry, call: Call, tmp_path: Path) -> None:
    path, names = tmp_path / "mutual_knn_k10.npy", tmp_path / "names.txt"
    held = {"scores": np.array([[1.0, 0.25], [0.25, 1.0]]), "indices": np.array([[[0, 0], [1, 2]]] * 2)}
    np.save(path, held, allow_pickle=True)  # type: ignore[arg-type]
    names.write_text("pixels\nwords\n")
    refused = call("align", "import", path, "--x-models", names)
    assert refused.exit_code == 1
    assert "if you trust its source:  add --trust-pickle" in refused.stderr
    done = call("align", "import", path, "--x-models", names, "--trust-pickle", "--dataset", "tiny")
    assert done.stdout.strip() == "added 2, 2 of a model with itself left out  mutual_knn_k10.npy"
    with open_zoo(".") as zoo:
        zoo.snapshot()
        answer = zoo.sql(
            "SELECT left_layer, right_layer, score, source FROM external_alignments "
            "ORDER BY left_checkpoint_id"
        )
    assert answer.table.to_pylist()[0] == {
        "left_layer": 2, "right_layer": 1, "score": 0.25, "source": "platonic-rep",
    }  # fmt: skip


@pytest.mark.skipif(not (DATA / "rdm92").is_dir(), reason="skipped: no data")
def test_dissimilarities_of_brains_and_models_become_a_zoo(zoo: Registry, call: Call, tmp_path: Path) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text("id,text\n" + "".join(f"object{i:02d},object {i}\n" for i in range(1, 93)))
    assert call("dataset", "add", "objects", "--texts", texts).exit_code == 0
    command = ["embed", "import", *sorted((DATA / "rdm92").glob("*.mat")), "--kind", "distances",
               "--external", "--modality", "vision"]  # fmt: skip
    assert call(*command).stdout.strip().endswith("added 16")
    assert call(*command).stdout.strip() == "unchanged 16"
    assert call("target", "add", "--draws", "19").exit_code == 0
    run = call("align", "run", "--device", "cpu")
    assert "aligned 120 pairs" in run.stdout, run.stderr
    with zoo.read() as session:
        rows = session.scalars(select(Alignment)).all()
        ties = session.scalars(select(LayerStat.tied_rows)).all()
    assert all(row.score_se is not None and row.null_mean is not None and row.p is not None for row in rows)
    assert sorted(ties)[-2:] == [92, 92]  # two models of the sixteen are categories
    assert (count(zoo, Checkpoint), len(rows)) == (16, 120)


def test_a_recipe_that_centres_takes_no_distances(small_zoo: Registry, call: Call, tmp_path: Path) -> None:
    rows = np.random.default_rng(2).normal(size=(N, 3))
    np.save(tmp_path / "brain.npy", np.linalg.norm(rows[:, None] - rows[None], axis=2))
    np.save(tmp_path / "likeness.npy", rows @ rows.T)
    shared = ["--external", "--modality", "vision"]
    call("embed", "import", tmp_path / "brain.npy", "--kind", "distances", *shared)
    call("embed", "import", tmp_path / "likeness.npy", "--kind", "kernel", *shared)
    with small_zoo.read() as session:
        extraction = session.scalars(select(Embedding.extraction_id).where(Embedding.kind == "kernel")).one()
    for recipe in ("cosine", "centre,cosine"):
        rule = TargetRule(k=3, recipe=recipe, null=NullRule(draws=FEWEST_DRAWS))
        add_target(small_zoo, "tiny", [extraction], rule, name=recipe.replace(",", "-"))
    assert "aligned 1 pair" in call("align", "run", "cosine", "--device", "cpu").stdout
    assert call("align", "run", "centre-cosine", "--device", "cpu").exit_code == 0
    with small_zoo.read() as session:
        assert len(session.scalars(select(Alignment)).all()) == 1
        assert set(session.scalars(select(Embedding.status))) == {"ready"}
