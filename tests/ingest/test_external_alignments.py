"""Alignments that platonic-rep computed: trusted by word only, layers the right way round, once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from ingest.checkpoints import add_checkpoint
from ingest.external_alignments import AlignmentWish, import_alignments, metric_of, read_alignments
from registry.errors import InputError, NotFoundError
from registry.handle import Registry
from registry.tables import ExternalAlignment, ImportBatch, ImportReject, Name, Run, Source
from tests.ingest.test_embedding_files import Bomb

X, Y = ["words", "coarse"], ["pixels", "coarse"]
SCORES = np.array([[0.25, 0.5], [0.125, 1.0]])
# as measure_alignment.py stores them: (layer of y, layer of x)
INDICES = np.array([[[9, 2], [8, 3]], [[7, 4], [5, 5]]])


def result(folder: Path, *, scores: object = SCORES, indices: object = INDICES) -> Path:
    path = folder / "mutual_knn_k10.npy"
    np.save(path, {"scores": scores, "indices": indices}, allow_pickle=True)  # type: ignore[arg-type]
    return path


def checkpoints(registry: Registry) -> None:
    for reference, name in (("tf-idf", "words"), ("pixels", "pixels"), ("pixels:16", "coarse")):
        add_checkpoint(registry, f"baseline:{reference}", name=name)


def rows(registry: Registry) -> dict[tuple[str, str], ExternalAlignment]:
    with registry.read() as session:
        names = {row.checkpoint_id: row.name for row in session.scalars(select(Name))}
        found = session.scalars(select(ExternalAlignment)).all()
    return {(names[row.left_checkpoint_id], names[row.right_checkpoint_id]): row for row in found}


def test_layers_are_swapped_back_and_a_second_import_adds_nothing(registry: Registry, tmp_path: Path) -> None:
    checkpoints(registry)
    wish = AlignmentWish(X, Y, trust_pickle=True)
    path = result(tmp_path)
    first = import_alignments(registry, path, wish)
    assert (first.added, first.unchanged, first.same_model, first.refused) == (3, 0, 1, 0)
    second = import_alignments(registry, path, wish)
    assert (second.added, second.unchanged) == (0, 3)
    found = rows(registry)
    row = found["words", "pixels"]
    assert (row.score, row.left_layer, row.right_layer) == (0.25, 2, 9)
    assert (row.metric, row.parameters, row.is_directional) == ("mutual_knn", {"k": 10}, False)
    assert (found["coarse", "pixels"].left_layer, found["coarse", "pixels"].right_layer) == (4, 7)
    with registry.read() as session:
        batch = session.scalars(select(ImportBatch)).one()
        source = session.get_one(Source, row.source_id)
        runs = session.scalars(select(Run).where(Run.kind == "align import").order_by(Run.id)).all()
    assert (batch.kind, batch.counts, row.batch_id) == ("alignments", {"added": 3, "refused": 0}, batch.id)
    assert (source.name, source.kind) == ("platonic-rep", "harness run")
    assert runs[0].counts == {"trusted_pickles": [batch.sha256], "alignments": 3}


def test_a_pickle_is_run_only_on_request(sqlite_registry: Registry, tmp_path: Path) -> None:
    checkpoints(sqlite_registry)
    mark, path = tmp_path / "executed", tmp_path / "mutual_knn_k10.npy"
    array = np.empty((), dtype=object)
    array[()] = {"scores": Bomb(mark), "indices": 1}
    np.save(path, array, allow_pickle=True)
    with pytest.raises(
        InputError, match="holds a pickled dict; loading it runs code from the file"
    ) as caught:
        import_alignments(sqlite_registry, path, AlignmentWish(X, Y))
    assert caught.value.hint == "if you trust its source:  add --trust-pickle"
    assert not mark.exists()
    with sqlite_registry.read() as session:
        assert session.scalar(select(func.count()).select_from(ImportBatch)) == 0


def test_a_score_that_is_no_number_is_kept_as_a_refusal(sqlite_registry: Registry, tmp_path: Path) -> None:
    checkpoints(sqlite_registry)
    scores = SCORES.copy()
    scores[1, 0] = np.nan
    wish = AlignmentWish(X, Y, trust_pickle=True)
    done = import_alignments(sqlite_registry, result(tmp_path, scores=scores), wish)
    assert (done.added, done.refused) == (2, 1)
    with sqlite_registry.read() as session:
        refused = session.scalars(select(ImportReject)).one()
    assert (refused.line, refused.content, refused.reason) == (2, "coarse, pixels: nan", "no finite number")


def test_files_that_do_not_fit_are_refused(sqlite_registry: Registry, tmp_path: Path) -> None:
    checkpoints(sqlite_registry)
    wish = AlignmentWish([*X, "pixels"], Y, trust_pickle=True)
    with pytest.raises(InputError, match="has 2 x 2 models, named were 3 x 2"):
        import_alignments(sqlite_registry, result(tmp_path), wish)
    with pytest.raises(NotFoundError, match="no checkpoint 'wrods'"):
        import_alignments(
            sqlite_registry, result(tmp_path), AlignmentWish(["wrods", "coarse"], Y, trust_pickle=True)
        )
    path = result(tmp_path, indices=np.zeros((2, 2)))
    with pytest.raises(
        InputError, match=r"scores of shape \(2, 2\) do not go with indices of shape \(2, 2\)"
    ):
        read_alignments(path, trust_pickle=True)
    np.save(path, SCORES)
    with pytest.raises(InputError, match=r"holds float64 of shape \(2, 2\), expected a dictionary"):
        read_alignments(path, trust_pickle=True)
    np.save(path, np.array([1, "a", None], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="no dictionary of scores and indices"):
        read_alignments(path, trust_pickle=True)
    assert rows(sqlite_registry) == {}


def test_a_layer_that_does_not_exist_is_none(sqlite_registry: Registry, tmp_path: Path) -> None:
    checkpoints(sqlite_registry)
    path = result(tmp_path, indices=np.full((2, 2, 2), -1))
    import_alignments(sqlite_registry, path, AlignmentWish(X, Y, trust_pickle=True))
    assert {(row.left_layer, row.right_layer) for row in rows(sqlite_registry).values()} == {(None, None)}


def test_the_name_of_a_result_says_its_metric() -> None:
    assert metric_of(Path("a/cycle_knn_k5.npy")) == ("cycle_knn", {"k": 5})
    assert metric_of(Path("cka.npy")) == ("cka", {})
    with pytest.raises(InputError, match="the name says no metric"):
        metric_of(Path("Results 3.npy"))
