"""A target's scores as one labelled square matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.answers import ask, require_library
from analysis.figures.heat_map import Cell, heat_map
from analysis.queries import load
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry
from registry.lookup import nearest

TARGET_QUESTION = "SELECT metric, targets.symmetric FROM targets WHERE target_id = $target_id"


@dataclass(frozen=True)
class Pair:
    """One score between two embeddings."""

    left_id: int
    left_name: str
    right_id: int
    right_name: str
    score: float


@dataclass(frozen=True)
class AlignmentMatrix:
    """The scores of one target; a notebook shows it as a table.

    Attributes:
        names: one label per row and column, in order of registration.
        values: `(len(names), len(names))` float64; NaN where a pair is not computed. Of a metric that is not
            symmetric, row and column are left and right.
        snapshot: number of the snapshot that was read.
        is_stale: whether the registry has moved on since.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    snapshot: int
    is_stale: bool

    def of(self, left: str, right: str) -> float:
        """Return the score of two labels, NaN where the pair is not computed.

        Raises:
            NotFoundError: a label is not in the matrix.
        """
        return float(self.values[self._position(left), self._position(right)])

    def df(self) -> Any:
        """Return the matrix as a pandas data frame with labels on both sides (needs pandas)."""
        pandas = require_library("pandas", "a data frame")
        return pandas.DataFrame(self.values, index=list(self.names), columns=list(self.names))

    def figure(self, question: str = "Who sees alike?") -> dict[str, Any]:
        """Return the matrix as a heat map, a Vega-Lite specification; the diagonal stays empty.

        Args:
            question: the figure's title.

        Raises:
            UsageError: there is no pair to draw.
        """
        if not self.names:
            raise UsageError("the matrix has no pair to draw", hint="compute some: cavewall align run")
        cells = [
            Cell(left, right, None if row == column or np.isnan(value) else float(value))
            for row, (left, line) in enumerate(zip(self.names, self.values, strict=True))
            for column, (right, value) in enumerate(zip(self.names, line, strict=True))
        ]
        return heat_map(
            cells,
            question=question,
            subtitle=f"alignment of every pair but of each with itself, snapshot {self.snapshot}",
            row_title="left",
            column_title="right",
            value_title="alignment",
        )

    def save(self, path: str | Path, question: str = "Who sees alike?") -> None:
        """Save the heat map in the format that the path's suffix names: .png, .svg, .pdf or .html.

        Raises:
            UsageError: the suffix is none of these, or there is no pair to draw.
            StoreError: the file cannot be written.
        """
        from analysis.figures.render import save  # loads the drawing engine

        save(self.figure(question), Path(path))

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.names)
        body = "".join(
            f"<tr><th>{escape(name)}</th>{''.join(map(_html_cell, line))}</tr>"
            for name, line in zip(self.names, self.values, strict=True)
        )
        return f"<table><tr><th></th>{head}</tr>{body}</table>"

    def _position(self, name: str) -> int:
        if name not in self.names:
            hint = nearest(name, self.names) or f"it has {', '.join(self.names) or 'no pair'}"
            raise NotFoundError(f"'{name}' is not in the matrix", hint=hint)
        return self.names.index(name)


def _html_cell(value: float) -> str:
    return "<td>·</td>" if np.isnan(value) else f"<td>{value:.3f}</td>"


def alignment_matrix(
    registry: Registry, target_id: int, *, snapshot: str | int | None = None
) -> AlignmentMatrix:
    """Return the scores of a target, as a snapshot has them.

    Raises:
        NotFoundError: the snapshot, or the target in it, does not exist.
    """
    target = ask(registry, TARGET_QUESTION, {"target_id": target_id}, snapshot=snapshot)
    if target.table.num_rows == 0:
        raise NotFoundError(
            f"snapshot {target.snapshot} has no target {target_id}",
            hint="make another: cavewall snapshot build",
        )
    metric, is_symmetric = target.table.to_pylist()[0].values()
    answer = ask(registry, load("pairs_of_target"), {"target_id": target_id}, snapshot=target.snapshot)
    pairs = [Pair(*row.values()) for row in answer.table.to_pylist()]
    names, values = square(
        pairs,
        is_symmetric=is_symmetric,
        diagonal=1.0 if gives_one_for_itself(metric, is_symmetric=is_symmetric) else None,
    )
    return AlignmentMatrix(names, values, answer.snapshot, answer.is_stale)


def gives_one_for_itself(metric: str, *, is_symmetric: bool) -> bool:
    """Return whether an embedding scores 1 with itself, whatever it is.

    Those of the released code do not, as its epsilon and its undivided lengths stay in; nor does one with
    directions: an item that is no neighbour of its own neighbours does not lead back to itself.
    """
    return is_symmetric and not metric.endswith("_prh")


def square(
    pairs: Sequence[Pair], *, is_symmetric: bool, diagonal: float | None
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the labels and the square matrix of some pairs.

    Args:
        pairs: each pair of embeddings once; of a metric that is not symmetric, each direction.
        is_symmetric: whether (right, left) has the score of (left, right).
        diagonal: what an embedding scores with itself; NaN where it is None.

    Returns:
        Labels in order of the embeddings' ids (where a name has several embeddings, with that id), and the
        `(n, n)` scores, NaN where there is none.
    """
    names = {pair.left_id: pair.left_name for pair in pairs} | {
        pair.right_id: pair.right_name for pair in pairs
    }
    ids = sorted(names)
    position = {identifier: index for index, identifier in enumerate(ids)}
    values = np.full((len(ids), len(ids)), np.nan)
    for pair in pairs:
        left, right = position[pair.left_id], position[pair.right_id]
        values[left, right] = pair.score
        if is_symmetric:
            values[right, left] = pair.score
    if diagonal is not None:
        np.fill_diagonal(values, diagonal)
    count = Counter(names.values())
    labels = (names[i] if count[names[i]] == 1 else f"{names[i]} (embedding {i})" for i in ids)
    return tuple(labels), values
