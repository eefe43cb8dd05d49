"""What a report is made of. Nothing here knows of SQL, of SVG or of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FieldKind = Literal["text", "score", "p", "factor", "count", "decimal"]


@dataclass(frozen=True)
class Field:
    """One column of a sheet: the key of its values, its heading, and how its values are written."""

    key: str
    title: str
    kind: FieldKind = "text"


@dataclass(frozen=True)
class Sheet:
    """Rows as a table shows them; `None` is a value that is not there."""

    fields: tuple[Field, ...]
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Query:
    """A question that was asked: its text, and what its `$parameters` were."""

    name: str
    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """A figure with all that belongs to it.

    Attributes:
        slug: its anchor in the page, and the name of its picture.
        title: what it shows, as a sentence or a question.
        caption: how to read it, chance included.
        spec: its Vega-Lite specification.
        sheet: its data, one row for each mark.
        queries: the questions whose answers it shows.
    """

    slug: str
    title: str
    caption: str
    spec: Mapping[str, Any]
    sheet: Sheet
    queries: tuple[Query, ...]


@dataclass(frozen=True)
class Missing:
    """Something that is not there: what, why, and the command that changes it (empty where none does)."""

    what: str
    why: str
    command: str = ""


@dataclass(frozen=True)
class Term:
    """A word that the report uses, and what it means here."""

    word: str
    meaning: str


@dataclass(frozen=True)
class Overview:
    """The first page.

    Attributes:
        facts: what the zoo is, as pairs of a heading and a value.
        kinds: checkpoints by modality and kind.
        answers: the answer in sentences; empty where there is none yet.
        notes: what to know about it.
        figure: the answer as a picture.
        targets: one row for each matrix of pairs: on what, how far.
        terms: how to read the numbers.
        missing: what is not there and why.
        queries: what was asked.
    """

    facts: tuple[Term, ...]
    kinds: Sheet
    answers: tuple[str, ...]
    notes: tuple[str, ...]
    figure: Figure | None
    targets: Sheet
    terms: tuple[Term, ...]
    missing: tuple[Missing, ...]
    queries: tuple[Query, ...]


@dataclass(frozen=True)
class Part:
    """Figures about one question, sentences and notes before them; without figures they say why."""

    slug: str
    title: str
    sentences: tuple[str, ...]
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """An item as it is shown: its PNG as a data URI, its text, and whether both networks think it near."""

    source: str
    text: str
    is_shared: bool = False


@dataclass(frozen=True)
class NeighbourRow:
    """One item with the nearest of one network and of another; `shared` of the `k` nearest are the same."""

    item: Picture
    of_left: tuple[Picture, ...]
    of_right: tuple[Picture, ...]
    shared: int
    group: str = ""


@dataclass(frozen=True)
class NeighbourPart:
    """What two networks think is near, for a few items.

    Attributes:
        slug: its anchor.
        left: the first network and its layer, in words; `right` the second.
        k: how many nearest items the score compares.
        chosen: how the items were chosen.
        credit: whom the pictures are owed to.
        rows: the items; empty where `why` says why.
        queries: the questions that chose the two layers.
    """

    slug: str
    left: str
    right: str
    k: int
    chosen: str
    credit: str
    rows: tuple[NeighbourRow, ...]
    queries: tuple[Query, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Listing:
    """A table with a heading of its own, and the question that it answers."""

    title: str
    sheet: Sheet
    queries: tuple[Query, ...]
    empty: str = ""


@dataclass(frozen=True)
class CheckpointPart:
    """All that is known of one checkpoint.

    Attributes:
        slug: its anchor.
        name: what it is called.
        modality: what it reads; `kind` in words.
        line: the one line that stands for it in lists.
        identity: what it is.
        figures: its layer profiles.
        listings: its nearest checkpoints, its scores.
        missing: what is not there and why.
    """

    slug: str
    name: str
    modality: str
    kind: str
    line: str
    identity: tuple[Term, ...]
    figures: tuple[Figure, ...]
    listings: tuple[Listing, ...]
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True)
class Contents:
    """A whole report."""

    zoo: str
    snapshot: int
    snapshot_at: str
    version: str
    is_stale: bool
    overview: Overview
    matrices: Part
    crossings: Part
    trend: Part
    neighbours: tuple[NeighbourPart, ...]
    checkpoints: tuple[CheckpointPart, ...]
    index: Sheet
    index_queries: tuple[Query, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Return every figure, in the order of the page."""
        first = () if self.overview.figure is None else (self.overview.figure,)
        parts = (self.matrices, self.crossings, self.trend)
        return (
            *first,
            *(figure for part in parts for figure in part.figures),
            *(figure for checkpoint in self.checkpoints for figure in checkpoint.figures),
        )
