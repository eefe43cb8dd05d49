"""The rows that a tiny registry is made of, complete and unremarkable."""

from __future__ import annotations

from datetime import UTC, datetime

from registry.keys import content_key
from registry.tables import (
    Benchmark,
    Checkpoint,
    Dataset,
    Exclusion,
    ExternalAlignment,
    Extraction,
    LayerStat,
    Run,
    Source,
)

MOMENT = datetime(2026, 11, 24, 2, 31, tzinfo=UTC)
ITEMS, K, LAYERS = 6, 2, 2


def key(*parts: object) -> str:
    """Return a digest that is the same for the same parts."""
    return content_key("test", {"parts": [str(part) for part in parts]})


def run_row() -> Run:
    """Return a run that was done."""
    return Run(
        kind="align",
        status="done",
        holds_lock=True,
        host="here",
        pid=1,
        device="cpu",
        code_version="0",
        counts={"pairs": 1},
        cancel_requested=False,
        started_at=MOMENT,
        ended_at=MOMENT,
    )


def dataset_row() -> Dataset:
    """Return a data set of six items in both modalities."""
    return Dataset(
        content_key=key("dataset"),
        name="six",
        revision="1",
        item_count=ITEMS,
        modalities=["vision", "language"],
        pairing="one-to-one",
        order_fingerprint=key("order"),
        set_fingerprint=key("set"),
        uri="items.parquet",
        sha256=key("items"),
        created_at=MOMENT,
    )


def extraction_row(modality: str) -> Extraction:
    """Return the rule of a modality."""
    return Extraction(
        content_key=key("extraction", modality),
        modality=modality,
        pooling="mean",
        layer_rule="all",
        dtype="float32",
        created_at=MOMENT,
    )


def benchmark_row() -> Benchmark:
    """Return a benchmark."""
    return Benchmark(
        suite="tiny", task="guess", metric="accuracy", version="1", higher_is_better=True, low=0, high=1
    )


def source_row(name: str, trust: str) -> Source:
    """Return a source of scores."""
    return Source(name=name, kind="own evaluation", trust=trust, created_at=MOMENT)


def layer_stat_row() -> LayerStat:
    """Return what the second layer of the first embedding looks like."""
    return LayerStat(
        embedding_id=1,
        recipe="raw",
        layer=1,
        code_version=1,
        k=K,
        tied_rows=1,
        duplicate_rows=0,
        mean_cosine=0.25,
        effective_rank=2.5,
        in_degree_skew=None,
    )


def exclusion_row(dataset_id: int) -> Exclusion:
    """Return a relation between items."""
    return Exclusion(
        content_key=key("exclusion"),
        dataset_id=dataset_id,
        name="shared-word",
        rule={"kind": "shared word"},
        uri="exclusions/shared-word.parquet",
        sha256=key("exclusion", "bytes"),
        pair_count=3,
        largest_degree=2,
        created_at=MOMENT,
    )


def external_alignment_row(left_id: int, right_id: int, source_id: int) -> ExternalAlignment:
    """Return an alignment of two checkpoints that somebody else computed."""
    return ExternalAlignment(
        content_key=key("external"),
        left_checkpoint_id=left_id,
        right_checkpoint_id=right_id,
        metric="mutual_knn",
        parameters={"k": 10},
        is_directional=False,
        score=0.25,
        left_layer=1,
        right_layer=0,
        details={},
        source_id=source_id,
        recorded_at=MOMENT,
    )


def checkpoint_row(name: str, modality: str) -> Checkpoint:
    """Return a checkpoint with weights of its own."""
    return Checkpoint(
        content_key=key("checkpoint", name),
        source="path",
        reference=f"path:{name}",
        resolved=key("weights", name),
        revision=key("weights", name),
        modality=modality,
        architecture="tiny",
        visibility="private",
        attributes={"lr": 0.5},
        registered_at=MOMENT,
    )
