"""The demo from an empty folder to a table; every step is what a user would do, and is done once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from analysis.snapshot import build_snapshot
from cavewall.demo.contents import (
    DATASET,
    SERIES,
    add_baselines,
    add_battery,
    add_emoji,
    add_pretrained,
    add_targets,
    train_and_add,
)
from cavewall.demo.emoji import load_emoji
from compute.runner import RunOptions, RunSummary, run_targets
from compute.targets import AddedTarget
from ingest.batteries import load_battery
from ingest.battery_runs import run_battery
from ingest.bits_per_byte import METRIC, measure_bits_per_byte
from ingest.checkpoints import Added
from ingest.embedding import embed_missing
from registry.errors import PartlyDone
from registry.handle import Registry, create_registry, open_registry
from registry.lookup import find_target
from registry.settings import ZOO_FILE, load_settings
from registry.tables import Benchmark, Checkpoint, Embedding, Score, Series

Tell = Callable[[str, str], None]
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class DemoZoo:
    """The demo's registry, with its data set and its two targets.

    `strict` is the target without neighbours that share a word.
    """

    registry: Registry
    folder: Path
    dataset_id: int
    target: AddedTarget
    strict: AddedTarget
    item_count: int


@contextmanager
def demo_registry(folder: Path) -> Iterator[Registry]:
    """Give the registry of the demo's folder, made where it is missing."""
    made = (folder / ZOO_FILE).is_file()
    registry = open_registry(load_settings(folder, environment={})) if made else create_registry(folder)
    try:
        yield registry
    finally:
        registry.close()


def build(registry: Registry, folder: Path, *, device: str, tell: Tell, report: Report) -> DemoZoo:
    """Fill the demo's zoo: register, train, embed, align, probe, publish.

    Args:
        registry: of the demo's folder.
        folder: for weights and the training run.
        device: where to compute.
        tell: called with a heading and a line when a step is done.
        report: called with a phase, how much of it is done, and how much there is.

    Raises:
        MissingExtra: a package of the extra `demo` is not installed.
        InputError: a package's weights are not the pinned ones.
        PartlyDone: a checkpoint could not be embedded.
    """
    emoji = load_emoji()
    dataset = add_emoji(registry, emoji)
    tell("dataset", f"{DATASET}: {len(emoji.ids):,} things and people, each as a picture and as its name")
    added = add_pretrained(registry, folder) + add_baselines(registry)
    begun = time.monotonic()
    points = train_and_add(registry, folder, emoji)
    tell("checkpoints", _described([*added, *points]))
    _measure_bits(registry, dataset.dataset_id, points, report)
    tell("training", f"{_bits_line(registry)}   {_minutes(begun)}")
    _embed(registry, dataset.dataset_id, device, tell, report)
    target, strict = add_targets(registry)
    _align(registry, target.name, "aligned", device, tell, report)
    _align(registry, strict.name, "and again", device, tell, report)
    _probe(registry, dataset.dataset_id, tell, report)
    snapshot = build_snapshot(registry)
    rows = sum(snapshot.rows.values())
    tell("snapshot", f"number {snapshot.number}, {rows:,} rows in Parquet, to be asked in SQL")
    return DemoZoo(registry, folder, dataset.dataset_id, target, strict, len(emoji.ids))


def _described(added: list[Added]) -> str:
    new = sum(one.outcome == "added" for one in added)
    kinds = "networks from packages, their untrained twins, a training run, pixels, counted words"
    return f"{len(added)}: {kinds}" + ("" if new else " (all known)")


def _measure_bits(registry: Registry, dataset_id: int, points: list[Added], report: Report) -> None:
    for index, point in enumerate(points):
        report("bits", index, len(points))
        measure_bits_per_byte(registry, point.checkpoint_id, dataset_id)
    report("bits", len(points), len(points))


def _bits_line(registry: Registry) -> str:
    with registry.read() as session:
        rows = session.execute(
            select(Checkpoint.step, Score.value)
            .join(Checkpoint, Checkpoint.id == Score.checkpoint_id)
            .join(Series, Series.id == Checkpoint.series_id)
            .join(Benchmark, Benchmark.id == Score.benchmark_id)
            .where(Series.name == SERIES, Benchmark.metric == METRIC)
            .order_by(Checkpoint.step)
        ).all()
    listed = ", ".join(f"{value:.2f} at step {step}" for step, value in rows)
    return f"{SERIES}, a byte-level language model: bits per byte of the names {listed}"


def _embed(registry: Registry, dataset_id: int, device: str, tell: Tell, report: Report) -> None:
    begun = time.monotonic()
    done = embed_missing(
        registry,
        dataset_id,
        device=device,
        progress=lambda name, count, total: report(f"embed {name}", count, total),
    )
    if done.failures:
        first = done.failures[0]
        raise PartlyDone(
            f"{done.failed} checkpoints could not be embedded; {first.name}: {first.message}",
            hint="run 'cavewall demo' again: what is done is kept",
        )
    with registry.read() as session:
        count, layers = session.execute(
            select(func.count(), func.sum(Embedding.layer_count)).where(Embedding.status == "ready")
        ).one()
    tell("embedded", f"{count} checkpoints, {layers} layers   {_minutes(begun)}")


def _align(
    registry: Registry, target: str, heading: str, device: str, tell: Tell, report: Report
) -> RunSummary:
    begun = time.monotonic()
    summary = run_targets(registry, [target], RunOptions(device=device, report=report))
    with registry.read() as session:
        row = find_target(session, target)
    rule = "" if row.recipe == "cosine" else "without neighbours that share a word: "
    if summary.run_id is None:
        tell(heading, f"{rule}nothing to do, every pair is there")
    else:
        done = f"{summary.pairs} pairs, {summary.layer_pairs:,} layer pairs"
        tell(heading, f"{rule}{done}, calibrated with {row.draws} permutations   {_minutes(begun)}")
    return summary


def _probe(registry: Registry, dataset_id: int, tell: Tell, report: Report) -> None:
    begun = time.monotonic()
    defined = add_battery(registry, dataset_id)
    battery = load_battery(registry, defined.name)
    with registry.read() as session:
        ready = select(Embedding.checkpoint_id).where(Embedding.status == "ready")
        ids = sorted(set(session.scalars(ready)))
    new = 0
    for index, checkpoint_id in enumerate(ids):
        report("probe", index, len(ids))
        new += run_battery(registry, battery, checkpoint_id).outcome == "added"
    report("probe", len(ids), len(ids))
    tasks = f"{defined.task_count} tasks, what an emoji shows, by linear probes on {len(ids)} checkpoints"
    tell("scores", tasks + (f"   {_minutes(begun)}" if new else " (all known)"))


def _minutes(begun: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    return f"{minutes}:{seconds:02d}"
