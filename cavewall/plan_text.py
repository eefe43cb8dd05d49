"""The plan as people read it: why pairs are missing, and what computing them takes here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cavewall.durations import duration_text
from cavewall.rendering import Column, byte_text, plural, shown, table_text

if TYPE_CHECKING:
    from compute.plan import Reason, TargetPlan

PLAN_COLUMNS = [
    Column("name", "target"),
    Column("metric"),
    Column("parameters"),
    Column("new_embeddings", "new embeddings", "count"),
    Column("lists_to_build", "lists to build", "count"),
    Column("pairs", kind="count"),
    Column("layer_pairs", "layer pairs", "count"),
    Column("estimate", blank="?"),
    Column("null_pairs", "nulls", "count"),
    Column("draws", kind="count"),
    Column("null_estimate", "estimate", blank="?"),
    Column("peak_memory", "peak memory", "bytes"),
    Column("disk_bytes", "disk", "bytes"),
]


def plan_row(plan: TargetPlan) -> dict[str, Any]:
    """Return what programs get of a target's plan."""
    return asdict(plan) | {
        "pairs": plan.pairs,
        "estimate": _duration(plan.estimated_seconds),
        "null_estimate": _duration(plan.estimated_null_seconds),
    }


def plan_text(plans: Sequence[TargetPlan]) -> str:
    """Return the plan of some targets: a table of reasons for each, and what all of it takes."""
    parts = [_target_text(plan) for plan in plans if not plan.is_empty()]
    complete = sum(plan.is_empty() for plan in plans)
    if complete:
        parts.append(f"nothing is missing of {plural(complete, 'other target')}")
    return "\n\n".join([*parts, _total([plan for plan in plans if not plan.is_empty()])])


def _target_text(plan: TargetPlan) -> str:
    parameters = "".join(f" {name}={shown(value)}" for name, value in plan.parameters.items())
    reduced = "every layer pair, best kept" if plan.reducer == "max" else "last layers"
    head = [
        f"Missing pairs of {plan.name} ({reduced})",
        f"data set {plan.dataset}, metric {plan.metric}{parameters}, recipe {plan.recipe}",
    ]
    columns = [
        Column("reason"),
        Column("pairs", kind="count", blank=""),
        Column("layer_pairs", "layer pairs", "count", blank=""),
        Column("estimate", f"est. here ({_where(plan.device)})", "count", blank="?"),
    ]
    table = table_text([_reason_row(reason) for reason in plan.reasons], columns)
    return "\n".join([*head, *(f"  {line}" for line in table.splitlines())])


def _reason_row(reason: Reason) -> dict[str, Any]:
    estimate = _duration(reason.estimated_seconds)
    row = {"reason": reason.reason, "estimate": f"~ {estimate}" if reason.is_borrowed else estimate}
    if reason.embeddings is not None:
        words = plural(reason.embeddings, "embedding"), plural(reason.layers or 0, "layer")
        return row | {"pairs": words[0], "layer_pairs": words[1]}
    return row | {"pairs": reason.pairs, "layer_pairs": reason.layer_pairs}


def _total(plans: Sequence[TargetPlan]) -> str:
    estimates = [reason.estimated_seconds for plan in plans for reason in plan.reasons]
    known = [seconds for seconds in estimates if seconds is not None]
    if not known:
        time = "Total time not known yet"
    else:
        time = f"Total {'' if len(known) == len(estimates) else 'at least '}{duration_text(sum(known))}"
    memory = byte_text(max(plan.peak_memory for plan in plans))
    disk = byte_text(sum(plan.disk_bytes for plan in plans))
    return f"{time} on {plans[0].device}, peak memory {memory}, disk +{disk}.\n{_rate(plans)}"


def _rate(plans: Sequence[TargetPlan]) -> str:
    runs = {plan.rate_run_id: plan.rate_measured_at for plan in plans if plan.rate_run_id is not None}
    unmeasured = any(reason.estimated_seconds is None for plan in plans for reason in plan.reasons)
    if not runs:
        return "No rate was measured on this host yet; the first run measures it."
    run_id = max(runs)
    measured_at = runs[run_id]
    day = measured_at.astimezone().date().isoformat() if measured_at is not None else "?"
    borrowed = any(reason.is_borrowed for plan in plans for reason in plan.reasons)
    rest = "; ~ is the rate of a metric that does the same work" if borrowed else ""
    rest += "; what says ? was not measured yet" if unmeasured else ""
    return f"The rate was measured on this host on {day} (run {run_id}){rest}."


def _where(device: str) -> str:
    return plural(os.cpu_count() or 1, "core") if device == "cpu" else device


def _duration(seconds: float | None) -> str | None:
    return None if seconds is None else duration_text(seconds)
