"""Choose checkpoints by SQL: run like any user's question, over rows read now; only ids come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from registry.errors import NotFoundError, UsageError
from registry.lookup import QUESTION

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from registry.tables import Checkpoint

COLUMN = "checkpoint_id"


def choose_checkpoints(session: Session, patterns: Sequence[str]) -> list[Checkpoint]:
    """Return the checkpoints of some patterns, as `registry.lookup.find_checkpoints`, and of `@sql:QUESTION`.

    Raises:
        NotFoundError: a pattern matches nothing.
        UsageError: a question is refused, or does not answer with ids of checkpoints.
    """
    from registry.lookup import find_checkpoints

    found: dict[int, Checkpoint] = {}
    for pattern in patterns:
        asked = question_of(pattern)
        chosen = find_checkpoints(session, [pattern]) if asked is None else _selected(session, asked)
        if not chosen:
            raise NotFoundError("the question selects no checkpoint", hint=f"it was: {asked}")
        for checkpoint in chosen:
            found.setdefault(checkpoint.id, checkpoint)
    return list(found.values())


def question_of(pattern: str) -> str | None:
    """Return the question of `@sql:"…"`, with or without its quotes, or None where it is no such pattern."""
    if not pattern.startswith(QUESTION):
        return None
    text = pattern.removeprefix(QUESTION).strip()
    is_quoted = len(text) >= 2 and text[0] == text[-1] == '"'
    return text[1:-1] if is_quoted else text


def ids_where(session: Session, condition: str) -> list[int]:
    """Return the ids of the checkpoints that satisfy a condition over the public view `checkpoints`.

    Raises:
        UsageError: the condition is refused.
    """
    return _ids(session, "SELECT checkpoint_id FROM checkpoints WHERE (\n" + condition + "\n)")  # noqa: S608 - sandboxed


def _selected(session: Session, question: str) -> list[Checkpoint]:
    from registry.lookup import checkpoints_of

    ids = _ids(session, question)
    rows = {row.id: row for row in checkpoints_of(session, ids)}
    missing = [identifier for identifier in ids if identifier not in rows]
    if missing:
        raise NotFoundError(
            f"no checkpoint has the id {missing[0]}", hint=f"select {COLUMN}, as the view checkpoints has it"
        )
    return [rows[identifier] for identifier in ids]


def _ids(session: Session, question: str) -> list[int]:
    """Return the distinct ids that a question answers with, in its order."""
    from analysis.fresh import ask_fresh

    try:
        table = ask_fresh(session, question)
    except UsageError as error:
        sentence = " ".join(error.message.split("LINE ")[0].split())
        raise UsageError(f"the SQL is refused: {sentence}", hint=error.hint) from error
    name = COLUMN if COLUMN in table.column_names else None
    if name is None and table.num_columns == 1:
        name = table.column_names[0]
    values: list[Any] = [] if name is None else table.column(table.column_names.index(name)).to_pylist()
    if name is None or any(not isinstance(value, int) or isinstance(value, bool) for value in values):
        raise UsageError(
            f"the question answers with {', '.join(table.column_names)}, expected ids of checkpoints",
            hint="the first words are: select checkpoint_id from checkpoints",
        )
    return list(dict.fromkeys(values))
