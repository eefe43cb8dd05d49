"""Alignments that were computed elsewhere, with their source; never mixed with ours.

The results of platonic-rep are a pickled dictionary: `scores`, (x models, y models), and `indices`, the
layers of each best pair as (layer of y, layer of x), which are swapped back here.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from ingest.embedding_files.batches import Refused, put_batch
from ingest.embedding_files.numpy_files import HEADER_ERRORS, read_header
from ingest.embedding_files.parts import broken
from ingest.external_names import checkpoint_ids
from ingest.rows import get_or_add
from ingest.score_sources import SourceDescription, ensure_source
from registry.clock import now
from registry.errors import InputError
from registry.handle import Registry
from registry.keys import content_key, sha256_of_file
from registry.lookup import find_dataset
from registry.runs import recorded_run
from registry.tables import Checkpoint, Dataset, ExternalAlignment, ImportBatch, Source

FORMAT = "platonic-rep-alignment"
PLATONIC = SourceDescription("platonic-rep", "harness run")
DIRECTIONAL = frozenset({"cycle_knn"})
_NAME = re.compile(r"(?P<metric>[a-z][a-z_]*?)(?:_k(?P<k>[0-9]{1,6}))?")
_PICKLE_ERRORS = (
    pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, KeyError, MemoryError, OSError,
    OverflowError, RecursionError, TypeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class AlignmentWish:
    """What the user says: the models of both axes, where and by whom it was computed, whether pickles run."""

    x_models: Sequence[str]
    y_models: Sequence[str]
    dataset: str | None = None
    source: SourceDescription = PLATONIC
    trust_pickle: bool = False


@dataclass(frozen=True)
class AlignmentsImported:
    """What became of one file: how many alignments are new, known, of a model with itself, or refused."""

    file: str
    added: int
    unchanged: int
    same_model: int
    refused: int


@dataclass(frozen=True)
class AlignmentTable:
    """Scores of x models (rows) and y models (columns), with the layers of each; -1 where there is none."""

    scores: NDArray[np.float64]
    x_layers: NDArray[np.int64]
    y_layers: NDArray[np.int64]


def read_alignments(path: Path, *, trust_pickle: bool) -> AlignmentTable:
    """Return the table of a result file; what is pickled in it is run only if that was said.

    Raises:
        InputError: the file is missing, broken, needs trust that was not given, or holds something else.
    """
    try:
        with path.open("rb") as file:
            header = read_header(file)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}", hint="check the path"
        ) from error
    except HEADER_ERRORS as error:
        raise broken(path, "result of platonic-rep", error) from error
    if not header.dtype.hasobject:
        raise InputError(
            f"{path} holds {header.dtype} of shape {header.shape}, expected a dictionary of scores",
            hint="give a file of platonic-rep's measure_alignment.py",
        )
    if not trust_pickle:
        raise InputError(
            f"{path}: this .npy holds a pickled dict; loading it runs code from the file",
            hint="if you trust its source:  add --trust-pickle",
        )
    try:
        loaded = np.load(path, allow_pickle=True)
        held = loaded.item() if loaded.size == 1 else None
    except _PICKLE_ERRORS as error:
        raise broken(path, "result of platonic-rep", error) from error
    return _table(path, held)


def _table(path: Path, held: object) -> AlignmentTable:
    if not isinstance(held, Mapping) or not {"scores", "indices"} <= set(held):
        raise InputError(
            f"{path} holds no dictionary of scores and indices, found {type(held).__name__}",
            hint="give a file of platonic-rep's measure_alignment.py",
        )
    try:
        scores = np.asarray(held["scores"], dtype=np.float64)
        indices = np.asarray(held["indices"], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise broken(path, "result of platonic-rep", error) from error
    if scores.ndim != 2 or indices.shape != (*scores.shape, 2):
        raise InputError(
            f"{path}: scores of shape {scores.shape} do not go with indices of shape {indices.shape}",
            hint="expected (x, y) and (x, y, 2)",
        )
    whole = np.where(np.isfinite(indices) & (indices >= 0) & (indices < 2**31), indices, -1).astype(np.int64)
    return AlignmentTable(scores, x_layers=whole[..., 1], y_layers=whole[..., 0])


def metric_of(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the metric in a file's name and its parameters: `mutual_knn_k10` is mutual_knn with k = 10.

    Raises:
        InputError: the name says no metric.
    """
    found = _NAME.fullmatch(path.stem)
    if found is None:
        raise InputError(
            f"{path}: the name says no metric", hint="name it as platonic-rep does: mutual_knn_k10.npy"
        )
    return found["metric"], {} if found["k"] is None else {"k": int(found["k"])}


