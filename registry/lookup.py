"""Find rows by what users call them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from registry.errors import NotFoundError, UsageError
from registry.tables import Battery, Benchmark, Checkpoint, Dataset, Name, Series, Target

SHORTEST_KEY = 8


def nearest(word: str, words: Iterable[str]) -> str:
    """Return 'did you mean A, B ?' for the known words nearest to one, or '' if none is near."""
    close = difflib.get_close_matches(word, list(words), n=3, cutoff=0.6)
    return f"did you mean {', '.join(close)} ?" if close else ""


def current_names(session: Session) -> dict[str, int]:
    """Return every current name with the id of its checkpoint."""
    rows = session.execute(
        select(Name.name, Name.checkpoint_id).where(Name.ended_at.is_(None)).order_by(Name.name)
    )
    return {row.name: row.checkpoint_id for row in rows}


def current_name(session: Session, checkpoint_id: int) -> str:
    """Return what a checkpoint is called now, or the start of its content key where it has no name."""
    name = session.scalar(
        select(Name.name)
        .where(Name.checkpoint_id == checkpoint_id, Name.ended_at.is_(None))
        .order_by(Name.id)
        .limit(1)
    )
    if name is not None:
        return name
    key = session.scalar(select(Checkpoint.content_key).where(Checkpoint.id == checkpoint_id))
    return (key or "")[:12]


def find_checkpoint(session: Session, text: str) -> Checkpoint:
    """Return the one checkpoint of a name, a reference, `series@step=N`, or the start of a content key.

    Raises:
        NotFoundError: nothing, or more than one thing, is registered under it.
    """
    for condition in _conditions(text):
        found = session.scalars(select(Checkpoint).where(condition).order_by(Checkpoint.id)).all()
        live = [checkpoint for checkpoint in found if checkpoint.retired_at is None]
        candidates = live or found
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            names = ", ".join(current_name(session, checkpoint.id) for checkpoint in candidates[:5])
            raise NotFoundError(f"'{text}' is ambiguous: {names}", hint="use one of these names")
    hint = nearest(text, current_names(session)) or "'cavewall checkpoint list' shows what is registered"
    raise NotFoundError(f"no checkpoint '{text}'", hint=hint)


def _conditions(text: str) -> list[ColumnElement[bool]]:
    named = select(Name.checkpoint_id).where(Name.name == text, Name.ended_at.is_(None))
    conditions: list[ColumnElement[bool]] = [Checkpoint.id.in_(named), Checkpoint.reference == text]
    series, separator, step = text.partition("@step=")
    if separator and step.isdigit():
        series_id = select(Series.id).where(Series.name == series)
        conditions.append(Checkpoint.series_id.in_(series_id) & (Checkpoint.step == int(step)))
    if len(text) >= SHORTEST_KEY and all(letter in "0123456789abcdef" for letter in text):
        conditions.append(Checkpoint.content_key.startswith(text))
    return conditions


def find_checkpoints(session: Session, patterns: Sequence[str]) -> list[Checkpoint]:
    """Return the checkpoints of some names, references or globs over names, each once, in that order.

    Raises:
        NotFoundError: a pattern matches nothing.
    """
    names = current_names(session)
    found: dict[int, Checkpoint] = {}
    for pattern in patterns:
        if not any(letter in pattern for letter in "*?["):
            checkpoint = find_checkpoint(session, pattern)
            found.setdefault(checkpoint.id, checkpoint)
            continue
        matched = [names[name] for name in names if fnmatchcase(name, pattern)]
        if not matched:
            raise NotFoundError(
                f"no name matches '{pattern}'", hint="'cavewall checkpoint list' shows what is registered"
            )
        for checkpoint in session.scalars(
            select(Checkpoint).where(Checkpoint.id.in_(matched)).order_by(Checkpoint.id)
        ):
            found.setdefault(checkpoint.id, checkpoint)
    return list(found.values())


def find_dataset(session: Session, name: str | None) -> Dataset:
    """Return the data set of a name; without a name the only one there is.

    Raises:
        NotFoundError: there is none of that name.
        UsageError: no name was given and there is not exactly one.
    """
    datasets = {dataset.name: dataset for dataset in session.scalars(select(Dataset).order_by(Dataset.name))}
    if name is None:
        if len(datasets) == 1:
            return next(iter(datasets.values()))
        raise UsageError(
            f"this registry has {len(datasets)} data sets",
            hint=f"say which with --dataset: {', '.join(datasets)}",
        )
    if name not in datasets:
        hint = nearest(name, datasets) or "'cavewall dataset list' shows what is registered"
        raise NotFoundError(f"no data set '{name}'", hint=hint)
    return datasets[name]


def find_target(session: Session, name: str) -> Target:
    """Return the target of a name.

    Raises:
        NotFoundError: there is none of that name.
    """
    target = session.scalar(select(Target).where(Target.name == name))
    if target is None:
        names = session.scalars(select(Target.name)).all()
        hint = nearest(name, names) or "'cavewall target list' shows what is registered"
        raise NotFoundError(f"no target '{name}'", hint=hint)
    return target


def find_battery(session: Session, name: str) -> Battery:
    """Return the battery of a name.

    Raises:
        NotFoundError: there is none of that name.
    """
    battery = session.scalar(select(Battery).where(Battery.name == name))
    if battery is None:
        names = session.scalars(select(Battery.name).order_by(Battery.name)).all()
        defined = f"defined are {', '.join(names)}" if names else "define one: cavewall score define"
        hint = nearest(name, names) or f"{defined}; bits per byte are called bpb"
        raise NotFoundError(f"no battery '{name}'", hint=hint)
    return battery


def find_benchmarks(session: Session, pattern: str) -> list[Benchmark]:
    """Return the benchmarks whose suite, or `suite/task`, is a text or matches a glob.

    Raises:
        NotFoundError: none does.
    """
    rows = session.scalars(select(Benchmark).order_by(Benchmark.id)).all()
    found = [
        row
        for row in rows
        if any(fnmatchcase(name, pattern) for name in (row.suite, f"{row.suite}/{row.task}"))
    ]
    if not found:
        known = sorted({f"{row.suite}/{row.task}" for row in rows} | {row.suite for row in rows})
        hint = nearest(pattern, known) or "a benchmark is called suite/task; 'cavewall score list' shows them"
        raise NotFoundError(f"no benchmark matches '{pattern}'", hint=hint)
    return found
