"""Which checkpoint a file means: by the user's word, by what its name can only mean, and never by guess."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from registry.errors import InputError, UsageError

# Whose language models platonic-rep extracts; an underscore after one of them stands for the hub's slash.
ORGANISATIONS = frozenset(
    {
        "EleutherAI", "NousResearch", "allenai", "bigscience", "facebook", "google", "huggyllama",
        "meta-llama", "mistralai", "openai", "openlm-research", "stabilityai", "tiiuae",
    }
)  # fmt: skip
MAP_COLUMNS = ("name", "reference")


@dataclass(frozen=True)
class Meant:
    """The reference or name that a file means; `question` says why it cannot be told where that is None."""

    reference: str | None
    question: str = ""


def platonic_reference(model: str, is_timm: bool, registered: Iterable[str]) -> Meant:
    """Return the reference of a model in the name of a feature file, where `/` was written as `_`.

    Args:
        model: for example `bigscience_bloomz-560m`.
        is_timm: whether timm knows a model of exactly that name.
        registered: references and names of the zoo's checkpoints, which are never guesses.
    """
    known = set(registered)
    owner, separator, rest = model.partition("_")
    slashed = [f"{model[:at]}/{model[at + 1 :]}" for at, letter in enumerate(model) if letter == "_"]
    certain = [
        name for name in (model, *(f"hf:{each}" for each in slashed), f"timm:{model}") if name in known
    ]
    if is_timm and f"timm:{model}" not in certain:
        certain.append(f"timm:{model}")
    if separator and owner in ORGANISATIONS and f"hf:{owner}/{rest}" not in certain:
        certain.append(f"hf:{owner}/{rest}")
    if len(certain) == 1:
        return Meant(certain[0])
    shown = certain or [*slashed, model]
    return Meant(None, f"ambiguous: {' or '.join(repr(each) for each in shown[:4])}")


def map_from_options(options: Sequence[str]) -> dict[str, str]:
    """Return what `--map NAME=REFERENCE` says.

    Raises:
        UsageError: one has no `=`, or a name is mapped twice.
    """
    pairs = []
    for text in options:
        name, separator, reference = text.partition("=")
        if not separator or not name.strip() or not reference.strip():
            raise UsageError(
                f"'{text}' maps nothing", hint="write NAME=REFERENCE, for example --map 'x_y=hf:x/y'"
            )
        pairs.append((name.strip(), reference.strip()))
    return _unique(pairs, "--map")


def map_from_file(path: Path) -> dict[str, str]:
    """Return what a table of names says: CSV with the columns `name` and `reference`.

    Raises:
        InputError: the file is missing, is no such table, or maps a name twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} is no table of names: {error}", hint="write CSV in UTF-8: name,reference"
        ) from error
    if not rows or tuple(rows[0]) != MAP_COLUMNS:
        found = ", ".join(rows[0]) if rows else "none"
        raise InputError(
            f"{path}: expected the columns {', '.join(MAP_COLUMNS)}, found {found}",
            hint="begin the file with the line  name,reference",
        )
    wrong = next(
        (number for number, row in enumerate(rows[1:], start=2) if len(row) != 2 or not all(row)), None
    )
    if wrong is not None:
        raise InputError(f"{path}, row {wrong}: expected a name and a reference", hint="fill in both columns")
    try:
        return _unique([(row[0], row[1]) for row in rows[1:]], str(path))
    except UsageError as error:
        raise InputError(error.message, hint=error.hint) from error


def _unique(pairs: Sequence[tuple[str, str]], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, reference in pairs:
        if found.setdefault(name, reference) != reference:
            raise UsageError(
                f"{where} maps '{name}' to both {found[name]} and {reference}", hint="leave one of them out"
            )
    return found
