"""At least one row in every table, and all rows of a database to compare."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, inspect
from sqlalchemy.orm import Session

from registry import tables

Rows = dict[str, list[dict[str, Any]]]

MOMENT = datetime(2024, 5, 13, 12, 30, 15, 250_000, tzinfo=UTC)


def digest(letter: str) -> str:
    """Return something of the form of a SHA-256."""
    return letter * 64


def fill(engine: Engine) -> None:
    """Put rows into every table of the newest schema, with each reference between tables used."""
    with Session(engine) as session, session.begin():
        for row in (
            *_roots(),
            *_checkpoints_and_datasets(),
            *_embeddings(),
            *_imports(),
            *_targets(),
            *_pairs(),
        ):
            session.add(row)
            session.flush()  # nothing tells the session which row refers to which


def all_rows(engine: Engine) -> Rows:
    """Return every row of every table, whatever the schema."""
    rows: Rows = {}
    with engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            if table != "alembic_version":
                found = connection.exec_driver_sql(f'SELECT * FROM "{table}"').mappings()
                rows[table] = sorted((dict(row) for row in found), key=str)
    return rows


def _roots() -> list[Any]:
    return [
        tables.Family(id=1, name="resnets"),
        tables.Run(
            id=1, kind="align run", status="done", holds_lock=True, host="cave", pid=7, device="cpu",
            code_version="0.1.0", counts={"added": 1}, started_at=MOMENT, ended_at=MOMENT,
        ),
        tables.Metric(
            id=1, content_key=digest("1"), name="mutual_knn", parameters={"k": 10}, is_symmetric=True,
            code_version=1,
        ),
        tables.Benchmark(
            id=1, suite="text", task="captions", metric="bits_per_byte", version="1", higher_is_better=False,
            low=0.0, high=None, chance=8.0,
        ),
        tables.Source(
            id=1, name="own evaluation", kind="own evaluation", trust="high", url="https://example.org/é",
            published_at=MOMENT, created_at=MOMENT,
        ),
        tables.Extraction(
            id=1, content_key=digest("2"), modality="vision", pooling="mean", layer_rule="all",
            input_size="own", dtype="float32", created_at=MOMENT,
        ),
    ]  # fmt: skip


def _checkpoints_and_datasets() -> list[Any]:
    def checkpoint(number: int, **more: Any) -> tables.Checkpoint:
        return tables.Checkpoint(
            id=number, content_key=digest(str(number)), source="timm", reference=f"net-{number}",
            modality="vision", architecture="net", attributes={"lr": 0.1, "note": "é"}, registered_at=MOMENT,
            visibility="private", entry_point="my_models:build", **more,
        )  # fmt: skip

    return [
        tables.Series(id=1, name="training", family_id=1),
        checkpoint(1, series_id=1, step=0, parameter_count=5_000_000_000, family_id=1),
        checkpoint(2, series_id=1, step=100, parent_id=1, retired_at=MOMENT, retired_reason="superseded"),
        tables.Dataset(
            id=1, content_key=digest("3"), name="emoji", revision="1", item_count=1001, modalities=["vision"],
            pairing="one-to-one", order_fingerprint=digest("4"), set_fingerprint=digest("5"),
            uri="d/x.parquet", sha256=digest("6"), created_at=MOMENT,
        ),
        tables.Failure(
            id=1, subject="checkpoint 2", stage="extract", attempts=3, last_error="NaN in layer 3",
            is_parked=True, run_id=1, first_at=MOMENT, last_at=MOMENT,
        ),
        tables.Snapshot(
            number=1, uri="manifests/1.json", sha256=digest("7"), name="first", run_id=1, created_at=MOMENT
        ),
        tables.HostRate(
            host="cave", device="cpu", work="search", rate=1e9, run_id=1, measured_at=MOMENT
        ),
    ]  # fmt: skip


def _embeddings() -> list[Any]:
    def embedding(number: int) -> tables.Embedding:
        return tables.Embedding(
            id=number, content_key=digest(str(number)), checkpoint_id=number, dataset_id=1, extraction_id=1,
            uri=f"e/{number}.safetensors", sha256=digest("8"), layer_count=2, layer_names=["a", "b"],
            layer_sha256=[digest("9"), digest("a")], widths=[16, 32], dtype="float32",
            order_fingerprint=digest("4"), resolved={"input_size": 224}, libraries={"timm": "1"},
            device="cpu", status="ready", kind="distances", location="lab", run_id=1, created_at=MOMENT,
        )  # fmt: skip

    return [
        tables.Name(id=1, name="net", checkpoint_id=2, started_at=MOMENT, ended_at=MOMENT),
        tables.Name(id=2, name="net", checkpoint_id=1, started_at=MOMENT),
        tables.Dataset(
            id=2, content_key=digest("b"), name="emoji-short", revision="1", item_count=500,
            modalities=["text"], pairing="grouped", parent_id=1, order_fingerprint=digest("c"),
            set_fingerprint=digest("d"), uri="d/y.parquet", sha256=digest("e"), created_at=MOMENT,
        ),
        embedding(1),
        embedding(2),
        tables.Score(
            id=1, content_key=digest("f"), checkpoint_id=1, benchmark_id=1, value=0.1 + 0.2,
            source_id=1, chance=0.125, details={"bytes": 12}, run_id=1, measured_at=MOMENT,
        ),
        tables.ScoreRefusal(
            id=1, checkpoint_id=1, benchmark_id=1, source_id=1, value="nan", reason="not a number", run_id=1,
            refused_at=MOMENT,
        ),
        tables.Battery(
            id=1, content_key=digest("0"), name="nineteen", kind="linear probe", dataset_id=1,
            definition={"tasks": ["category"]}, created_at=MOMENT,
        ),
        tables.Exclusion(
            id=1, content_key=digest("0"), dataset_id=1, name="shared-word", rule={"by": "words"},
            uri="x/1.parquet", sha256=digest("1"), pair_count=5_000_000_000, largest_degree=40,
            created_at=MOMENT,
        ),
        tables.LayerStat(
            embedding_id=1, recipe="cosine", layer=1, code_version=1, k=10, tied_rows=3, duplicate_rows=0,
            mean_cosine=0.1 + 0.2, effective_rank=17.5, in_degree_skew=None,
        ),
        tables.LayerForm(
            id=1, embedding_id=1, recipe="centre", form=digest("a"), uri="f/1", sha256=digest("b"),
            created_at=MOMENT,
        ),
    ]  # fmt: skip


def _imports() -> list[Any]:
    return [
        tables.Tag(checkpoint_id=1, tag="vtab78"),
        tables.ImportBatch(
            id=1, content_key=digest("1"), kind="scores", format="long", path="é.csv", sha256=digest("2"),
            source_id=1, counts={"added": 1}, run_id=1, imported_at=MOMENT, retired_at=MOMENT,
            retired_reason="a mistake",
        ),
        tables.ImportReject(id=1, batch_id=1, line=3, content="a,b", reason="no number"),
        tables.ImportedScore(score_id=1, batch_id=1),
        tables.ExternalAlignment(
            id=1, content_key=digest("3"), left_checkpoint_id=1, right_checkpoint_id=2, dataset_id=1,
            metric="mutual_knn", parameters={"k": 10}, is_directional=True, score=1 / 3, left_layer=0,
            right_layer=1, details={"note": "é"}, source_id=1, batch_id=1, recorded_at=MOMENT,
        ),
    ]  # fmt: skip


def _targets() -> list[Any]:
    return [
        tables.Neighbours(
            id=1, embedding_id=1, recipe="centre", k_max=100, code_version=1, uri="n/1", sha256=digest("0"),
            created_at=MOMENT,
        ),
        tables.Target(
            id=1, content_key=digest("1"), name="main", dataset_id=1, metric_id=1, recipe="centre",
            reducer="max", pairs="all", created_at=MOMENT, draws=200, alpha=0.01, seed=5_000_000_000,
            null_scheme="within:category", chance=0.01, chance_sd=0.001, highest=1.0,
        ),
    ]  # fmt: skip


def _pairs() -> list[Any]:
    return [
        tables.TargetExtraction(target_id=1, extraction_id=1, modality="vision"),
        tables.Slot(target_id=1, slot=0, embedding_id=1, is_live=True, done_through=0),
        tables.Slot(
            target_id=1, slot=1, embedding_id=2, is_live=False, dead_reason="retired", done_through=0,
            null_through=0,
        ),
        tables.Part(
            id=1, kind="layer_grid", target_id=1, uri="p/1", sha256=digest("2"), row_count=4, run_id=1,
            created_at=MOMENT,
        ),
        tables.Alignment(
            target_id=1, row_slot=1, column_slot=0, score=1 / 3, row_layer=1, column_layer=0, layer_pairs=4,
            part_id=1, score_se=0.01, score_crossfit=0.3, null_mean=0.02, null_sd=0.001, tau=0.022, p=1 / 201,
            calibrated=0.31, draws=200, chance=0.01,
        ),
    ]  # fmt: skip
