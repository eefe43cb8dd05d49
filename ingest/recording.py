"""Record embeddings: the file first, then its row, and never two ready rows for one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ingest.extraction import Rule, default_rule, ensure_extraction
from ingest.layer_checks import Layers, checked_layers, require_order
from ingest.matrix_checks import checked_matrices
from registry.clock import now
from registry.errors import ConflictError, EmbeddingMismatch, NotFoundError
from registry.handle import Registry
from registry.items import read_items
from registry.keys import content_key, order_fingerprint
from registry.layers import layer_sha256, write_layers
from registry.lookup import current_name
from registry.slots import mark_dead
from registry.store import StoredFile
from registry.tables import Checkpoint, Dataset, Embedding

Outcome = Literal["added", "unchanged", "replaced", "restored", "lost"]
Kind = Literal["features", "kernel", "distances"]


@dataclass(frozen=True)
class Embedded:
    """What embedding did.

    `restored`: content that was superseded, missing or corrupt is ready again. `lost`: another process had
    other content ready first, and that one stays.
    """

    embedding_id: int
    outcome: Outcome
    layer_count: int


@dataclass(frozen=True)
class Origin:
    """How an embedding came about: what each `own` of the rule was, library versions, where, what batches."""

    resolved: Mapping[str, Any] = field(default_factory=lambda: {"computed_by": "the caller"})
    libraries: Mapping[str, str] = field(default_factory=dict)
    device: str = "unknown"
    batch_size: int | None = None


@dataclass(frozen=True)
class InPlace:
    """A safetensors file that stays where it is: the declared place, and what lies there."""

    location: str
    file: StoredFile


@dataclass(frozen=True)
class _Described:
    """The content of one embedding, ready to become a row."""

    checkpoint: Checkpoint
    dataset: Dataset
    rule: Rule
    layers: Layers
    digests: list[str]
    key: str
    what: str
    kind: Kind


def record_embedding(
    registry: Registry,
    checkpoint_id: int,
    dataset_id: int,
    layers: Mapping[str, Any],
    *,
    ids: Sequence[str] | None = None,
    rule: Rule | None = None,
    replace: bool = False,
    origin: Origin | None = None,
    run_id: int | None = None,
    first_wins: bool = False,
    kind: Kind = "features",
    in_place: InPlace | None = None,
) -> Embedded:
    """Store the layers of one checkpoint on one data set and return which embedding that is.

    Args:
        registry: where.
        checkpoint_id: whose answer it is.
        dataset_id: to which items.
        layers: for each layer an `(n, d)` array of floats, in the order of depth; kept as float32. Of a
            kernel or of distances an `(n, n)` matrix.
        ids: the items of the rows; refused where they are not the data set's, in its order. Where it is None,
            the caller answers for the order.
        rule: how the layers were made; the modality's default where it is None.
        replace: whether other content that is ready is superseded.
        origin: how they came about.
        run_id: the run that computed them.
        first_wins: whether other content that is ready stays, without an error.
        kind: what a layer is. A matrix may be of items whose content the data set does not hold.
        in_place: the file that holds exactly these layers, where nothing is to be copied.

    Raises:
        EmbeddingMismatch: rows, ids or modality are not the data set's.
        InputError: a layer is not a matrix of finite floats.
        ConflictError: other content is ready, and neither `replace` nor `first_wins` was given.
        StoreError: the file cannot be written.
    """
    described = _describe(registry, checkpoint_id, dataset_id, layers, ids, rule, kind)
    stored = in_place.file if in_place is not None else _store(registry, described)
    location = None if in_place is None else in_place.location
    make = _RowMaker(described, stored, origin or Origin(), run_id, location)
    try:
        with registry.write() as session:
            return _put(session, described, make, replace=replace, first_wins=first_wins)
    except IntegrityError:  # somebody's row became ready between our look and our insert: look again
        with registry.write() as session:
            return _put(session, described, make, replace=replace, first_wins=first_wins)


def _store(registry: Registry, described: _Described) -> StoredFile:
    metadata = {"order_fingerprint": described.dataset.order_fingerprint}
    return write_layers(registry.store, "embeddings", described.layers, metadata)


def _describe(
    registry: Registry,
    checkpoint_id: int,
    dataset_id: int,
    layers: Mapping[str, Any],
    ids: Sequence[str] | None,
    rule: Rule | None,
    kind: Kind,
) -> _Described:
    with registry.read() as session:
        checkpoint, dataset = find_pair(session, checkpoint_id, dataset_id)
        what = f"embedding of {current_name(session, checkpoint_id)} on {dataset.name}"
    chosen = rule or default_rule(checkpoint.modality)
    require_modality(chosen.modality, checkpoint, dataset if kind == "features" else None, what)
    if ids is not None and order_fingerprint(map(str, ids)) != dataset.order_fingerprint:
        require_order(ids, read_items(registry.store, dataset).ids, what=what, dataset=dataset.name)
    checked = _checked(layers, kind, what, dataset)
    digests = [layer_sha256(layer) for layer in checked.values()]
    identity = {
        "checkpoint": checkpoint.content_key,
        "dataset": dataset.content_key,
        "extraction": chosen.content_key,
        "layers": list(checked),
        "layer_sha256": digests,
    } | ({} if kind == "features" else {"kind": kind})
    key = content_key("embedding", identity)
    return _Described(checkpoint, dataset, chosen, checked, digests, key, what, kind)


def _checked(layers: Mapping[str, Any], kind: Kind, what: str, dataset: Dataset) -> Layers:
    n = dataset.item_count
    if kind == "features":
        return checked_layers(layers, what=what, dataset=dataset.name, item_count=n)
    return checked_matrices(layers, kind=kind, what=what, dataset=dataset.name, item_count=n)


def find_pair(session: Session, checkpoint_id: int, dataset_id: int) -> tuple[Checkpoint, Dataset]:
    """Return a checkpoint and a data set by their ids.

    Raises:
        NotFoundError: one is not registered.
    """
    checkpoint, dataset = session.get(Checkpoint, checkpoint_id), session.get(Dataset, dataset_id)
    if checkpoint is None:
        raise NotFoundError(
            f"no checkpoint has the id {checkpoint_id}",
            hint="'cavewall checkpoint list' shows what is registered",
        )
    if dataset is None:
        raise NotFoundError(
            f"no data set has the id {dataset_id}", hint="'cavewall dataset list' shows what is registered"
        )
    return checkpoint, dataset


def require_modality(modality: str, checkpoint: Checkpoint, dataset: Dataset | None, what: str) -> None:
    """Refuse an extraction of a modality that the checkpoint does not read or the data set does not hold.

    Without a data set only the checkpoint is asked.

    Raises:
        EmbeddingMismatch: it is of another modality.
    """
    if modality != checkpoint.modality:
        raise EmbeddingMismatch(
            f"{what}: the extraction is for {modality}, the checkpoint reads {checkpoint.modality}",
            hint=f"use an extraction for {checkpoint.modality}",
        )
    if dataset is not None and modality not in dataset.modalities:
        raise EmbeddingMismatch(
            f"{what}: the checkpoint reads {modality}, the data set holds {' and '.join(dataset.modalities)}",
            hint="choose another data set",
        )


class _RowMaker:
    """The row of one embedding, made once the extraction's id is known."""

    def __init__(
        self,
        described: _Described,
        stored: StoredFile,
        origin: Origin,
        run_id: int | None,
        location: str | None,
    ) -> None:
        self._described, self.stored, self._origin, self._run_id = described, stored, origin, run_id
        self.location = location

    def __call__(self, extraction_id: int) -> Embedding:
        described, origin = self._described, self._origin
        return Embedding(
            content_key=described.key,
            checkpoint_id=described.checkpoint.id,
            dataset_id=described.dataset.id,
            extraction_id=extraction_id,
            uri=self.stored.uri,
            sha256=self.stored.sha256,
            layer_count=len(described.layers),
            layer_names=list(described.layers),
            layer_sha256=described.digests,
            widths=[layer.shape[1] for layer in described.layers.values()],
            dtype="float32",
            order_fingerprint=described.dataset.order_fingerprint,
            resolved=dict(origin.resolved),
            libraries=dict(origin.libraries),
            device=origin.device,
            batch_size=origin.batch_size,
            status="ready",
            kind=described.kind,
            location=self.location,
            run_id=self._run_id,
            created_at=now(),
        )


