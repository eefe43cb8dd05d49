"""Find rows by what users call them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from registry.errors import NotFoundError, UsageError
from registry.expansion import expand_braces, has_braces
from registry.tables import Battery, Benchmark, Checkpoint, Dataset, Name, Series, Tag, Target

SHORTEST_KEY = 8
TAG = "tag:"
QUESTION = "@sql:"
EVERY_POINT = "@*"
_IDS_AT_ONCE = 500


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

    A reference that has moved, or a file that was overwritten, means what holds the name now.

    Raises:
        NotFoundError: nothing, or more than one thing, is registered under it.
    """
    for condition in _conditions(text):
        found = session.scalars(select(Checkpoint).where(condition).order_by(Checkpoint.id)).all()
        live = [checkpoint for checkpoint in found if checkpoint.retired_at is None]
        candidates = live or found
        if len(candidates) > 1 and all(checkpoint.reference == text for checkpoint in candidates):
            candidates = _with_names(session, candidates) or candidates
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            names = ", ".join(current_name(session, checkpoint.id) for checkpoint in candidates[:5])
            raise NotFoundError(f"'{text}' is ambiguous: {names}", hint="use one of these names")
    raise NotFoundError(f"no checkpoint '{text}'", hint=_near_names(session, text))


def _with_names(session: Session, checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    named = set(current_names(session).values())
    return [checkpoint for checkpoint in checkpoints if checkpoint.id in named]


def _near_names(session: Session, text: str) -> str:
    """Return the names that begin with a text, else those that look like it."""
    names = current_names(session)
    longer = [name for name in names if text and name.startswith(text)]
    if len(longer) > 1:
        more = f" and {len(longer) - 5} more" if len(longer) > 5 else ""
        return f"names that begin so: {', '.join(longer[:5])}{more}"
    return nearest(text, names) or "'cavewall checkpoint list' shows what is registered"


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
    """Return the checkpoints of some patterns, each once, in the order of the patterns.

    A pattern is what `find_checkpoint` takes, a glob over names, `tag:NAME` (a glob too), `series@*` for
    every point of a series by step, or one of these with braces, `r8@step={0..100:50}`.

    Raises:
        NotFoundError: a pattern matches nothing.
        UsageError: its braces are malformed.
    """
    found: dict[int, Checkpoint] = {}
    names = current_names(session)
    for pattern in patterns:
        for text in _expanded(session, pattern):
            for checkpoint in _matching(session, text, names):
                found.setdefault(checkpoint.id, checkpoint)
    return list(found.values())


def _expanded(session: Session, pattern: str) -> list[str]:
    """Return a pattern without its braces; a reference that is registered with braces is meant as it is."""
    return (
        expand_braces(pattern) if has_braces(pattern) and not _is_reference(session, pattern) else [pattern]
    )


def _is_reference(session: Session, text: str) -> bool:
    return session.scalar(select(Checkpoint.id).where(Checkpoint.reference == text).limit(1)) is not None


def _matching(session: Session, text: str, names: dict[str, int]) -> Iterable[Checkpoint]:
    if text.startswith(QUESTION):
        raise UsageError("checkpoints cannot be chosen by SQL here", hint="name them, or use tag:NAME")
    if text.startswith(TAG):
        return _tagged(session, text.removeprefix(TAG))
    if text.endswith(EVERY_POINT) and not _is_reference(session, text):
        return _points(session, text.removesuffix(EVERY_POINT))
    if not is_glob(text) or _is_reference(session, text):
        return [find_checkpoint(session, text)]
    matched = [names[name] for name in names if fnmatchcase(name, text)]
    if not matched:
        raise NotFoundError(
            f"no name matches '{text}'", hint="'cavewall checkpoint list' shows what is registered"
        )
    return checkpoints_of(session, matched)


def is_glob(text: str) -> bool:
    """Return whether a text has letters that stand for others."""
    return any(letter in text for letter in "*?[")


def checkpoints_of(session: Session, ids: Iterable[int]) -> list[Checkpoint]:
    """Return the checkpoints of some ids, in the order of registration; ids that are unknown are left out."""
    wanted = sorted(set(ids))
    found: list[Checkpoint] = []
    for start in range(0, len(wanted), _IDS_AT_ONCE):
        some = wanted[start : start + _IDS_AT_ONCE]
        found += session.scalars(select(Checkpoint).where(Checkpoint.id.in_(some)).order_by(Checkpoint.id))
    return found


def _tagged(session: Session, pattern: str) -> list[Checkpoint]:
    known = session.scalars(select(Tag.tag).distinct().order_by(Tag.tag)).all()
    tags = [tag for tag in known if fnmatchcase(tag, pattern)]
    if not tags:
        hint = nearest(pattern, known) or "tag some: cavewall checkpoint tag CHECKPOINT --add TAG"
        raise NotFoundError(f"no checkpoint has the tag '{pattern}'", hint=hint)
    return checkpoints_of(session, session.scalars(select(Tag.checkpoint_id).where(Tag.tag.in_(tags))))


def _points(session: Session, name: str) -> list[Checkpoint]:
    """Return the points of a series by step; a retired one only where no live one has its step."""
    series = session.scalar(select(Series).where(Series.name == name))
    if series is None:
        known = session.scalars(select(Series.name).order_by(Series.name)).all()
        hint = nearest(name, known) or "'cavewall checkpoint list' shows the series"
        raise NotFoundError(f"no series '{name}'", hint=hint)
    rows = session.scalars(
        select(Checkpoint)
        .where(Checkpoint.series_id == series.id)
        .order_by(Checkpoint.step, Checkpoint.retired_at.is_not(None), Checkpoint.id)
    )
    points: dict[int | None, list[Checkpoint]] = {}
    for row in rows:
        at_step = points.setdefault(row.step, [])
        if not at_step or (at_step[0].retired_at is not None):
            at_step.append(row)
    found = [row for at_step in points.values() for row in at_step]
    if not found:
        raise NotFoundError(f"the series '{name}' has no checkpoint", hint="add one: cavewall checkpoint add")
    return found


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