def import_alignments(registry: Registry, path: Path, wish: AlignmentWish) -> AlignmentsImported:
    """Import one result file and return what became of its pairs; the same again adds nothing.

    Raises:
        InputError: the file cannot be read, or has other numbers of models than were named.
        NotFoundError: a model or the data set is not registered.
    """
    metric, parameters = metric_of(path)
    table = read_alignments(path, trust_pickle=wish.trust_pickle)
    _require_shape(path, table, wish)
    sides = [checkpoint_ids(registry, names) for names in (wish.x_models, wish.y_models)]
    digest = sha256_of_file(path)
    with recorded_run(registry, "align import") as run, registry.write() as session:
        if wish.trust_pickle:
            run.counts["trusted_pickles"] = [digest]
        dataset = None if wish.dataset is None else find_dataset(session, wish.dataset)
        said = wish.source
        source = ensure_source(
            session, said.name, said.kind, trust=said.trust, url=said.url, published_at=said.published_at
        )
        batch = _batch(session, path, digest, wish, _refused(table, wish), source, run.id)
        outcomes = _Writer(session, metric, parameters, dataset, source, batch).write(table, *sides)
        done = AlignmentsImported(
            str(path),
            added=outcomes.count("added"),
            unchanged=outcomes.count("unchanged"),
            same_model=outcomes.count("same model"),
            refused=batch.counts["refused"],
        )
        if done.added:
            batch.counts = {"added": done.added, "refused": done.refused}
        run.counts["alignments"] = done.added
    return done


def _require_shape(path: Path, table: AlignmentTable, wish: AlignmentWish) -> None:
    found, named = table.scores.shape, (len(wish.x_models), len(wish.y_models))
    if found != named:
        raise InputError(
            f"{path} has {found[0]} x {found[1]} models, named were {named[0]} x {named[1]}",
            hint="name them in the order of its axes: --x-models FILE --y-models FILE",
        )


def _refused(table: AlignmentTable, wish: AlignmentWish) -> list[Refused]:
    return [
        Refused(
            int(x) + 1, f"{wish.x_models[x]}, {wish.y_models[y]}: {table.scores[x, y]}", "no finite number"
        )
        for x, y in np.argwhere(~np.isfinite(table.scores))
    ]


def _batch(
    session: Session,
    path: Path,
    digest: str,
    wish: AlignmentWish,
    refused: list[Refused],
    source: Source,
    run_id: int,
) -> ImportBatch:
    how = {
        "file": path.name,
        "dataset": wish.dataset,
        "x": list(wish.x_models),
        "y": list(wish.y_models),
        "source": source.name,
    }
    return put_batch(
        session,
        "alignments",
        FORMAT,
        path,
        digest,
        how,
        run_id=run_id,
        source_id=source.id,
        counts={"refused": len(refused)},
        refused=refused,
    )


@dataclass(frozen=True)
class _Writer:
    session: Session
    metric: str
    parameters: dict[str, Any]
    dataset: Dataset | None
    source: Source
    batch: ImportBatch

    def write(self, table: AlignmentTable, x_ids: Sequence[int], y_ids: Sequence[int]) -> list[str]:
        keys = {
            each: self.session.get_one(Checkpoint, each).content_key
            for each in dict.fromkeys((*x_ids, *y_ids))
        }
        outcomes = []
        for x, left in enumerate(x_ids):
            for y, right in enumerate(y_ids):
                if not math.isfinite(table.scores[x, y]):
                    continue
                if left == right:
                    outcomes.append("same model")
                    continue
                layers = (int(table.x_layers[x, y]), int(table.y_layers[x, y]))
                outcomes.append(self._put(left, right, keys, float(table.scores[x, y]), layers))
        return outcomes

    def _put(self, left: int, right: int, keys: dict[int, str], score: float, layers: tuple[int, int]) -> str:
        left_layer, right_layer = (None if layer < 0 else layer for layer in layers)
        identity = {
            "left": keys[left],
            "right": keys[right],
            "dataset": None if self.dataset is None else self.dataset.content_key,
            "metric": self.metric,
            "parameters": self.parameters,
            "score": score,
            "layers": [left_layer, right_layer],
            "source": self.source.name,
        }
        key = content_key("external_alignment", identity)
        new = ExternalAlignment(
            content_key=key,
            left_checkpoint_id=left,
            right_checkpoint_id=right,
            dataset_id=None if self.dataset is None else self.dataset.id,
            metric=self.metric,
            parameters=self.parameters,
            is_directional=self.metric in DIRECTIONAL,
            score=score,
            left_layer=left_layer,
            right_layer=right_layer,
            details={},
            source_id=self.source.id,
            batch_id=self.batch.id,
            recorded_at=now(),
        )
        row = get_or_add(self.session, ExternalAlignment, ExternalAlignment.content_key == key, lambda: new)
        return "added" if row is new else "unchanged"
