"""Rules that no true row breaks; none of them names a model.

- A parameter count and a size in the row's own name (`7b`, `560m`, `1b5`, `8x7b`) contradict each other when
  they differ by more than `SIZE_FACTOR`. A name with several sizes, as mixtures of experts have, bounds the
  count from both sides.
- A model was trained on more than 0 and at most `MOST_TOKENS` tokens.
- A fraction among percentages: where the values of one column fall apart into those within (0, 1] and those
  that are at least `GAP`, with none in between, the smaller part is in another unit. It is refused and never
  converted: that a value is small does not say what it should have been.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from ingest.score_files.numbers import is_empty, parse_size

SIZE_FACTOR = 1.5
MOST_TOKENS = 1e14
GAP = 10.0

Fact = Literal["size", "tokens", "compute"]

_SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_SIZE = re.compile(
    r"(?<![a-z0-9.])a?(?:(?P<experts>\d{1,3})x)?(?P<whole>\d{1,4})(?:[._](?P<part>\d{1,3}))?(?P<unit>[mb])"
    r"(?P<after>\d)?(?![a-z0-9])",
    re.IGNORECASE,
)
_UNIT = re.compile(r"\((?:1e(?P<power>\d{1,2})|(?P<letter>[kmbt]))\)", re.IGNORECASE)


def sizes_in_name(name: str) -> list[float]:
    """Return the parameter counts that a name states, of a mixture of experts that of one and that of all."""
    found = []
    for match in _SIZE.finditer(name):
        digits = match["whole"]
        if match["part"] or match["after"]:
            digits += f".{match['part'] or match['after']}"
        size = float(digits) * _SCALES[match["unit"].lower()]
        found.append(size)
        if match["experts"]:
            found.append(size * int(match["experts"]))
    return [size for size in found if size > 0]


def fact_of_column(column: str) -> tuple[Fact, float] | None:
    """Return which fact about a model a column holds, and the unit in its header; None for others."""
    words = column.casefold()
    unit = _UNIT.search(words)
    scale = 1.0
    if unit is not None:
        scale = 10.0 ** int(unit["power"]) if unit["power"] else _SCALES[unit["letter"]]
    if words in ("param_count", "mparams"):  # in millions, as timm and OpenCLIP write them
        return "size", 1e6
    if "param" in words or "model size" in words:
        return "size", scale
    if "token" in words or "data size" in words:
        return "tokens", scale
    return ("compute", scale) if words.startswith(("flops", "gmacs", "macts")) else None


def fault_of_size(name: str, count: float) -> str | None:
    """Return how a parameter count contradicts the name of its row, or None if it does not."""
    sizes = sizes_in_name(name)
    if not math.isfinite(count) or count <= 0:
        return f"{count:g} parameters cannot be"
    if not sizes or min(sizes) / SIZE_FACTOR <= count <= max(sizes) * SIZE_FACTOR:
        return None
    said = " and ".join(_size_text(size) for size in sizes)
    return f"listed with {_size_text(count)} parameters, its name says {said}"


def _size_text(count: float) -> str:
    return f"{count / 1e9:.4g} B" if count >= 1e9 else f"{count / 1e6:.4g} M"


def fault_of_tokens(count: float) -> str | None:
    """Return why a model cannot have been trained on so many tokens, or None if it can."""
    if 0 < count <= MOST_TOKENS:
        return None
    return f"listed with {count / 1e12:g} T training tokens, at most {MOST_TOKENS / 1e12:g} T are plausible"


def fault_of_facts(name: str, cells: Mapping[str, str]) -> str | None:
    """Return how the facts in a row contradict one another, or None; what is empty says nothing."""
    for column, cell in cells.items():
        fact = fact_of_column(column)
        if fact is None or fact[0] == "compute" or is_empty(cell):
            continue
        kind, scale = fact
        try:
            count = parse_size(cell) * scale
        except ValueError as error:
            return f"column '{column}': {error}"
        fault = fault_of_size(name, count) if kind == "size" else fault_of_tokens(count)
        if fault is not None:
            return fault
    return None


def in_another_unit(values: Sequence[float]) -> set[float]:
    """Return the values of a column that are fractions among percentages, or percentages among fractions."""
    small = [value for value in values if 0 < value <= 1]
    large = [value for value in values if value > 1]
    if not small or not large or min(large) < GAP:
        return set()
    if len(small) == len(large):
        return set(small) | set(large)
    return set(small if len(small) < len(large) else large)
