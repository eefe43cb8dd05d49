"""Importing embedding files: every model on its own, twice without harm, and nothing by guess."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from sqlalchemy import func, select

from ingest.checkpoints import add_checkpoint
from ingest.datasets import add_dataset
from ingest.external_names import checkpoint_ids
from ingest.importing import Imported, ImportWish, import_embeddings
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry, open_registry
from registry.items import Items
from registry.layers import read_layers
from registry.settings import load_settings
from registry.tables import (
    Benchmark,
    Checkpoint,
    Embedding,
    Extraction,
    ImportBatch,
    ImportReject,
    Score,
    Source,
)

torch.set_num_threads(1)
N = 6
IDS = [f"item{i}" for i in range(N)]
ROWS = np.random.default_rng(0).normal(size=(2, N, 4)).astype(np.float32)

Import = Callable[..., list[Imported]]


@pytest.fixture
def imported(registry: Registry) -> Import:
    """A function that imports files into a registry with the data set `toy`."""
    return importer(registry)


@pytest.fixture
def on_sqlite(sqlite_registry: Registry) -> Import:
    return importer(sqlite_registry)


def importer(registry: Registry) -> Import:
    add_dataset(registry, "toy", Items(IDS, texts=[[f"thing {i}"] for i in range(N)]))

    def run(*paths: Path, **wish: object) -> list[Imported]:
        return import_embeddings(registry, list(paths), ImportWish(**wish))  # type: ignore[arg-type]

    return run


def count(registry: Registry, table: type) -> int:
    with registry.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def array_file(folder: Path, name: str = "words.npy", array: np.ndarray = ROWS[0]) -> Path:
    np.save(folder / name, array)
    return folder / name


def test_an_array_becomes_an_embedding_whose_rule_says_that_it_was_imported(
    registry: Registry, imported: Import, tmp_path: Path
) -> None:
    add_checkpoint(registry, "baseline:tf-idf", name="words")
    (line,) = imported(array_file(tmp_path), layer="last", pooling="mean", ids=IDS)
    assert (line.outcome, line.checkpoint, line.shape) == ("added", "words", "6x1x4")
    with registry.read() as session:
        row = session.scalars(select(Embedding)).one()
        rule = session.get_one(Extraction, row.extraction_id)
        batch = session.scalars(select(ImportBatch)).one()
    assert (row.layer_names, row.kind, row.location, row.run_id) == (["last"], "features", None, batch.run_id)
    assert (rule.pooling, rule.layer_rule, rule.padding_side, rule.caption_index) == (
        "mean", "imported", "imported", None,
    )  # fmt: skip
    assert (batch.kind, batch.format, batch.counts) == ("embeddings", "npy", {"embeddings": 1, "failed": 0})
    assert row.resolved["file_sha256"] == batch.sha256


def test_the_same_file_again_adds_nothing(registry: Registry, imported: Import, tmp_path: Path) -> None:
    add_checkpoint(registry, "baseline:tf-idf", name="words")
    path = array_file(tmp_path)
    tables = (Checkpoint, Embedding, ImportBatch, Extraction)
    assert imported(path)[0].outcome == "added"
    before = [count(registry, table) for table in tables]
    assert imported(path)[0].outcome == "unchanged"
    assert [count(registry, table) for table in tables] == before


def test_other_content_is_named_changed_and_replaced_only_on_request(
    sqlite_registry: Registry, on_sqlite: Import, tmp_path: Path
) -> None:
    add_checkpoint(sqlite_registry, "baseline:tf-idf", name="words")
    on_sqlite(array_file(tmp_path))
    path = array_file(tmp_path, array=ROWS[1])
    (line,) = on_sqlite(path)
    assert line.outcome == "failed"
    assert line.detail.startswith("CHANGED: embedding of words on toy: other content is ready")
    assert line.hint == "supersede it with --replace: 0 pairs are computed again"
    (line,) = on_sqlite(path, replace=True)
    assert (line.outcome, line.detail) == ("replaced", "0 pairs are computed again")


def test_what_cannot_be_an_embedding_is_kept_as_a_refusal_and_stops_no_other(
    sqlite_registry: Registry, on_sqlite: Import, tmp_path: Path
) -> None:
    add_checkpoint(sqlite_registry, "baseline:tf-idf", name="words")
    nan, short = ROWS[0].copy(), ROWS[0][:5]
    nan[3, 1] = np.nan
    bad = [array_file(tmp_path, "nan.npy", nan), array_file(tmp_path, "short.npy", short)]
    strange = array_file(tmp_path, "who.npy")
    mapping = {"nan": "words", "short": "words"}
    lines = on_sqlite(*bad, strange, tmp_path / "absent.npy", array_file(tmp_path), mapping=mapping)
    assert [line.outcome for line in lines] == ["failed"] * 4 + ["added"]
    assert "NaN in row 3" in lines[0].detail
    assert "expected 6 rows, one per item of toy, found 5" in lines[1].detail
    assert "'who' needs a name" in lines[2].detail
    assert "absent.npy cannot be read" in lines[3].detail
    with sqlite_registry.read() as session:
        reasons = session.scalars(select(ImportReject.reason).order_by(ImportReject.id)).all()
    assert reasons == [line.detail for line in lines[:3]]
    on_sqlite(*bad, mapping=mapping)
    assert count(sqlite_registry, ImportReject) == 3


def test_rows_in_another_order_are_refused_at_the_first_difference(
    sqlite_registry: Registry, on_sqlite: Import, tmp_path: Path
) -> None:
    add_checkpoint(sqlite_registry, "baseline:tf-idf", name="words")
    swapped = [IDS[0], IDS[2], IDS[1], *IDS[3:]]
    (line,) = on_sqlite(array_file(tmp_path), ids=swapped)
    assert "in another order than toy: row 1 is 'item2', expected 'item1'" in line.detail
    (line,) = on_sqlite(array_file(tmp_path), ids=swapped, model="external:brain")
    assert (line.outcome, count(sqlite_registry, Checkpoint)) == ("failed", 1)  # nothing half-registered
    assert count(sqlite_registry, Embedding) == 0


def test_two_names_of_the_same_bytes_are_said_to_be(
    sqlite_registry: Registry, on_sqlite: Import, tmp_path: Path
) -> None:
    for name in ("words", "other"):
        add_checkpoint(sqlite_registry, f"baseline:pixels:{len(name)}", name=name, modality=None)
    first, second = array_file(tmp_path), array_file(tmp_path, "other.npy")
    lines = on_sqlite(
        first, second, has_no_weights=True, mapping={"words": "external:w", "other": "external:o"}
    )
    assert lines[1].detail == f"the same bytes as {first}"


def test_rows_that_say_nothing_are_pointed_out(
    sqlite_registry: Registry, on_sqlite: Import, tmp_path: Path
) -> None:
    add_checkpoint(sqlite_registry, "baseline:tf-idf", name="words")
    rows = ROWS[0].copy()
    rows[1] = 2.0
    rows[4] = rows[5]
    (line,) = on_sqlite(array_file(tmp_path, array=rows))
    assert (line.outcome, line.detail) == ("added", "layer.0: 1 constant rows, 2 equal rows")


def feature_file(folder: Path, name: str, **more: object) -> Path:
    torch.save({"feats": torch.from_numpy(np.moveaxis(ROWS, 0, 1).copy()), **more}, folder / name)
    return folder / name


def test_names_of_feature_files_mean_what_they_can_only_mean(
    sqlite_registry: Registry, on_sqlite: Import, tmp_path: Path
) -> None:
    files = [
        feature_file(tmp_path, "bigscience_bloomz-560m_pool-avg.pt", num_params=7, bpb=1.5),
        feature_file(tmp_path, "mymodel_v2_pool-avg.pt", bpb=1.5),
    ]
    lines = on_sqlite(*files)
    assert [line.outcome for line in lines] == ["added", "failed"]
    assert lines[0].pooling == "mean"
    assert "needs a name, ambiguous: 'mymodel/v2' or 'mymodel_v2'" in lines[1].detail
    assert "--map 'mymodel_v2=REFERENCE'" in lines[1].hint
    with sqlite_registry.read() as session:
        checkpoint = session.scalars(select(Checkpoint)).one()
    assert (checkpoint.reference, checkpoint.modality) == ("hf:bigscience/bloomz-560m", "language")
    assert checkpoint.parameter_count is None
    assert checkpoint.attributes["num_params_in_file"] == 7
    (line,) = on_sqlite(files[1], mapping={"mymodel_v2": "hf:me/mymodel_v2"})
    assert line.outcome == "added"


def test_bits_per_byte_are_a_claim_about_the_captions(
    registry: Registry, imported: Import, tmp_path: Path
) -> None:
    path = feature_file(tmp_path, "bigscience_bloomz-560m_pool-avg.pt", bpb=torch.tensor([1.0, 2.0]))
    imported(path)
    imported(path)
    with registry.read() as session:
        score = session.scalars(select(Score)).one()
        benchmark = session.get_one(Benchmark, score.benchmark_id)
        source = session.get_one(Source, score.source_id)
    assert (score.value, score.item_count, benchmark.task) == (1.5, N, "toy")
    assert score.protocol == "platonic-rep: mean over captions"
    assert (source.name, source.trust) == ("platonic-rep feature files", "medium")


def test_a_mapping_that_no_file_needs_is_pointed_out(
    sqlite_registry: Registry, on_sqlite: Import, tmp_path: Path
) -> None:
    lines = on_sqlite(array_file(tmp_path), mapping={"wrods": "external:w"})
    assert [(line.outcome, line.part) for line in lines] == [("failed", "words"), ("failed", "wrods")]


def test_distances_need_no_weights_and_no_pictures(
    registry: Registry, imported: Import, tmp_path: Path
) -> None:
    distances = np.linalg.norm(ROWS[0][:, None] - ROWS[0][None], axis=2)
    path = array_file(tmp_path, "brain.npy", distances[np.triu_indices(N, 1)])
    wish = {"kind": "distances", "has_no_weights": True, "modality": "vision"}
    assert imported(path, **wish)[0].outcome == "added"
    assert imported(path, **wish)[0].outcome == "unchanged"
    with registry.read() as session:
        row, checkpoint = session.scalars(select(Embedding)).one(), session.scalars(select(Checkpoint)).one()
    assert (row.kind, row.widths) == ("distances", [N])
    assert (checkpoint.reference, checkpoint.modality) == ("external:brain", "vision")
    assert (checkpoint.attributes, checkpoint.parameter_count) == ({"weights": "none"}, None)
    (stored,) = read_layers(registry.store, row.uri, row.sha256, row.layer_names)
    assert np.allclose(stored, distances, atol=1e-6)


def test_one_model_cannot_be_everything_in_a_file(on_sqlite: Import, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no format 'hdf5'"):
        on_sqlite(array_file(tmp_path), file_format="hdf5")


def with_place(registry: Registry, folder: Path) -> Registry:
    """The same registry, opened after a place was declared."""
    assert registry.settings.folder is not None
    toml = registry.settings.folder / "cavewall.toml"
    toml.write_text(toml.read_text() + f'\n[locations]\nlab = "{folder}"\n')
    return open_registry(load_settings(registry.settings.folder, environment={"HOME": "/nowhere"}))


def test_a_file_in_a_declared_place_stays_there(sqlite_registry: Registry, tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    save_file({"a": ROWS[0], "b": ROWS[1]}, lab / "words.safetensors")
    registry = with_place(sqlite_registry, lab)
    run = importer(registry)
    add_checkpoint(registry, "baseline:tf-idf", name="words")
    (line,) = run(lab / "words.safetensors", in_place=True)
    assert line.outcome == "added", line.detail
    with registry.read() as session:
        row = session.scalars(select(Embedding)).one()
    assert (row.location, row.uri) == ("lab", "words.safetensors")
    (layer,) = read_layers(registry.store, row.uri, row.sha256, ["b"], location=row.location)
    assert np.array_equal(layer, ROWS[1])
    assert not list(registry.store.root.glob("embeddings/**/*.safetensors"))
    registry.close()


def test_only_what_is_read_as_it_lies_stays_in_place(sqlite_registry: Registry, tmp_path: Path) -> None:
    lab, outside = tmp_path / "lab", tmp_path / "outside"
    lab.mkdir()
    outside.mkdir()
    registry = with_place(sqlite_registry, lab)
    run = importer(registry)
    add_checkpoint(registry, "baseline:tf-idf", name="words")
    save_file({"a": ROWS[0]}, outside / "words.safetensors")
    (lab / "words.safetensors").symlink_to(outside / "words.safetensors")
    (line,) = run(lab / "words.safetensors", in_place=True)
    assert "lies in no declared place (lab = " in line.detail
    (lab / "words.safetensors").unlink()
    save_file({"a": ROWS[0].astype(np.float16)}, lab / "words.safetensors")
    (line,) = run(lab / "words.safetensors", in_place=True)
    assert "cannot stay in place: 'a' is F16, not F32" in line.detail
    (line,) = run(array_file(lab), in_place=True)
    assert "only safetensors files are read as they are" in line.detail
    assert count(registry, Embedding) == 0
    registry.close()


def test_names_of_results_are_names_references_or_hub_ids(sqlite_registry: Registry) -> None:
    known = add_checkpoint(sqlite_registry, "baseline:tf-idf", name="words").checkpoint_id
    first, second, third = checkpoint_ids(
        sqlite_registry, ["words", "baseline:tf-idf", "bigscience/bloomz-560m"]
    )
    assert (first, second) == (known, known)
    with sqlite_registry.read() as session:
        assert session.get_one(Checkpoint, third).reference == "hf:bigscience/bloomz-560m"
    with pytest.raises(NotFoundError, match="no checkpoint 'nobody'"):
        checkpoint_ids(sqlite_registry, ["nobody"])
