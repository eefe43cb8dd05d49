"""A registry of made-up embeddings: real rows and real files, random numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compute.targets import FEWEST_DRAWS, NullRule, TargetRule, add_target
from registry.clock import now
from registry.handle import Registry
from registry.items import Items, write_items
from registry.keys import content_key, order_fingerprint, set_fingerprint
from registry.layers import layer_sha256, write_layers
from registry.slots import mark_dead
from registry.tables import Checkpoint, Dataset, Embedding, Extraction, Name

MODALITIES = ("vision", "language")


def add_dataset(registry: Registry, n: int) -> int:
    ids = [f"item-{i}" for i in range(n)]
    stored = write_items(registry.store, Items(ids, texts=[[f"text {i}"] for i in range(n)]))
    with registry.write() as session:
        row = Dataset(
            content_key=content_key("dataset", {"ids": ids}),
            name="made-up",
            revision="1",
            item_count=n,
            modalities=list(MODALITIES),
            pairing="one-to-one",
            order_fingerprint=order_fingerprint(ids),
            set_fingerprint=set_fingerprint(ids),
            uri=stored.uri,
            sha256=stored.sha256,
            created_at=now(),
        )
        session.add(row)
        session.flush()
        return row.id


def add_extractions(registry: Registry) -> dict[str, int]:
    with registry.write() as session:
        rows = [
            Extraction(
                content_key=content_key("extraction", {"modality": modality}),
                modality=modality,
                pooling="mean",
                layer_rule="all",
                dtype="float32",
                created_at=now(),
            )
            for modality in MODALITIES
        ]
        session.add_all(rows)
        session.flush()
        return {row.modality: row.id for row in rows}


def add_checkpoint(registry: Registry, name: str, modality: str) -> int:
    with registry.write() as session:
        row = Checkpoint(
            content_key=content_key("checkpoint", {"name": name}),
            source="path",
            reference=f"path:{name}",
            resolved=f"sha256:{name}",
            modality=modality,
            architecture="made-up",
            visibility="private",
            attributes={},
            registered_at=now(),
        )
        session.add(row)
        session.flush()
        session.add(Name(name=name, checkpoint_id=row.id, started_at=now()))
        return row.id


def add_embedding(
    registry: Registry, dataset_id: int, checkpoint_id: int, extraction_id: int, layers: Sequence[np.ndarray]
) -> int:
    named = {f"layers.{i}": np.asarray(layer, np.float32) for i, layer in enumerate(layers)}
    stored = write_layers(registry.store, "embeddings", named, {})
    digests = [layer_sha256(layer) for layer in named.values()]
    with registry.write() as session:
        row = Embedding(
            content_key=content_key("embedding", {"checkpoint": checkpoint_id, "layers": digests}),
            checkpoint_id=checkpoint_id,
            dataset_id=dataset_id,
            extraction_id=extraction_id,
            uri=stored.uri,
            sha256=stored.sha256,
            layer_count=len(named),
            layer_names=list(named),
            layer_sha256=digests,
            widths=[layer.shape[1] for layer in named.values()],
            dtype="float32",
            order_fingerprint="0" * 64,
            resolved={},
            libraries={},
            device="cpu",
            status="ready",
            created_at=now(),
        )
        session.add(row)
        session.flush()
        return row.id


class SyntheticZoo:
    """A data set, two modalities, and embeddings that share a hidden signal."""

    def __init__(self, registry: Registry, n: int = 40, seed: int = 0) -> None:
        self.registry = registry
        self.n = n
        self.random = np.random.default_rng(seed)
        self.dataset_id = add_dataset(registry, n)
        self.extraction_ids = add_extractions(registry)
        self.signal = self.random.normal(size=(n, 6))
        self.checkpoint_ids: list[int] = []
        self.embedding_ids: list[int] = []

    def layers(self, count: int) -> list[np.ndarray]:
        mixing = [self.random.normal(size=(6, 8)) for _ in range(count)]
        return [self.signal @ mix + self.random.normal(size=(self.n, 8)) for mix in mixing]

    def add(self, layer_count: int = 2, layers: Sequence[np.ndarray] | None = None) -> int:
        """Register one more checkpoint with its embedding and return the embedding's id."""
        number = len(self.checkpoint_ids)
        modality = MODALITIES[number % 2]
        checkpoint_id = add_checkpoint(self.registry, f"c{number}", modality)
        layers = self.layers(layer_count) if layers is None else layers
        embedding_id = add_embedding(
            self.registry, self.dataset_id, checkpoint_id, self.extraction_ids[modality], layers
        )
        self.checkpoint_ids.append(checkpoint_id)
        self.embedding_ids.append(embedding_id)
        return embedding_id

    def add_target(self, *, draws: int = FEWEST_DRAWS, scheme: str = "items", **rule: object) -> str:
        null = NullRule(draws=draws, scheme=scheme)
        usual = {} if "parameters" in rule else {"k": 5}
        chosen = TargetRule(**{**usual, "null": null, **rule})  # type: ignore[arg-type]
        return add_target(self.registry, "made-up", list(self.extraction_ids.values()), chosen).name

    def retire(self, number: int) -> None:
        with self.registry.write() as session:
            row = session.get_one(Checkpoint, self.checkpoint_ids[number])
            row.retired_at, row.retired_reason = now(), "a test"
            mark_dead(session, [self.embedding_ids[number]], "retired")

    def restore(self, number: int) -> None:
        with self.registry.write() as session:
            row = session.get_one(Checkpoint, self.checkpoint_ids[number])
            row.retired_at, row.retired_reason = None, None


def give_covariates(registry: Registry, dataset_id: int, covariates: dict[str, list[str]]) -> None:
    """Put another sidecar, with covariates, under a data set."""
    with registry.write() as session:
        row = session.get_one(Dataset, dataset_id)
        ids = [f"item-{i}" for i in range(row.item_count)]
        stored = write_items(registry.store, Items(ids, texts=[["t"]] * len(ids), extra=covariates))
        row.uri, row.sha256 = stored.uri, stored.sha256
