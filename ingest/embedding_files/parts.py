"""What a file of embeddings holds, format aside: parts, each one model's layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from registry.errors import InputError

Kind = Literal["features", "kernel", "distances"]
Array = NDArray[Any]

LARGEST_BYTES = 2**36  # of one file's arrays together
NUMBERED = "{i}"


@dataclass(frozen=True)
class ReadOptions:
    """What the user says about a file.

    Attributes:
        item_count: n, which every layer must have.
        kind: what a layer is.
        axes: the meaning of an array's axes, `N,D`, `L,N,D` or `N,L,D`.
        layers: which arrays are layers: a name, or a pattern with `{i}`; all where it is None.
        layer: what to call the only layer of an array without a name.
        id_column: the column of ids in a table.
    """

    item_count: int
    kind: Kind = "features"
    axes: str | None = None
    layers: str | None = None
    layer: str | None = None
    id_column: str | None = None


@dataclass(frozen=True)
class Part:
    """One model's layers, in order of depth, as they stand in the file.

    Attributes:
        name: what the file calls the model; its stem, where it says nothing.
        layers: an array for each.
        ids: the items of the rows, where the file has them.
        pooling: how tokens became rows, where the file says it.
        facts: anything else that it says, for example `parameter_count`.
    """

    name: str
    layers: Mapping[str, Array]
    ids: Sequence[str] | None = None
    pooling: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts `blocks.2` before `blocks.10`."""
    return [
        (0, int(piece), "") if piece.isascii() and piece.isdigit() and len(piece) < 20 else (1, 0, piece)
        for piece in re.split(r"([0-9]+)", name)
    ]


def choose_layers(path: Path, names: Iterable[str], pattern: str | None) -> list[str]:
    """Return which names are layers, in order of depth.

    Args:
        path: the file, for sentences.
        names: of all its arrays.
        pattern: a name, or one with `{i}`; all of them where it is None.

    Raises:
        InputError: none fits.
    """
    known = sorted(names, key=natural)
    if pattern is None:
        chosen = known
    else:
        expression = re.compile("([0-9]+)".join(map(re.escape, pattern.split(NUMBERED))))
        chosen = [name for name in known if expression.fullmatch(name)]
    if not chosen:
        shown = ", ".join(known[:3]) or "nothing"
        raise InputError(
            f"{path}: no array is called '{pattern}', it has {shown}{' …' if len(known) > 3 else ''}"
            if known
            else f"{path} holds no array",
            hint="say which are layers: --layers 'blocks.{i}'"
            if known
            else "check that it is the right file",
        )
    return chosen


def require_size(path: Path, byte_count: int) -> None:
    """Refuse arrays that would take more memory than any embedding needs.

    Raises:
        InputError: they would.
    """
    if not 0 <= byte_count <= LARGEST_BYTES:
        raise InputError(
            f"{path} describes arrays of {byte_count:,} bytes, expected at most {LARGEST_BYTES:,}",
            hint="check that it is the right file, or cut it into one file per model",
        )


def broken(path: Path, what: str, error: BaseException | str) -> InputError:
    """Return the error that says in one line why a file could not be read."""
    lines = str(error).strip().splitlines()
    reason = (lines[0] if lines else type(error).__name__)[:200]
    return InputError(f"{path} is no {what}, or damaged: {reason}", hint="copy the file again")


def require_axes(path: Path, given: str | None) -> str | None:
    """Return what `--axes` says, in capitals and without blanks.

    Raises:
        InputError: it is no order of axes.
    """
    if given is None:
        return None
    axes = given.replace(" ", "").upper()
    if axes not in ("N,D", "L,N,D", "N,L,D"):
        raise InputError(f"{path}: '{given}' are no axes", hint="give --axes N,D or L,N,D or N,L,D")
    return axes


def split_array(path: Path, array: Array, options: ReadOptions) -> dict[str, Array]:
    """Return the layers of one array without a name.

    Raises:
        InputError: it has other axes than were given, or more than can be told apart without them.
    """
    if options.kind != "features":
        return _split_matrices(path, array, options)
    axes = require_axes(path, options.axes) or ("N,D" if array.ndim == 2 else None)
    if axes is None or array.ndim != axes.count(",") + 1:
        raise InputError(
            f"{path}: an array of shape {array.shape} has not the axes {axes}"
            if axes
            else f"{path}: which axis of the shape {array.shape} are the items?",
            hint="say what the axes are: --axes N,D or L,N,D or N,L,D",
        )
    if axes == "N,D":
        return {options.layer or "layer.0": array}
    stack = array if axes == "L,N,D" else np.moveaxis(array, 1, 0)
    return _named(path, list(stack), options)


def _split_matrices(path: Path, array: Array, options: ReadOptions) -> dict[str, Array]:
    """One matrix, one condensed triangle, or a stack of either along the first axis."""
    n = options.item_count
    is_one = array.ndim == 1 or array.shape == (n, n) or (array.ndim == 2 and min(array.shape) == 1)
    if is_one:
        return {options.layer or "layer.0": array}
    if array.ndim in (2, 3):
        return _named(path, list(array), options)
    raise InputError(
        f"{path}: an array of shape {array.shape} is no matrix of {n} items",
        hint="give an (n, n) matrix, or its upper triangle as n (n - 1) / 2 numbers",
    )


def _named(path: Path, stack: list[Array], options: ReadOptions) -> dict[str, Array]:
    if options.layer is not None and len(stack) != 1:
        raise InputError(f"{path}: --layer names one layer, found {len(stack)}", hint="leave --layer out")
    return {options.layer or f"layer.{index}": array for index, array in enumerate(stack)}
