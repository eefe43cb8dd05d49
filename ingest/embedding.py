"""Embed checkpoints: one, or all that a data set still misses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.extraction import Rule
from ingest.jobs import Job, find_missing, prepare
from ingest.models_extra import require_models
from ingest.partial import Partial
from ingest.recording import Embedded, Origin, record_embedding
from ingest.trust import Trust, noted_pickles, trust_in
from registry.errors import InputError, RegistryError, UsageError
from registry.handle import Registry
from registry.items import Items, read_items
from registry.keys import content_key
from registry.runs import clear_failure, record_failure, recorded_run

if TYPE_CHECKING:
    from ingest.sources.answers import Answer, Running

__all__ = [
    "Embedded",
    "EmbeddedMany",
    "Failed",
    "Origin",
    "embed_checkpoint",
    "embed_missing",
    "record_embedding",
]

STAGE = "extract"
Progress = Callable[[int, int], None]
_MODEL_ERRORS = (
    OSError, RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, ImportError,
    AssertionError, NotImplementedError, MemoryError, ArithmeticError,
)  # fmt: skip


@dataclass(frozen=True)
class Failed:
    """A checkpoint that could not be embedded, with the reason."""

    checkpoint_id: int
    name: str
    message: str


@dataclass(frozen=True)
class EmbeddedMany:
    """What embedding all that was missing did, in numbers; each failure with its reason."""

    added: int
    already: int
    skipped: int
    failures: tuple[Failed, ...]
    layer_count: int

    @property
    def failed(self) -> int:
        """Return how many checkpoints failed."""
        return len(self.failures)


def embed_checkpoint(
    registry: Registry,
    checkpoint_id: int,
    dataset_id: int,
    extraction: Rule | None = None,
    *,
    device: str = "cpu",
    batch_size: int | None = None,
    workers: int = 0,
    progress: Progress | None = None,
    replace: bool = False,
    trust: Trust | None = None,
) -> Embedded:
    """Extract one checkpoint's answer to a data set and record it.

    What is ready is left alone, unless `replace` asks to extract again: the same bytes then change nothing,
    others supersede them. Nothing waits for the registry's lock; of two extractions of the same thing the
    first that is ready wins, and several GPUs are used by one process each. What is computed so far is kept,
    so that after a kill the same call goes on where it stopped and ends with the same bytes.

    Args:
        registry: where.
        checkpoint_id: which checkpoint.
        dataset_id: which data set.
        extraction: the rule; the modality's default where it is None.
        device: `cpu`, `cuda`, `cuda:1` … or `auto`.
        batch_size: items at a time; the source's own where it is None. Halved where memory runs out.
        workers: processes that decode pictures; a script that asks for any needs the guard
            `if __name__ == "__main__":`. The rows and their order are the same however many run.
        progress: called with how many items of how many are done.
        replace: whether to extract again what is ready.
        trust: which code of others may run; what this host's configuration lists where it is None.

    Raises:
        MissingExtra: the libraries that run models are not installed.
        UsageError: the checkpoint is floating or retired, or the rule cannot be followed.
        InputError: weights or items cannot be read, or the model fails; the reason stands in `failure`.
    """
    require_models("extracting embeddings")
    from ingest.sources.answers import Running

    job, ready = prepare(registry, checkpoint_id, dataset_id, extraction)
    if ready is not None and not replace:
        return Embedded(ready.id, "unchanged", ready.layer_count)
    chosen = chosen_device(device)
    trust = trust or trust_in(registry.settings)
    with recorded_run(registry, "embed extract", chosen) as run, noted_pickles(run, trust):
        items = read_items(registry.store, job.dataset)
        result = _embed(
            registry,
            job,
            items,
            Running(chosen, batch_size=batch_size, workers=workers, progress=progress, trust=trust),
            replace=replace,
            run_id=run.id,
        )
        run.counts |= {"embedded": 1, "layers": result.layer_count}
    return result


def embed_missing(
    registry: Registry,
    dataset_id: int,
    checkpoint_ids: Collection[int] | None = None,
    *,
    device: str = "cpu",
    batch_size: int | None = None,
    workers: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
    trust: Trust | None = None,
) -> EmbeddedMany:
    """Embed every live checkpoint of a data set's modalities that has no ready embedding by the default rule.

    One that fails does not stop the rest: its reason stands in `failure` and in the result. Floating
    checkpoints, weights of which nothing says what they belong to, and networks of one's own that may not run
    here are skipped.

    Args:
        registry: where.
        dataset_id: which data set.
        checkpoint_ids: which checkpoints; all where it is None.
        device: where to compute.
        batch_size: items at a time; each source's own where it is None.
        workers: processes that decode pictures.
        progress: called with a checkpoint's name and how many items of how many are done.
        trust: which code of others may run; what this host's configuration lists where it is None.

    Raises:
        MissingExtra: the libraries that run models are not installed.
        NotFoundError: the data set is not registered.
    """
    require_models("extracting embeddings")
    from ingest.sources.answers import Running

    trust = trust or trust_in(registry.settings)
    jobs, already, skipped = find_missing(registry, dataset_id, checkpoint_ids, trust)
    if not jobs:
        return EmbeddedMany(0, already, skipped, (), 0)
    chosen = chosen_device(device)
    failures: list[Failed] = []
    layer_count = added = 0
    with recorded_run(registry, "embed extract", chosen) as run, noted_pickles(run, trust):
        items = read_items(registry.store, jobs[0].dataset)
        for job in jobs:
            try:
                named = _named(progress, job.name)
                running = Running(chosen, batch_size=batch_size, workers=workers, progress=named, trust=trust)
                result = _embed(registry, job, items, running, run_id=run.id)
            except RegistryError as error:
                failures.append(Failed(job.checkpoint.id, job.name, error.message))
                run.counts["failed"] = len(failures)
                continue
            added += result.outcome != "lost"
            layer_count += result.layer_count
            run.counts |= {"embedded": added, "layers": layer_count}
    return EmbeddedMany(added, already, skipped, tuple(failures), layer_count)


def _named(progress: Callable[[str, int, int], None] | None, name: str) -> Progress | None:
    if progress is None:
        return None
    return lambda done, total: progress(name, done, total)


def chosen_device(device: str) -> str:
    """Return the device that a word means: `auto` is a GPU where there is one, `cuda:0,cuda:1` two of them.

    Raises:
        UsageError: there is no such device, or several are named that are not different GPUs.
    """
    import torch

    if "," in device:
        return _several(device)
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise UsageError(
            f"there is no device '{device}'", hint="use cpu, cuda, cuda:N, auto, or several: cuda:0,cuda:1"
        ) from error
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {device} is not here", hint="use --device cpu, or auto")
    return device


def _several(device: str) -> str:
    devices = [chosen_device(one.strip()) for one in device.split(",")]
    if len(set(devices)) < len(devices) or not all(one.startswith("cuda:") for one in devices):
        raise UsageError(
            f"'{device}' does not name different GPUs by their numbers", hint="for example: cuda:0,cuda:1"
        )
    return ",".join(devices)


def _embed(
    registry: Registry,
    job: Job,
    items: Items,
    running: Running,
    *,
    run_id: int,
    replace: bool = False,
) -> Embedded:
    partial = Partial(registry.store.root, _partial_key(job, running))
    try:
        found = _answer(job, items, dataclasses.replace(running, partial=partial))
        result = record_embedding(
            registry,
            job.checkpoint.id,
            job.dataset.id,
            found.layers,
            ids=items.ids,
            rule=job.rule,
            replace=replace,
            origin=Origin(found.resolved, found.libraries, running.device, found.batch_size),
            run_id=run_id,
            first_wins=not replace,
        )
    except RegistryError as error:
        with registry.write() as session:
            record_failure(session, job.subject, STAGE, error.message, run_id)
        raise
    partial.forget()
    with registry.write() as session:
        clear_failure(session, job.subject, STAGE)
    return result


def _answer(job: Job, items: Items, running: Running) -> Answer:
    from ingest.sources.dispatch import answer

    try:
        return answer(job.checkpoint, job.name, items, job.rule, running)
    except _MODEL_ERRORS as error:  # other people's models fail in every way there is
        reason = (str(error).strip().splitlines() or [""])[0]
        raise InputError(
            f"{job.name}: the model failed: {type(error).__name__}: {reason}",
            hint="try fewer items at a time, or another device",
        ) from error


def _partial_key(job: Job, running: Running) -> str:
    """Return the identity of all that determines the bytes of the rows: one content under one machinery."""
    import torch

    from ingest.sources.answers import versions_of

    identity = {
        "checkpoint": job.checkpoint.content_key,
        "dataset": job.dataset.content_key,
        "order": job.dataset.order_fingerprint,
        "extraction": job.rule.content_key,
        "batch_size": running.batch_size,
        "device": running.device,
        "gpu": torch.cuda.get_device_name(running.device.split(",")[0])
        if running.device.startswith("cuda")
        else None,
        "threads": torch.get_num_threads(),
        "libraries": versions_of("torch", "torchvision", "timm", "transformers", "tokenizers", "pillow"),
    }
    return content_key("partial", identity)
