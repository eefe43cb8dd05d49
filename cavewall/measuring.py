"""What `score run` does: one checkpoint after the other, each on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cavewall.progress import Report, progress
from registry.errors import RegistryError, UsageError

if TYPE_CHECKING:
    from ingest.bits_per_byte import Scored
    from registry.handle import Registry


@dataclass(frozen=True)
class Measured:
    """What became of one checkpoint; `detail` is the reason where it failed."""

    outcome: str
    checkpoint: str
    value: float | None = None
    detail: str = ""

    def text(self) -> str:
        """Return the line for people."""
        value = f"  {self.value:.4f} bits per byte" if self.value is not None else ""
        return f"{self.outcome}  {self.checkpoint}{value}{'  ' if self.detail else ''}{self.detail}"


@dataclass(frozen=True)
class Texts:
    """What to measure on: a data set's texts, or a corpus (`reference`), as far as the limits go."""

    dataset: str | None = None
    reference: str | None = None
    documents: int | None = None
    byte_limit: int | None = None


def run_bits(
    registry: Registry, checkpoints: Sequence[str], options: Mapping[str, Any], *, is_dry: bool
) -> list[Measured]:
    """Measure bits per byte as the options of `score run` say, and return what became of each checkpoint.

    Raises:
        UsageError: an option has no meaning beside another.
        RegistryError: as `measure` raises.
    """
    settings = dict(options)
    _refuse_strange(settings)
    limits = {"documents": settings.pop("documents"), "byte_limit": settings.pop("bytes")}
    texts = Texts(settings.pop("dataset"), settings.pop("corpus"), **limits)
    settings["device"] = settings["device"] or registry.settings.device
    if texts.reference is None:
        del settings["stride"]
        settings["caption_index"] = settings["caption_index"] or 0
    else:
        del settings["caption_index"]
    with progress(device=settings["device"]) as report:
        return measure(registry, checkpoints, texts, settings, report, is_dry=is_dry)


def _refuse_strange(options: Mapping[str, Any]) -> None:
    has_corpus = options["corpus"] is not None
    for name in ("dataset", "caption_index") if has_corpus else ("documents", "bytes", "stride"):
        if options[name] is not None:
            raise UsageError(
                f"--{name.replace('_', '-')} means nothing {'with' if has_corpus else 'without'} --corpus",
                hint="bits per byte are measured on a data set's texts, or on a corpus",
            )


def measure(
    registry: Registry,
    checkpoints: Sequence[str],
    texts: Texts,
    settings: Mapping[str, Any],
    report: Report,
    *,
    is_dry: bool,
) -> list[Measured]:
    """Measure bits per byte of some checkpoints and return what became of each.

    Args:
        registry: where.
        checkpoints: names, or globs.
        texts: on what; a corpus is read once for all of them.
        settings: context, device and the like.
        report: told how far each is.
        is_dry: whether nothing is measured.

    Raises:
        NotFoundError: a name is not registered.
        InputError: the corpus cannot be read.
        RegistryError: the only checkpoint failed.
    """
    from cavewall.selecting import choose_checkpoints
    from registry.lookup import current_name

    with registry.read() as session:
        chosen = [(row.id, current_name(session, row.id)) for row in choose_checkpoints(session, checkpoints)]
    measure_one = _on_dataset(registry, texts) if texts.reference is None else _on_corpus(registry, texts)
    if is_dry:
        return [Measured("would measure", name) for _, name in chosen]
    return [
        _measured(measure_one, identifier, name, settings, report, is_alone=len(chosen) == 1)
        for identifier, name in chosen
    ]


def _on_dataset(registry: Registry, texts: Texts) -> Callable[..., Scored]:
    from ingest.bits_per_byte import measure_bits_per_byte
    from registry.lookup import find_dataset

    with registry.read() as session:
        dataset_id = find_dataset(session, texts.dataset).id

    def measure_one(checkpoint_id: int, **settings: Any) -> Scored:
        return measure_bits_per_byte(registry, checkpoint_id, dataset_id, **settings)

    return measure_one


def _on_corpus(registry: Registry, texts: Texts) -> Callable[..., Scored]:
    from ingest.bits_per_byte import measure_on_corpus
    from ingest.corpora import read_corpus

    corpus = read_corpus(str(texts.reference), document_limit=texts.documents, byte_limit=texts.byte_limit)

    def measure_one(checkpoint_id: int, **settings: Any) -> Scored:
        return measure_on_corpus(registry, checkpoint_id, corpus, **settings)

    return measure_one


def _measured(
    measure_one: Callable[..., Scored],
    checkpoint_id: int,
    name: str,
    settings: Mapping[str, Any],
    report: Report,
    *,
    is_alone: bool,
) -> Measured:
    try:
        done = measure_one(checkpoint_id, progress=lambda done, total: report(name, done, total), **settings)
    except RegistryError as error:
        if is_alone:
            raise
        return Measured("failed", name, detail=error.message)
    return Measured(done.outcome, name, done.value)
