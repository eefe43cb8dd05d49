"""What `embed extract` does: all that is missing, or what is named, each checkpoint on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from registry.errors import RegistryError, UsageError

if TYPE_CHECKING:
    from cavewall.progress import Report
    from ingest.extraction import Rule
    from ingest.trust import Trust
    from registry.handle import Registry
    from registry.tables import Checkpoint, Dataset


@dataclass(frozen=True)
class Extracted:
    """What became of one checkpoint; `detail` is the reason where it failed."""

    outcome: str
    checkpoint: str
    layers: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class Wish:
    """What to extract, and how; nothing in `checkpoints` means all."""

    checkpoints: tuple[str, ...]
    dataset: str | None
    device: str
    batch_size: int | None
    replace: bool
    rule: Mapping[str, str]
    workers: int = 0
    trust_pickle: bool = False
    entry_points: tuple[str, ...] = ()

    def trust(self, registry: Registry) -> Trust:
        """Return what this command may run of other people's code."""
        from ingest.trust import trust_in

        return trust_in(registry.settings, every_pickle=self.trust_pickle, entry_points=self.entry_points)


def rule_for(modality: str, changes: Mapping[str, str]) -> Rule:
    """Return a modality's default rule with some fields changed; `vision.crop` changes that of one modality.

    Raises:
        UsageError: there is no such field, or it cannot hold that value.
    """
    from ingest.extraction import DTYPES, check_rule, default_rule
    from registry.lookup import nearest

    known = [field.name for field in fields(default_rule(modality)) if field.name != "modality"]
    values: dict[str, Any] = _changes_of(modality, changes)
    for name in values:
        if name not in known:
            raise UsageError(
                f"a rule has no '{name}'", hint=nearest(name, known) or f"it has {', '.join(known)}"
            )
    if "caption_index" in values:
        try:
            values["caption_index"] = int(values["caption_index"])
        except ValueError as error:
            raise UsageError("caption_index must be a number", hint="count captions from 0") from error
    if "dtype" in values:
        values["dtype"] = DTYPES.get(values["dtype"], values["dtype"])
    rule = replace(default_rule(modality), **values)
    check_rule(rule)
    return rule


def _changes_of(modality: str, changes: Mapping[str, str]) -> dict[str, str]:
    """Return the changes that concern a modality: those of both, and its own, without the prefix."""
    own = f"{modality}."
    others = tuple(f"{other}." for other in ("vision", "language") if other != modality)
    return {name.removeprefix(own): value for name, value in changes.items() if not name.startswith(others)}


def chosen_checkpoints(registry: Registry, wish: Wish) -> tuple[Dataset, list[Checkpoint]]:
    """Return the data set, and the live checkpoints that were named, or all that read it.

    Raises:
        NotFoundError: a name is not registered.
    """
    from cavewall.selecting import choose_checkpoints
    from registry.listings import live_checkpoints
    from registry.lookup import find_dataset

    with registry.read() as session:
        dataset = find_dataset(session, wish.dataset)
        if wish.checkpoints:
            return dataset, choose_checkpoints(session, wish.checkpoints)
        return dataset, live_checkpoints(session, dataset.modalities)


def planned(registry: Registry, wish: Wish) -> list[Extracted]:
    """Return what an extraction would do, checkpoint by checkpoint."""
    from registry.listings import list_embeddings
    from registry.lookup import current_name

    dataset, chosen = chosen_checkpoints(registry, wish)
    with registry.read() as session:
        lines = list_embeddings(session, dataset_id=dataset.id)
        have = {(line.checkpoint, line.extraction) for line in lines if line.status == "ready"}
        names = {row.id: current_name(session, row.id) for row in chosen}
    trust = wish.trust(registry)
    return [_plan(row, names[row.id], have, wish, trust) for row in chosen]


def _plan(row: Checkpoint, name: str, have: set[tuple[str, str]], wish: Wish, trust: Trust) -> Extracted:
    if row.resolved is None:
        return Extracted("skipped", name, detail="floating: its revision is not resolved")
    if row.retired_at is not None:
        return Extracted("skipped", name, detail=f"retired: {row.retired_reason}")
    key = rule_for(row.modality, wish.rule).content_key[:12]
    if (name, key) in have and not wish.replace:
        return Extracted("unchanged", name)
    if row.entry_point is not None and row.entry_point not in trust.entry_points:
        from ingest.trust import untrusted_reason

        return Extracted("skipped", name, detail=untrusted_reason(row.entry_point))
    return Extracted("added", name)


def extract_wish(registry: Registry, wish: Wish, report: Report) -> list[Extracted]:
    """Extract, and return what became of each checkpoint.

    Raises:
        MissingExtra: the libraries that run models are not installed.
        RegistryError: the only checkpoint that was named failed.
    """
    if wish.checkpoints or wish.rule or wish.replace:
        dataset, chosen = chosen_checkpoints(registry, wish)
        is_alone = len(chosen) == 1 and bool(wish.checkpoints)
        return [
            plan
            if plan.outcome == "skipped" and not wish.checkpoints
            else _extract_one(registry, dataset, row, wish, report, is_alone=is_alone)
            for plan, row in zip(planned(registry, wish), chosen, strict=True)
        ]
    return _extract_missing(registry, wish, report)


def _extract_missing(registry: Registry, wish: Wish, report: Report) -> list[Extracted]:
    from ingest.embedding import embed_missing

    before = {line.checkpoint: line for line in planned(registry, wish)}
    dataset, _ = chosen_checkpoints(registry, wish)
    done = embed_missing(
        registry,
        dataset.id,
        device=wish.device,
        batch_size=wish.batch_size,
        workers=wish.workers,
        progress=report,
        trust=wish.trust(registry),
    )
    failed = {failure.name: failure.message for failure in done.failures}
    after = {line.checkpoint: line for line in planned(registry, wish)}
    return [_outcome(line, after[name].outcome, failed.get(name)) for name, line in before.items()]


def _outcome(before: Extracted, after: str, failure: str | None) -> Extracted:
    if failure is not None:
        return Extracted("failed", before.checkpoint, detail=failure)
    if before.outcome != "added":
        return before
    if after == "unchanged":  # what was to be added is there
        return before
    return Extracted("skipped", before.checkpoint, detail="nothing says what these weights belong to")


def _extract_one(
    registry: Registry, dataset: Dataset, row: Checkpoint, wish: Wish, report: Report, *, is_alone: bool
) -> Extracted:
    from ingest.embedding import embed_checkpoint
    from registry.lookup import current_name

    with registry.read() as session:
        name = current_name(session, row.id)
    try:
        done = embed_checkpoint(
            registry,
            row.id,
            dataset.id,
            rule_for(row.modality, wish.rule),
            device=wish.device,
            batch_size=wish.batch_size,
            workers=wish.workers,
            progress=lambda done, total: report(name, done, total),
            replace=wish.replace,
            trust=wish.trust(registry),
        )
    except RegistryError as error:
        if is_alone:
            raise
        return Extracted("failed", name, detail=error.message)
    return Extracted(done.outcome, name, done.layer_count)
