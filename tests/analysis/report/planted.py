"""A tiny zoo that has all a report shows: kinds of networks, pictures, lists, nulls, a second rule."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from sqlalchemy import select, update

from analysis.snapshot import build_snapshot
from registry.handle import Registry
from registry.items import Items, write_items
from registry.keys import order_fingerprint
from registry.layers import write_layers
from registry.tables import (
    Alignment,
    Checkpoint,
    Dataset,
    Embedding,
    Name,
    Neighbours,
    Slot,
    Target,
    TargetExtraction,
)
from tests.analysis.tiny import MOMENT, TinyZoo, key
from tests.analysis.tiny_rows import ITEMS, checkpoint_row
from tests.analysis.trends.planted import change, plant_scores

PICTURES = ("lite", "lite-twin", "pixels")
WORDS = ("minilm", "tf-idf")
TEXTS = ("cat", "dog", "pear", "plum", "boat", "car")
CLASSES = ("animal", "animal", "fruit", "fruit", "vehicle", "vehicle")
SCORES = {
    ("lite", "minilm"): 0.9, ("lite", "tf-idf"): 0.6, ("lite-twin", "minilm"): 0.55,
    ("lite-twin", "tf-idf"): 0.5, ("pixels", "minilm"): 0.52, ("pixels", "tf-idf"): 0.41,
    ("lite", "lite-twin"): 0.7, ("lite", "pixels"): 0.45, ("lite-twin", "pixels"): 0.65,
    ("minilm", "tf-idf"): 0.75,
}  # fmt: skip
STRICT = "six/strict"
NASTY = "<script>alert('x')</script> & \"quoted\""


def report_zoo(registry: Registry, *, has_strict: bool = True, has_scores: bool = True) -> TinyZoo:
    """Fill a registry and make its snapshot: five checkpoints, ten pairs, six items with pictures."""
    zoo = TinyZoo(registry)
    zoo.add(*PICTURES)
    zoo.add(*WORDS, modality="language")
    change(registry, "lite-twin", source="baseline", reference="baseline:untrained", seed=0)
    change(registry, "pixels", source="baseline", reference="baseline:pixels")
    change(registry, "tf-idf", source="baseline", reference="baseline:tf-idf")
    _plant_pairs(zoo)
    give_items(registry)
    give_lists(registry)
    if has_strict:
        add_strict_target(zoo)
    if has_scores:
        names = [*PICTURES, *WORDS]
        tasks = range(1, 7)
        plant_scores(
            registry,
            {name: {f"t{n}": 0.5 + 0.02 * i + 0.05 * n for n in tasks} for i, name in enumerate(names)},
        )
    build_snapshot(registry)
    return zoo


def register_only(registry: Registry, name: str, modality: str = "vision") -> None:
    """Register a checkpoint that nothing was embedded with."""
    with registry.write() as session:
        row = checkpoint_row(name, modality)
        session.add(row)
        session.flush()
        session.add(Name(name=name, checkpoint_id=row.id, started_at=MOMENT))


def give_items(registry: Registry, *, images: list[bytes] | None = None) -> None:
    """Give the data set a real sidecar: a picture of one colour and a text for each item, and its class."""
    ids = [f"item{position}" for position in range(ITEMS)]
    pictures = images or [picture(position) for position in range(ITEMS)]
    items = Items(ids, pictures, [[text] for text in TEXTS], extra={"class": list(CLASSES)})
    stored = write_items(registry.store, items)
    with registry.write() as session:
        session.execute(
            update(Dataset).values(
                uri=stored.uri,
                sha256=stored.sha256,
                order_fingerprint=order_fingerprint(ids),
                credit="drawn by the tests",
            )
        )


def give_lists(registry: Registry) -> None:
    """Give every embedding neighbour lists: item i has i+1, i+2, ... near it, and in words i+1, i-1, ..."""
    with registry.write() as session:
        modalities = {row.id: row.modality for row in session.scalars(select(Checkpoint))}
        for embedding in session.scalars(select(Embedding)):
            steps = [1, 2, 3, 4, 5] if modalities[embedding.checkpoint_id] == "vision" else [1, 5, 4, 3, 2]
            one = np.array([[(item + step) % ITEMS for step in steps] for item in range(ITEMS)])
            tensors = {"indices": np.stack([one, one]).astype(np.uint16)}
            stored = write_layers(registry.store, "neighbours", tensors, {})
            session.add(
                Neighbours(
                    embedding_id=embedding.id,
                    recipe="raw",
                    k_max=5,
                    code_version=1,
                    uri=stored.uri,
                    sha256=stored.sha256,
                    created_at=MOMENT,
                )
            )


def add_strict_target(zoo: TinyZoo) -> None:
    """Add a second matrix of the same pairs, half the score each, under a recipe that excludes a relation."""
    with zoo.registry.write() as session:
        main = session.get(Target, zoo.target_id)
        assert main is not None
        columns = {column.name: getattr(main, column.name) for column in Target.__table__.columns}
        columns |= {"id": None, "content_key": key("strict"), "name": STRICT, "recipe": "exclude:word,raw"}
        strict = Target(**columns)
        session.add(strict)
        session.flush()
        for modality, extraction_id in zoo.extractions.items():
            session.add(TargetExtraction(target_id=strict.id, extraction_id=extraction_id, modality=modality))
        for slot in session.scalars(select(Slot).where(Slot.target_id == zoo.target_id)).all():
            values = {column.name: getattr(slot, column.name) for column in Slot.__table__.columns}
            session.add(Slot(**(values | {"target_id": strict.id})))
        session.flush()
        for pair in session.scalars(select(Alignment).where(Alignment.target_id == zoo.target_id)).all():
            values = {column.name: getattr(pair, column.name) for column in Alignment.__table__.columns}
            session.add(Alignment(**(values | {"target_id": strict.id, "score": pair.score / 2})))


def picture(position: int) -> bytes:
    """Return a small PNG of a colour of its own, half of it transparent."""
    image = Image.new("RGBA", (80, 60), (40 * position, 90, 200 - 30 * position, 255))
    image.paste((0, 0, 0, 0), (0, 0, 40, 60))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _plant_pairs(zoo: TinyZoo) -> None:
    """Give every pair its planted score, a standard error and a null of 19 draws."""
    with zoo.registry.write() as session:
        statement = (
            select(Slot.slot, Name.name)
            .join(Embedding, Embedding.id == Slot.embedding_id)
            .join(Name, Name.checkpoint_id == Embedding.checkpoint_id)
        )
        names = {row.slot: row.name for row in session.execute(statement)}
        for pair in session.scalars(select(Alignment)):
            pair.score = SCORES[names[pair.column_slot], names[pair.row_slot]]
            pair.score_se, pair.score_crossfit = 0.01, pair.score - 0.02
            pair.null_mean, pair.null_sd, pair.tau, pair.draws = 0.4, 0.05, 0.5, 19
            pair.p = 0.05 if pair.score > 0.5 else 0.6
            pair.calibrated = max(0.0, (pair.score - 0.5) / 0.5)
        session.execute(update(Slot).values(null_through=Slot.done_through))
        session.execute(update(Target).values(draws=19))