def _put(
    session: Session, described: _Described, make: _RowMaker, *, replace: bool, first_wins: bool
) -> Embedded:
    extraction = ensure_extraction(session, described.rule)
    same = session.scalar(select(Embedding).where(Embedding.content_key == described.key))
    if same is not None and same.status == "ready":
        return Embedded(same.id, "unchanged", same.layer_count)
    ready = ready_embedding(session, described.checkpoint.id, described.dataset.id, extraction.id)
    if ready is not None and first_wins:
        return Embedded(ready.id, "lost", ready.layer_count)
    if ready is not None and not replace:
        raise ConflictError(
            f"{described.what}: other content is ready (embedding {ready.id} of {ready.created_at:%Y-%m-%d})",
            hint="replace it with --replace: its pairs are computed again",
        )
    if ready is not None:
        ready.status = "superseded"
        session.flush()  # before the new row: one ready row at a time
        mark_dead(session, [ready.id], "embedding superseded")
    if same is not None:
        same.status, same.uri, same.sha256 = "ready", make.stored.uri, make.stored.sha256
        same.location = make.location
        session.flush()
        return Embedded(same.id, "restored", same.layer_count)
    row = make(extraction.id)
    session.add(row)
    session.flush()
    return Embedded(row.id, "added" if ready is None else "replaced", row.layer_count)


def ready_embedding(
    session: Session, checkpoint_id: int, dataset_id: int, extraction_id: int
) -> Embedding | None:
    """Return the one embedding that is ready for a checkpoint, a data set and an extraction, or None."""
    return session.scalar(
        select(Embedding).where(
            Embedding.checkpoint_id == checkpoint_id,
            Embedding.dataset_id == dataset_id,
            Embedding.extraction_id == extraction_id,
            Embedding.status == "ready",
        )
    )
