"""From what a file calls checkpoints to the checkpoints of the registry: exactly, and never by guess."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.lookup import current_names, find_checkpoint
from registry.tables import Checkpoint

_SCHEMES = ("timm:", "hf:")
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")
_BUCKET = 3
_MOST_SUGGESTIONS = 5_000


@dataclass(frozen=True)
class Matches:
    """Which checkpoint each name of a file is; names that are two, and names that are none."""

    checkpoint_ids: Mapping[str, int]
    ambiguous: Mapping[str, str]
    missing: tuple[str, ...]


def match_names(session: Session, names: Iterable[str], mapping: Mapping[str, str]) -> Matches:
    """Return the checkpoints of some names.

    A name is that of a checkpoint, its reference or what that was resolved to, these with or without `timm:`
    or `hf:`; every letter counts. Among checkpoints of one name those that are not retired come first.

    Args:
        session: where.
        names: what the file calls them.
        mapping: what the user says about some names, the checkpoint in the registry's words; it comes first.

    Raises:
        NotFoundError: the mapping names a checkpoint that is not registered, or several.
    """
    known = _known_names(session)
    found: dict[str, int] = {}
    ambiguous: dict[str, str] = {}
    missing: list[str] = []
    for name in dict.fromkeys(names):
        if name in mapping:
            ids = known.get(mapping[name], frozenset())
            found[name] = min(ids) if len(ids) == 1 else find_checkpoint(session, mapping[name]).id
            continue
        ids = known.get(name, frozenset())
        if len(ids) == 1:
            found[name] = min(ids)
        elif ids:
            ambiguous[name] = f"'{name}' is the name of several checkpoints: {_listed(session, ids)}"
        else:
            missing.append(name)
    return Matches(found, ambiguous, tuple(missing))


def suggestions(session: Session, names: Iterable[str]) -> dict[str, str]:
    """Return for some names the checkpoint whose name is nearest, where one is near; for people only."""
    by_start: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in current_names(session):
        letters = _letters(name)
        by_start[letters[:_BUCKET]].append((letters, name))
    found = {}
    for name in list(names)[:_MOST_SUGGESTIONS]:
        letters = _letters(name)
        candidates = dict(by_start.get(letters[:_BUCKET], ()))
        close = difflib.get_close_matches(letters, candidates, n=1, cutoff=0.6)
        if close:
            found[name] = candidates[close[0]]
    return found


def _letters(name: str) -> str:
    return _NOT_LETTERS.sub("", name.rpartition("/")[2].casefold())


def _known_names(session: Session) -> dict[str, frozenset[int]]:
    live: defaultdict[str, set[int]] = defaultdict(set)
    retired: defaultdict[str, set[int]] = defaultdict(set)
    is_retired = {}
    for row in session.execute(
        select(Checkpoint.id, Checkpoint.reference, Checkpoint.resolved, Checkpoint.retired_at)
    ):
        is_retired[row.id] = row.retired_at is not None
        texts = [text for text in (row.reference, row.resolved) if text is not None]
        bare = [text.removeprefix(scheme) for scheme in _SCHEMES for text in texts]
        for text in (*texts, *bare):
            (retired if is_retired[row.id] else live)[text].add(row.id)
    for name, checkpoint_id in current_names(session).items():
        (retired if is_retired[checkpoint_id] else live)[name].add(checkpoint_id)
    return {text: frozenset(live.get(text) or retired[text]) for text in live.keys() | retired.keys()}


def _listed(session: Session, checkpoint_ids: Collection[int]) -> str:
    names = {checkpoint_id: name for name, checkpoint_id in current_names(session).items()}
    chosen = select(Checkpoint.id, Checkpoint.reference).where(Checkpoint.id.in_(checkpoint_ids))
    references = {row.id: row.reference for row in session.execute(chosen)}
    return ", ".join(names.get(one) or references[one] for one in sorted(checkpoint_ids)[:5])
