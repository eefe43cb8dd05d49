"""The metrics that there are, found by name, and their parameters checked. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute.metric_facts import Form, MetricInfo, Parameter, Value
from compute.metric_list import ALL
from registry.errors import UsageError
from registry.keys import content_key
from registry.lookup import nearest

__all__ = [
    "METRICS",
    "Form",
    "MetricInfo",
    "Parameter",
    "Value",
    "form_key",
    "highest_score",
    "metric_info",
    "parameters_of",
]

METRICS: dict[str, MetricInfo] = {info.name: info for info in ALL}


def metric_info(name: str) -> MetricInfo:
    """Return what is known of a metric.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in METRICS:
        hint = nearest(name, METRICS) or "'cavewall metric list' shows all of them"
        raise UsageError(f"no metric '{name}'", hint=hint)
    return METRICS[name]


def parameters_of(name: str, given: Mapping[str, Any]) -> dict[str, Value]:
    """Return all parameters of a metric, those that are given and the defaults of the others.

    Numbers may be given as text, as on a command line.

    Raises:
        UsageError: the metric or a parameter is unknown, or a value is none that it may have.
    """
    info = metric_info(name)
    names = [parameter.name for parameter in info.parameters]
    for unknown in sorted(set(given) - set(names)):
        takes = f"it takes {', '.join(names)}" if names else "it takes none"
        raise UsageError(f"metric {name} has no parameter '{unknown}'", hint=nearest(unknown, names) or takes)
    return {
        parameter.name: _checked(name, parameter, given.get(parameter.name, parameter.default))
        for parameter in info.parameters
    }


def highest_score(name: str, parameters: Mapping[str, Any]) -> float | None:
    """Return the highest score that a metric with its parameters can have, None where it has no bound.

    Raises:
        UsageError: there is no metric of that name.
    """
    return float(parameters["k"]) if name == "lcs_knn_prh" else metric_info(name).high


def form_key(name: str, parameters: Mapping[str, Any]) -> str:
    """Return the content key of what a metric stores of a layer; metrics that share a form share it.

    Args:
        name: of a metric on features.
        parameters: all its parameters (`parameters_of`).

    Raises:
        UsageError: there is no metric of that name.
        ValueError: the metric needs neighbour lists alone.
    """
    form = metric_info(name).form
    if form is None:
        raise ValueError(f"metric {name} stores no form of a layer: neighbour lists are enough")
    return content_key("layer form", form.identity(parameters))


def _checked(metric: str, parameter: Parameter, value: Any) -> Value:
    if parameter.choices:
        if value not in parameter.choices:
            known = " or ".join(parameter.choices)
            raise UsageError(
                f"{parameter.name} of metric {metric} is '{value}', expected {known}",
                hint=nearest(str(value), parameter.choices) or f"it is {parameter.default} by default",
            )
        return str(value)
    is_whole = isinstance(parameter.default, int)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not parameter.low <= number < float("inf") or (is_whole and not number.is_integer()):
        what = "a whole number" if is_whole else "a number"
        raise UsageError(
            f"{parameter.name} of metric {metric} is '{value}', expected {what} from {parameter.low:g}",
            hint=f"it is {parameter.default} by default: {parameter.meaning}",
        )
    return int(number) if is_whole else number
