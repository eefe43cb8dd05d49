"""The catalogue of metrics as rows, for tables and for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cavewall.console import rich_console
from cavewall.rendering import columns_of
from compute.catalogue import METRICS, MetricInfo

WIDTHS = {"name": 20, "measures": 24, "range": 7, "chance": 11, "symmetric": 4, "parameters": 15, "cost": 7}
COLUMNS = columns_of(
    "name",
    "measures",
    "range",
    "chance",
    "symmetric",
    "parameters",
    "cost",
    "needs",
    "formula",
    "similarities",
    "has_interval",
    "has_crossfit",
    "invariant",
    "source",
)
TITLES = {"symmetric": "sym.", "cost": "steps"}
LEGEND = (
    "steps: of one layer pair; n items, k neighbours, r kept dimensions, d width; "
    "sym. no: both directions are kept\n"
    "one in full:  cavewall metric show NAME      use it:  cavewall target add --metric NAME"
)


def all_metrics() -> list[dict[str, Any]]:
    """Return everything about every metric, as the JSON of `metric list` has it."""
    return [facts_of(info) for info in METRICS.values()]


def facts_of(info: MetricInfo) -> dict[str, Any]:
    """Return everything about a metric."""
    return {
        "name": info.name,
        "measures": info.summary,
        "formula": info.formula,
        "range": range_text(info),
        "low": info.low,
        "high": info.high,
        "chance": info.chance,
        "chance_note": info.chance_note,
        "symmetric": info.is_symmetric,
        "parameters": [asdict(parameter) for parameter in info.parameters],
        "similarities": list(info.similarities),
        "needs": info.needs,
        "has_interval": info.has_interval,
        "has_crossfit": info.has_crossfit,
        "cost": info.cost,
        "cost_note": info.cost_note,
        "invariant": info.invariant,
        "faithful": info.is_prh,
        "source": info.source,
        "version": info.version,
    }


def sheet_row(facts: dict[str, Any]) -> dict[str, Any]:
    """Return a metric's row for sheets: its parameters as `name=default`."""
    return facts | {"parameters": parameters_text(facts)}


def parameters_text(facts: dict[str, Any]) -> str:
    """Return the parameters of a metric with their defaults."""
    return ", ".join(f"{part['name']}={_plain(part['default'])}" for part in facts["parameters"])


def range_text(info: MetricInfo) -> str:
    """Return the range of a metric's scores, `-1 to 1`."""
    if info.low is None:
        return "open"
    return f"{info.low:g} to {'k' if info.high is None else format(info.high, 'g')}"


def metrics_table(found: Sequence[dict[str, Any]]) -> str:
    """Return the table of metrics: a hundred columns, long cells on several lines."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for key, width in WIDTHS.items():
        table.add_column(TITLES.get(key, key), width=width, overflow="fold")
    for facts in found:
        row = sheet_row(facts) | {"symmetric": "yes" if facts["symmetric"] else "no"}
        table.add_row(*(row[key] or "-" for key in WIDTHS))
    console = rich_console(sys.stdout)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def metric_lines(facts: dict[str, Any]) -> str:
    """Return everything about one metric as lines."""
    parameters = [
        f"{part['name']}={_plain(part['default'])}  {part['meaning']}"
        + (f" ({' or '.join(part['choices'])})" if part["choices"] else "")
        for part in facts["parameters"]
    ]
    pairs = [
        ("measures", facts["measures"]),
        ("formula", facts["formula"]),
        ("range", facts["range"]),
        ("chance", facts["chance_note"]),
        ("symmetric", "yes" if facts["symmetric"] else "no: both directions are kept"),
        *[("parameter", text) for text in parameters],
        ("recipe ends", ", ".join(facts["similarities"])),
        (
            "made from",
            "stored neighbour lists" if facts["needs"] == "neighbours" else "the layers themselves, once",
        ),
        ("interval", "yes" if facts["has_interval"] else "none"),
        ("cross-fitted", "yes" if facts["has_crossfit"] else "no"),
        ("cost", f"{facts['cost']} steps a layer pair: {facts['cost_note']}"),
        ("unchanged by", facts["invariant"]),
        ("source", facts["source"]),
    ]
    return "\n".join([facts["name"], *(f"  {key:<14}{value}" for key, value in pairs)])


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
