"""Which measured rate says how long a metric's work takes: its own, or that of a metric of the same work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compute.catalogue import METRICS, MetricInfo
from registry.host_rates import Rate, null_work, prepare_work, score_work


@dataclass(frozen=True)
class Pace:
    """How long one unit of a kind of work takes.

    Attributes:
        rate: the measured rate; None where there is none that says anything.
        is_borrowed: whether another metric's, which does the same work, was taken.
    """

    rate: Rate | None
    is_borrowed: bool = False

    def seconds(self, amount: float) -> float | None:
        """Return how long an amount of work takes, None where nothing is known."""
        return None if self.rate is None else amount / self.rate.per_second


def score_pace(rates: Mapping[str, Rate], info: MetricInfo) -> Pace:
    """Return the pace of scoring; metrics that are inner products of triangles have one of all of them."""
    return _pace(rates, info, score_work, _is_same_product)


def null_pace(rates: Mapping[str, Rate], info: MetricInfo) -> Pace:
    """Return the pace of drawing nulls, likewise."""
    return _pace(rates, info, null_work, _is_same_product)


def prepare_pace(rates: Mapping[str, Rate], info: MetricInfo) -> Pace:
    """Return the pace of making layers ready; metrics of one form, and all on lists, have the same."""
    return _pace(rates, info, prepare_work, _has_same_form)


def _pace(
    rates: Mapping[str, Rate],
    info: MetricInfo,
    work: Callable[[str], str],
    is_kin: Callable[[MetricInfo, MetricInfo], bool],
) -> Pace:
    own = rates.get(work(info.name))
    if own is not None:
        return Pace(own)
    kin = (rates.get(work(other.name)) for other in METRICS.values() if is_kin(info, other))
    latest = max((rate for rate in kin if rate), key=lambda rate: rate.measured_at, default=None)
    return Pace(latest, is_borrowed=latest is not None)


def _is_same_product(one: MetricInfo, other: MetricInfo) -> bool:
    return _is_triangle(one) and _is_triangle(other)


def _is_triangle(info: MetricInfo) -> bool:
    names = {parameter.name for parameter in info.parameters}
    return info.needs == "features" and not names & {"k", "dimensions"}


def _has_same_form(one: MetricInfo, other: MetricInfo) -> bool:
    if one.form is None or other.form is None:
        return one.form is other.form
    return one.form.name == other.form.name
