"""What is known of a metric without computing it, as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Value = int | float | str


@dataclass(frozen=True)
class Parameter:
    """One parameter of a metric.

    Attributes:
        name: what it is called.
        default: what it is where nobody says.
        meaning: in a few words.
        choices: the words that it may be; empty for a number.
        low: the smallest number that it may be.
    """

    name: str
    default: Value
    meaning: str
    choices: tuple[str, ...] = ()
    low: float = 0.0


@dataclass(frozen=True)
class Form:
    """What a layer is made into, once, before it is compared; metrics that share a form share its files.

    Attributes:
        name: what it is called.
        parameters: the metric's parameters that it depends on.
        fixed: parameters that other metrics of this form have and this one does not, with their values.
        version: of the code that makes it, raised by hand when a byte changes.
    """

    name: str
    parameters: tuple[str, ...] = ()
    fixed: tuple[tuple[str, Value], ...] = ()
    version: int = 1

    def identity(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return what identifies a stored form, for a metric with all its parameters."""
        used = {name: parameters[name] for name in self.parameters} | dict(self.fixed)
        return {"form": self.name, "parameters": used, "version": self.version}


@dataclass(frozen=True)
class MetricInfo:
    """What is known of a metric.

    Attributes:
        name: as in `target add --metric`.
        version: of its code, raised by hand when a number changes.
        summary: what it measures, in a few words.
        formula: in the notation of its module's docstring.
        needs: `neighbours` (stored lists are enough) or `features` (a stored form is made of them).
        values: `counts` are integers and become scores by a division; `scores` are floating-point numbers.
        is_symmetric: whether both directions are one number.
        low: the lowest score; None where there is no bound.
        high: the highest score; None where there is no bound, or where it depends on a parameter.
        chance: what two unrelated layers give, as short as a cell of a table.
        chance_note: the same with its conditions.
        cost: of one layer pair, in steps; n items, k neighbours, r kept dimensions.
        cost_note: what these steps are.
        invariant: changes of a layer that leave the score as it is.
        source: where the definition comes from.
        form: what is stored of a layer; None where neighbour lists are enough.
        parameters: its parameters, in order.
        similarities: ends of a recipe that it takes.
        has_interval: whether a score has a standard error.
        has_crossfit: whether it has a cross-fitted score.
    """

    name: str
    version: int
    summary: str
    formula: str
    needs: Literal["neighbours", "features"]
    values: Literal["counts", "scores"]
    is_symmetric: bool
    low: float | None
    high: float | None
    chance: str
    chance_note: str
    cost: str
    cost_note: str
    invariant: str
    source: str
    form: Form | None
    parameters: tuple[Parameter, ...]
    similarities: tuple[str, ...]
    has_interval: bool = False
    has_crossfit: bool = False

    @property
    def is_prh(self) -> bool:
        """Whether it reproduces the released code of Huh et al., faults included."""
        return self.name.endswith("_prh")

    @property
    def has_neighbours(self) -> bool:
        """Whether it looks at the k nearest neighbours, so that exclusions mean something to it."""
        return any(parameter.name == "k" for parameter in self.parameters)
