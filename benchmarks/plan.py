"""Time the plan of a large registry, three quarters done.

    python benchmarks/plan.py [--embeddings 10000] [--layers 24] [--database URL]

It fills a registry with made-up rows (no files are needed to plan), plans once in a process of its own and
prints a table: embeddings, pairs missing, seconds, and the peak of that process's memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.orm import Session

from registry.clock import now
from registry.handle import Registry, create_registry, open_registry
from registry.settings import load_settings
from registry.tables import (
    Checkpoint,
    Dataset,
    Embedding,
    Extraction,
    Metric,
    Neighbours,
    Slot,
    Target,
    TargetExtraction,
)

MODALITIES = ("vision", "language")


def fill(registry: Registry, count: int, layers: int) -> None:
    """Write `count` embeddings, the first three quarters of which have complete rows."""
    with registry.write() as session:
        add_target(session, now())
        add_embeddings(session, count, layers, now())
        add_slots(session, count * 3 // 4, now())


def add_target(session: Session, moment: datetime) -> None:
    """Write a data set, two extractions, a metric and a target."""
    session.add(
        Dataset(
            id=1,
            content_key="d",
            name="made-up",
            revision="1",
            item_count=1024,
            modalities=list(MODALITIES),
            pairing="one-to-one",
            order_fingerprint="o",
            set_fingerprint="s",
            uri="u",
            sha256="h",
            created_at=moment,
        )
    )
    for index, modality in enumerate(MODALITIES, 1):
        session.add(
            Extraction(
                id=index,
                content_key=modality,
                modality=modality,
                pooling="mean",
                layer_rule="all",
                dtype="float32",
                created_at=moment,
            )
        )
    session.add(
        Metric(
            id=1,
            content_key="m",
            name="mutual_knn",
            parameters={"k": 10},
            is_symmetric=True,
            code_version=1,
        )
    )
    session.flush()
    session.add(
        Target(
            id=1,
            content_key="t",
            name="t",
            dataset_id=1,
            metric_id=1,
            recipe="cosine",
            reducer="max",
            pairs="all",
            created_at=moment,
        )
    )
    session.flush()
    session.add_all(
        TargetExtraction(target_id=1, extraction_id=index, modality=modality)
        for index, modality in enumerate(MODALITIES, 1)
    )


def add_embeddings(session: Session, count: int, layers: int, moment: datetime) -> None:
    """Write checkpoints of two modalities in turn, each with an embedding."""
    names = [f"layers.{i}" for i in range(layers)]
    ids = range(1, count + 1)
    session.execute(
        insert(Checkpoint),
        [
            {
                "id": i,
                "content_key": f"c{i}",
                "source": "path",
                "reference": f"path:{i}",
                "modality": MODALITIES[i % 2],
                "architecture": "a",
                "visibility": "private",
                "attributes": {},
                "registered_at": moment,
            }
            for i in ids
        ],
    )
    session.execute(
        insert(Embedding),
        [
            {
                "id": i,
                "content_key": f"e{i}",
                "checkpoint_id": i,
                "dataset_id": 1,
                "extraction_id": 1 + i % 2,
                "uri": f"embeddings/{i}",
                "sha256": "h",
                "layer_count": layers,
                "layer_names": names,
                "layer_sha256": names,
                "widths": [768] * layers,
                "dtype": "float32",
                "order_fingerprint": "o",
                "resolved": {},
                "libraries": {},
                "device": "cpu",
                "status": "ready",
                "created_at": moment,
            }
            for i in ids
        ],
    )


def add_slots(session: Session, slots: int, moment: datetime) -> None:
    """Write complete rows, and the neighbour lists that they were made of."""
    done = [
        {"target_id": 1, "slot": i, "embedding_id": i + 1, "is_live": True, "done_through": i}
        for i in range(slots)
    ]
    session.execute(insert(Slot), done)
    session.execute(
        insert(Neighbours),
        [
            {
                "embedding_id": i + 1,
                "recipe": "cosine",
                "k_max": 100,
                "code_version": 1,
                "uri": "u",
                "sha256": "h",
                "created_at": moment,
            }
            for i in range(slots)
        ],
    )


def plan_once(folder: Path) -> None:
    """Plan in this process and print what it cost as JSON."""
    from compute.plan import make_plan

    begun = time.perf_counter()
    plan = make_plan(open_registry(load_settings(folder)))[0]
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"pairs": plan.pairs, "seconds": seconds, "peak_mb": peak}))


def main() -> None:
    """Fill, plan, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--embeddings", type=int, default=10_000)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--database", help="a PostgreSQL address; SQLite without it")
    parser.add_argument("--plan", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plan:
        plan_once(arguments.plan)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "zoo"
        registry = create_registry(folder, arguments.database)
        fill(registry, arguments.embeddings, arguments.layers)
        registry.close()
        command = [sys.executable, __file__, "--plan", str(folder)]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
    count = arguments.embeddings
    expected = count * (count - 1) // 2 - (count * 3 // 4) * (count * 3 // 4 - 1) // 2
    assert result["pairs"] == expected, (result["pairs"], expected)
    print("embeddings  pairs missing  seconds  peak MB")
    print(f"{count:>10}  {result['pairs']:>13}  {result['seconds']:>7.2f}  {result['peak_mb']:>7.0f}")


if __name__ == "__main__":
    main()
