"""Run a battery of linear probes on a checkpoint's embedding, and record one score for each task."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.batteries import METRIC, LoadedBattery, battery_version, benchmark_of, load_battery
from ingest.probe_tasks import Task
from ingest.probes import ALPHA, SHUFFLE_COUNT, Probed, probe, shuffles
from ingest.recording import find_pair
from ingest.score_sources import OWN, own_evaluation
from ingest.scores import Claim, put_score, require_true, score_key
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry
from registry.layers import read_layers
from registry.lookup import current_name
from registry.runs import recorded_run
from registry.tables import Battery, Checkpoint, Dataset, Embedding, Extraction, Score

PROTOCOL = f"ridge classifier, alpha {ALPHA:g}, on the standardised last layer"
SPLIT = "test"


@dataclass(frozen=True)
class TaskScore:
    """What a checkpoint reaches on a task; `chance` is its mean over shuffled labels."""

    task: str
    value: float
    stderr: float | None
    chance: float | None


@dataclass(frozen=True)
class BatteryRun:
    """What running a battery on one checkpoint did; the scores stand in the order of the tasks."""

    outcome: Literal["added", "unchanged"]
    embedding_id: int
    scores: list[TaskScore]


@dataclass(frozen=True)
class BatteryPlan:
    """What there is before a battery runs on a checkpoint: its embedding, if it has one, and known scores."""

    checkpoint: Checkpoint
    name: str
    embedding: Embedding | None
    scores: list[TaskScore]


def plan_battery(
    registry: Registry, battery: LoadedBattery, checkpoint_id: int, *, extraction_ids: Collection[int] = ()
) -> BatteryPlan:
    """Return what running a battery on a checkpoint would find.

    Raises:
        NotFoundError: there is no such checkpoint.
        UsageError: several embeddings are ready, by several rules.
    """
    with registry.read() as session:
        checkpoint, dataset = find_pair(session, checkpoint_id, battery.dataset.id)
        name = current_name(session, checkpoint_id)
        embedding = _embedding_to_probe(session, checkpoint_id, dataset, extraction_ids)
        known = [] if embedding is None else _known(session, battery, checkpoint, embedding)
    return BatteryPlan(checkpoint, name, embedding, known)


def run_battery(
    registry: Registry,
    battery: str | LoadedBattery,
    checkpoint_id: int,
    *,
    extraction_ids: Collection[int] = (),
) -> BatteryRun:
    """Measure what linear probes read from a checkpoint's last layer, and record a score for each task, once.

    The identity of a score holds the content key of the embedding: another embedding gives another claim, and
    of these the newest is current.

    Args:
        registry: where.
        battery: its name, or what `load_battery` returned.
        checkpoint_id: whose embedding of the battery's data set; baselines are checkpoints too.
        extraction_ids: the rules whose embeddings count; all where there is none.

    Raises:
        NotFoundError: there is no such battery or checkpoint, or no embedding that is ready.
        UsageError: several embeddings are ready, by several rules.
        StoreError: a file is missing or damaged.
    """
    loaded = load_battery(registry, battery) if isinstance(battery, str) else battery
    plan = plan_battery(registry, loaded, checkpoint_id, extraction_ids=extraction_ids)
    if plan.embedding is None:
        raise NotFoundError(
            f"{plan.name} has no embedding on {loaded.dataset.name}",
            hint=f"make one: cavewall embed extract {plan.name} --dataset {loaded.dataset.name}",
        )
    if len(plan.scores) == len(loaded.tasks):
        return BatteryRun("unchanged", plan.embedding.id, plan.scores)
    with recorded_run(registry, "score linear-probe") as run:
        results = _probe(registry, loaded, plan.embedding)
        with registry.write() as session:
            scores = _record(session, loaded, plan.checkpoint, plan.embedding, results, run.id)
        run.counts["scores"] = len(scores)
    return BatteryRun("added", plan.embedding.id, scores)


def _embedding_to_probe(
    session: Session, checkpoint_id: int, dataset: Dataset, extraction_ids: Collection[int]
) -> Embedding | None:
    """Return the one ready embedding of a checkpoint on a data set, or None where there is none.

    Raises:
        UsageError: there are several, by several rules.
    """
    statement = select(Embedding).where(
        Embedding.checkpoint_id == checkpoint_id,
        Embedding.dataset_id == dataset.id,
        Embedding.status == "ready",
        Embedding.kind == "features",  # a probe needs them
    )
    if extraction_ids:
        statement = statement.where(Embedding.extraction_id.in_(list(extraction_ids)))
    found = session.scalars(statement.order_by(Embedding.id)).all()
    if len(found) > 1:
        keys = [session.get_one(Extraction, row.extraction_id).content_key[:12] for row in found]
        raise UsageError(
            f"{current_name(session, checkpoint_id)} has {len(found)} embeddings on {dataset.name}, "
            "by several rules",
            hint="say which: " + " or ".join(f"--extraction {key}" for key in keys),
        )
    return found[0] if found else None


def _known(
    session: Session, loaded: LoadedBattery, checkpoint: Checkpoint, embedding: Embedding
) -> list[TaskScore]:
    keys = {_key(loaded.row, task, checkpoint, embedding): task.name for task in loaded.tasks}
    rows = session.scalars(select(Score).where(Score.content_key.in_(list(keys))))
    found = {
        keys[row.content_key]: TaskScore(keys[row.content_key], row.value, row.stderr, row.chance)
        for row in rows
    }
    return [found[task.name] for task in loaded.tasks if task.name in found]


def _key(battery: Battery, task: Task, checkpoint: Checkpoint, embedding: Embedding) -> str:
    return score_key(
        checkpoint,
        [battery.name, task.name, METRIC, battery_version(battery)],
        protocol=PROTOCOL,
        source=OWN,
        split=SPLIT,
        embedding=embedding.content_key,
    )


def _probe(registry: Registry, loaded: LoadedBattery, embedding: Embedding) -> list[Probed]:
    last = embedding.layer_names[-1]
    (layer,) = read_layers(
        registry.store, embedding.uri, embedding.sha256, [last], location=embedding.location
    )
    seed = loaded.row.definition["split"]["seed"]
    orders = shuffles(int(loaded.is_train.sum()), seed=seed)
    return probe(layer, loaded.is_train, loaded.labels, orders)


def _record(
    session: Session,
    loaded: LoadedBattery,
    checkpoint: Checkpoint,
    embedding: Embedding,
    results: list[Probed],
    run_id: int,
) -> list[TaskScore]:
    source, name = own_evaluation(session), current_name(session, checkpoint.id)
    details = _details(session, loaded, embedding)
    scores = []
    for task, result in zip(loaded.tasks, results, strict=True):
        benchmark = benchmark_of(session, loaded.row, task)
        claim = Claim(
            result.accuracy,
            stderr=result.stderr,
            chance=result.chance,
            item_count=int((~loaded.is_train).sum()),
            protocol=PROTOCOL,
            split=SPLIT,
            details=details | {"chance_sd": result.chance_sd},
        )
        key = _key(loaded.row, task, checkpoint, embedding)
        recorded = put_score(session, checkpoint, benchmark, source, claim, key=key, run_id=run_id)
        require_true(recorded, name, benchmark)
        scores.append(TaskScore(task.name, recorded.value, result.stderr, result.chance))
    return scores


def _details(session: Session, loaded: LoadedBattery, embedding: Embedding) -> dict[str, Any]:
    return {
        "alpha": ALPHA,
        "battery": loaded.row.content_key,
        "embedding": embedding.content_key,
        "extraction": session.get_one(Extraction, embedding.extraction_id).content_key,
        "layer": embedding.layer_names[-1],
        "libraries": {name: version(name) for name in ("numpy", "scikit-learn", "scipy")},
        "shuffles": SHUFFLE_COUNT,
        "train_count": int(loaded.is_train.sum()),
        "width": embedding.widths[-1],
    }
