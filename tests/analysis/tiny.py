"""A tiny registry with planted rows: checkpoints, embeddings, slots, alignment and a layer grid per step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.handle import Registry
from registry.slots import mark_dead
from registry.tables import (
    Alignment,
    Checkpoint,
    Embedding,
    Metric,
    Name,
    Part,
    Score,
    ScoreRefusal,
    Slot,
    Target,
    TargetExtraction,
)
from tests.analysis.tiny_rows import (
    ITEMS,
    LAYERS,
    MOMENT,
    K,
    benchmark_row,
    checkpoint_row,
    dataset_row,
    exclusion_row,
    external_alignment_row,
    extraction_row,
    key,
    layer_stat_row,
    run_row,
    source_row,
)

GRID = pa.schema(
    [
        ("target_id", pa.int32()),
        ("row_slot", pa.int32()),
        ("column_slot", pa.int32()),
        ("row_layer", pa.int16()),
        ("column_layer", pa.int16()),
        ("count", pa.int32()),
    ]
)


def planted_counts(row: int, column: int) -> dict[tuple[int, int], int]:
    """Return the shared neighbours of each (row layer, column layer) of a pair of slots."""
    return {
        (r, c): (5 * row + 3 * column + 2 * r + c) % (ITEMS * K + 1)
        for r in range(LAYERS)
        for c in range(LAYERS)
    }


class TinyZoo:
    """Fills a registry as the other layers would, one committed step after another."""

    def __init__(self, registry: Registry, *, pairs: str = "all") -> None:
        self.registry = registry
        with registry.write() as session:
            self.run_id = _insert(session, run_row())
            self.dataset_id = _insert(session, dataset_row())
            self.extractions = {m: _insert(session, extraction_row(m)) for m in ("vision", "language")}
            metric = Metric(
                content_key=key("metric"),
                name="mutual_knn",
                parameters={"k": K},
                is_symmetric=True,
                code_version=1,
            )
            self.metric_id = _insert(session, metric)
            self.target_id = _insert(session, self._target("main", pairs))
            for modality, extraction_id in self.extractions.items():
                session.add(
                    TargetExtraction(target_id=self.target_id, extraction_id=extraction_id, modality=modality)
                )
        self.pairs = pairs
        self.modalities: list[str] = []

    def add(self, *names: str, modality: str = "vision", done: bool = True) -> list[int]:
        """Register and embed checkpoints, give them slots and (where done) their pairs: one transaction."""
        with self.registry.write() as session:
            embeddings = [self._embedding(session, name, modality) for name in names]
            first = len(self.modalities)
            live = self._live(session)
            for slot, embedding_id in enumerate(embeddings, start=first):
                session.add(
                    Slot(
                        target_id=self.target_id,
                        slot=slot,
                        embedding_id=embedding_id,
                        is_live=True,
                        done_through=slot if done else 0,
                    )
                )
            self.modalities += [modality] * len(names)
            session.flush()
            if done:
                new = range(first, len(self.modalities))
                self._align(session, [(row, column) for row in new for column in [*live, *range(first, row)]])
        return embeddings

    def retire(self, name: str) -> None:
        """Retire a checkpoint, as the command does: its slots die in the same transaction."""
        with self.registry.write() as session:
            owner = select(Name.checkpoint_id).where(Name.name == name).scalar_subquery()
            session.execute(
                update(Checkpoint)
                .where(Checkpoint.id == owner)
                .values(retired_at=MOMENT, retired_reason="asked for")
                .execution_options(synchronize_session=False)
            )
            embeddings = session.scalars(select(Embedding.id).where(Embedding.checkpoint_id == owner)).all()
            mark_dead(session, embeddings, "retired")

    def write_row_beyond_watermark(self, row: int, column: int) -> None:
        """Commit one pair out of order: its row exists, and its slot's watermark does not reach it."""
        with self.registry.write() as session:
            self._align(session, [(row, column)])

    def finish(self, *rows: int) -> None:
        """Write the pairs of some rows and raise their watermarks, as a later run does."""
        with self.registry.write() as session:
            live = self._live(session)
            self._align(session, [(row, column) for row in rows for column in live if column < row])
            session.execute(
                update(Slot)
                .where(Slot.target_id == self.target_id, Slot.slot.in_(rows))
                .values(done_through=Slot.slot)
            )

    def calibrate(self, p: Mapping[tuple[int, int], float], *, draws: int = 19, **null: float) -> None:
        """Give pairs of slots (row, column) their null, and raise the watermark of every row to its end."""
        with self.registry.write() as session:
            for (row, column), value in p.items():
                session.execute(
                    update(Alignment)
                    .where(
                        Alignment.target_id == self.target_id,
                        Alignment.row_slot == row,
                        Alignment.column_slot == column,
                    )
                    .values({"null_mean": 0.4, "null_sd": 0.1, **null, "p": value, "draws": draws})
                )
            session.execute(
                update(Slot).where(Slot.target_id == self.target_id).values(null_through=Slot.done_through)
            )

    def annotate(self) -> None:
        """Add one row of all that stands beside the alignment: layer, exclusion, score, refusal, claim."""
        with self.registry.write() as session:
            benchmark_id = _insert(session, benchmark_row())
            source_id = _insert(session, source_row("own evaluation", "high"))
            claim = {"checkpoint_id": 1, "benchmark_id": benchmark_id, "source_id": source_id}
            session.add(Score(content_key=key("claim"), value=0.5, details={}, measured_at=MOMENT, **claim))
            session.add(ScoreRefusal(value="nan", reason="no number", refused_at=MOMENT, **claim))
            session.add(layer_stat_row())
            session.add(exclusion_row(self.dataset_id))
            session.add(external_alignment_row(1, 2, source_id))

    def _live(self, session: Session) -> list[int]:
        statement = (
            select(Slot.slot).where(Slot.target_id == self.target_id, Slot.is_live).order_by(Slot.slot)
        )
        return list(session.scalars(statement))

    def _align(self, session: Session, pairs: Sequence[tuple[int, int]]) -> None:
        wanted = [(r, c) for r, c in pairs if self.pairs == "all" or self.modalities[r] != self.modalities[c]]
        if not wanted:
            return
        part_id = self._part(session, wanted)
        rows = []
        for row, column in wanted:
            counts = planted_counts(row, column)
            best = max(counts, key=lambda layers: counts[layers])
            rows.append(
                {
                    "target_id": self.target_id,
                    "row_slot": row,
                    "column_slot": column,
                    "score": counts[best] / (ITEMS * K),
                    "row_layer": best[0],
                    "column_layer": best[1],
                    "layer_pairs": LAYERS * LAYERS,
                    "part_id": part_id,
                }
            )
        session.execute(Alignment.__table__.insert(), rows)  # type: ignore[attr-defined]

    def _part(self, session: Session, pairs: Sequence[tuple[int, int]]) -> int:
        rows = [
            (self.target_id, row, column, r, c, count)
            for row, column in pairs
            for (r, c), count in planted_counts(row, column).items()
        ]
        columns = [
            pa.array(values, type=field.type)
            for values, field in zip(zip(*rows, strict=True), GRID, strict=True)
        ]
        table = pa.Table.from_arrays(columns, schema=GRID)

        def write(path: Path) -> None:
            pq.write_table(table, path)

        stored = self.registry.store.write("parts/layer_grid", ".parquet", write)
        part = Part(
            kind="layer_grid",
            target_id=self.target_id,
            uri=stored.uri,
            sha256=stored.sha256,
            row_count=len(rows),
            run_id=self.run_id,
            created_at=MOMENT,
        )
        return _insert(session, part)

    def _target(self, name: str, pairs: str) -> Target:
        return Target(
            content_key=key("target", name),
            name=name,
            dataset_id=self.dataset_id,
            metric_id=self.metric_id,
            recipe="raw",
            reducer="max",
            pairs=pairs,
            created_at=MOMENT,
            chance=0.4,
        )

    def _embedding(self, session: Session, name: str, modality: str) -> int:
        checkpoint_id = _insert(session, checkpoint_row(name, modality))
        session.add(Name(name=name, checkpoint_id=checkpoint_id, started_at=MOMENT))
        embedding = Embedding(
            content_key=key("embedding", name),
            checkpoint_id=checkpoint_id,
            dataset_id=self.dataset_id,
            extraction_id=self.extractions[modality],
            uri=f"embeddings/{name}.safetensors",
            sha256=key("bytes", name),
            layer_count=LAYERS,
            layer_names=[f"layer {position}" for position in range(LAYERS)],
            layer_sha256=[key("layer", name, position) for position in range(LAYERS)],
            widths=[3] * LAYERS,
            dtype="float32",
            order_fingerprint=key("order"),
            resolved={},
            libraries={},
            device="cpu",
            batch_size=None,
            status="ready",
            run_id=self.run_id,
            created_at=MOMENT,
        )
        return _insert(session, embedding)


def _insert(session: Session, row: Any) -> int:
    session.add(row)
    session.flush()
    identifier: int = row.id
    return identifier
