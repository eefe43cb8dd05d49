"""What a reader finds in a file of scores: claims with the names of the file, and rows that it refuses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ingest.benchmarks import BenchmarkDescription
from ingest.scores import Claim

LONGEST_CONTENT = 500
LONGEST_WORD = 200
LARGEST_VALUE = 1e300
MOST_SHOTS = 100_000

Unit = Literal["percent", "fraction"]
RANGE_OF_UNIT: dict[str | None, tuple[float | None, float | None]] = {
    None: (None, None),
    "percent": (0.0, 100.0),
    "fraction": (0.0, 1.0),
}


@dataclass(frozen=True)
class Reading:
    """How the user wants a file to be read; all of it is part of what an import is.

    `columns` maps columns to what they are (`model`, `value`, …) or to a task, `[SUITE/]TASK[:METRIC]`.
    """

    protocol: str | None = None
    suite: str | None = None
    metric: str | None = None
    split: str | None = None
    shots: int | None = None
    unit: Unit | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FoundClaim:
    """A claim as a file makes it: about a checkpoint that it calls `name`, in the row of a line.

    A benchmark whose suite is empty belongs to one that is called like the source.
    """

    line: int
    name: str
    benchmark: BenchmarkDescription
    claim: Claim
    content: str
    measured_at: datetime | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Return what two claims share that say something about the same thing."""
        claim = self.claim
        return (self.name, self.benchmark, claim.protocol, claim.shots, claim.split)


@dataclass(frozen=True)
class RefusedRow:
    """A row, or a cell of it, that is no claim, and why; `line` counts from 1."""

    line: int
    content: str
    reason: str


@dataclass(frozen=True)
class ParsedFile:
    """What a reader made of a file."""

    format: str
    row_count: int
    claims: tuple[FoundClaim, ...]
    refused: tuple[RefusedRow, ...]
    notes: tuple[str, ...] = ()


class Gathering:
    """Collects what a reader finds, and refuses at the end what contradicts itself."""

    def __init__(self, format_name: str) -> None:
        self.format = format_name
        self.row_count = 0
        self.claims: list[FoundClaim] = []
        self.refused: list[RefusedRow] = []
        self.notes: list[str] = []

    def refuse(self, line: int, content: str, reason: str) -> None:
        """Keep a row, or a cell, as refused."""
        self.refused.append(RefusedRow(line, shortened(content), in_message(reason, most=LONGEST_CONTENT)))

    def add(self, found: FoundClaim) -> None:
        """Keep a claim, or refuse it where it cannot be stored."""
        reason = _fault(found)
        if reason is None:
            self.claims.append(found)
        else:
            self.refuse(found.line, found.content, reason)

    def done(self) -> ParsedFile:
        """Return everything: what stands twice alike once, and what stands there with two values refused."""
        by_key: defaultdict[tuple[object, ...], list[FoundClaim]] = defaultdict(list)
        for found in self.claims:
            by_key[found.key].append(found)
        kept: list[FoundClaim] = []
        for group in by_key.values():
            if len({(found.claim.value, found.claim.stderr) for found in group}) == 1:
                kept.append(group[0])
                continue
            places = ", ".join(f"line {found.line}: {found.claim.value:g}" for found in group[:3])
            for found in group:
                what = f"{found.benchmark.task} {found.benchmark.metric}"
                self.refuse(found.line, found.content, f"{what} stands here with different values ({places})")
        refused = tuple(sorted(dict.fromkeys(self.refused), key=lambda row: row.line))
        return ParsedFile(self.format, self.row_count, tuple(kept), refused, tuple(self.notes))


def clean(text: str) -> str:
    """Return a text that both databases store: without NUL, and with half surrogates written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def shortened(text: str) -> str:
    """Return a text as it is kept of a refused row: of a long one the beginning, and how long it is."""
    cut = clean(text[: LONGEST_CONTENT + 1])
    if len(cut) <= LONGEST_CONTENT:
        return cut
    return f"{cut[:LONGEST_CONTENT]}… ({len(text):,} characters)"


def in_message(text: str, *, most: int = 60) -> str:
    """Return a text from a file as a sentence can hold it: in one line, and a long one cut."""
    cut = text if len(text) <= most else f"{text[:most]}…"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in cut)


def row_text(cells: Iterable[object]) -> str:
    """Return the cells of a row as one text."""
    return ",".join("" if cell is None else str(cell) for cell in cells)


def is_word(text: str | None) -> bool:
    """Return whether a text can be part of what a benchmark or a protocol is called."""
    return text is None or (0 < len(text) <= LONGEST_WORD and bool(text.strip()) and text.isprintable())


def _fault(found: FoundClaim) -> str | None:
    claim, benchmark = found.claim, found.benchmark
    if not is_word(found.name):
        return "its name cannot be one: it is empty, too long or does not print"
    words: Sequence[str | None] = (
        benchmark.suite or None, benchmark.task, benchmark.metric, benchmark.version, claim.protocol,
        claim.split,
    )  # fmt: skip
    wrong = next((word for word in words if not is_word(word)), None)
    if wrong is not None:
        return f"{shortened(wrong)!r} cannot be a name: it is empty, too long or does not print"
    if not abs(claim.value) < LARGEST_VALUE:
        return f"{claim.value!r} is no finite number"
    if claim.stderr is not None and not 0 <= claim.stderr < LARGEST_VALUE:
        return f"its standard error {claim.stderr!r} cannot be one"
    if claim.shots is not None and not 0 <= claim.shots <= MOST_SHOTS:
        return f"{claim.shots} examples in the prompt cannot be"
    return None
