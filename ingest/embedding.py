"""Embed checkpoints: one, or all that a data set still misses."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ingest.extraction import Rule
from ingest.jobs import Job, find_missing, prepare
from ingest.models_extra import require_models
from ingest.recording import Embedded, Origin, record_embedding
from registry.errors import InputError, RegistryError, UsageError
from registry.handle import Registry
from registry.items import Items, read_items
from registry.runs import clear_failure, record_failure, recorded_run

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
    progress: Progress | None = None,
    replace: bool = False,
) -> Embedded:
    """Extract one checkpoint's answer to a data set and record it.

    What is ready is left alone, unless `replace` asks to extract again: the same bytes then change nothing,
    others supersede them. Nothing waits for the registry's lock; of two extractions of the same thing the
    first that is ready wins.

    Args:
        registry: where.
        checkpoint_id: which checkpoint.
        dataset_id: which data set.
        extraction: the rule; the modality's default where it is None.
        device: `cpu`, `cuda`, `cuda:1` … or `auto`.
        batch_size: items at a time; the source's own where it is None.
        progress: called with how many items of how many are done.
        replace: whether to extract again what is ready.

    Raises:
        MissingExtra: the libraries that run models are not installed.
        UsageError: the checkpoint is floating or retired, or the rule cannot be followed.
        InputError: weights or items cannot be read, or the model fails; the reason stands in `failure`.
    """
    require_models("extracting embeddings")
    job, ready = prepare(registry, checkpoint_id, dataset_id, extraction)
    if ready is not None and not replace:
        return Embedded(ready.id, "unchanged", ready.layer_count)
    chosen = chosen_device(device)
    with recorded_run(registry, "embed extract", chosen) as run:
        items = read_items(registry.store, job.dataset)
        result = _embed(
            registry,
            job,
            items,
            chosen,
            batch_size=batch_size,
            progress=progress,
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
    progress: Callable[[str, int, int], None] | None = None,
) -> EmbeddedMany:
    """Embed every live checkpoint of a data set's modalities that has no ready embedding by the default rule.

    One that fails does not stop the rest: its reason stands in `failure` and in the result. Floating
    checkpoints, and weights of which nothing says what they belong to, are skipped.

    Args:
        registry: where.
        dataset_id: which data set.
        checkpoint_ids: which checkpoints; all where it is None.
        device: where to compute.
        batch_size: items at a time.
        progress: called with a checkpoint's name and how many items of how many are done.

    Raises:
        MissingExtra: the libraries that run models are not installed.
        NotFoundError: the data set is not registered.
    """
    require_models("extracting embeddings")
    jobs, already, skipped = find_missing(registry, dataset_id, checkpoint_ids)
    if not jobs:
        return EmbeddedMany(0, already, skipped, (), 0)
    chosen = chosen_device(device)
    failures: list[Failed] = []
    layer_count = added = 0
    with recorded_run(registry, "embed extract", chosen) as run:
        items = read_items(registry.store, jobs[0].dataset)
        for job in jobs:
            try:
                result = _embed(
                    registry,
                    job,
                    items,
                    chosen,
                    batch_size=batch_size,
                    progress=_named(progress, job.name),
                    run_id=run.id,
                )
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
    """Return the device that a word means: `auto` is a GPU where there is one.

    Raises:
        UsageError: there is no such device.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise UsageError(f"there is no device '{device}'", hint="use cpu, cuda, cuda:N or auto") from error
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {device} is not here", hint="use --device cpu, or auto")
    return device


def _embed(
    registry: Registry,
    job: Job,
    items: Items,
    device: str,
    *,
    batch_size: int | None,
    progress: Progress | None,
    run_id: int,
    replace: bool = False,
) -> Embedded:
    from ingest.sources.dispatch import answer

    try:
        try:
            found = answer(
                job.checkpoint,
                job.name,
                items,
                job.rule,
                device=device,
                batch_size=batch_size,
                progress=progress,
            )
        except _MODEL_ERRORS as error:  # other people's models fail in every way there is
            reason = (str(error).strip().splitlines() or [""])[0]
            raise InputError(
                f"{job.name}: the model failed: {type(error).__name__}: {reason}",
                hint="try fewer items at a time, or another device",
            ) from error
        result = record_embedding(
            registry,
            job.checkpoint.id,
            job.dataset.id,
            found.layers,
            ids=items.ids,
            rule=job.rule,
            replace=replace,
            origin=Origin(found.resolved, found.libraries, device, found.batch_size),
            run_id=run_id,
            first_wins=not replace,
        )
    except RegistryError as error:
        with registry.write() as session:
            record_failure(session, job.subject, STAGE, error.message, run_id)
        raise
    with registry.write() as session:
        clear_failure(session, job.subject, STAGE)
    return result
