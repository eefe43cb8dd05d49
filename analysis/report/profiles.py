"""A layer profile as a figure: each layer of a checkpoint against its best partner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from analysis.figures.profile import LayerValue, layer_profile
from analysis.report.contents import Field, Figure, Query, Sheet
from analysis.report.facts import TargetFacts
from analysis.report.wording import score

FIELDS = (
    Field("layer", "layer", "count"),
    Field("layer_name", "name"),
    Field("width", "width", "count"),
    Field("score", "alignment", "score"),
    Field("partner_layer", "with layer"),
    Field("effective_rank", "effective rank", "decimal"),
    Field("mean_cosine", "mean cosine", "score"),
    Field("in_degree_skew", "in-degree skew", "decimal"),
    Field("tied_rows", "ties at k", "count"),
)


@dataclass(frozen=True)
class Profile:
    """The layers of one checkpoint under one target: the rows of `layer_profile.sql`."""

    target: TargetFacts
    rows: tuple[Mapping[str, Any], ...]
    query: Query


def profile_figure(name: str, profile: Profile, *, slug: str, highest: float) -> Figure:
    """Return a checkpoint's layer profile as a figure.

    Args:
        name: the checkpoint.
        profile: its layers; at least one.
        slug: the figure's anchor.
        highest: upper end of the axis, the same for all checkpoints of a report.
    """
    partner = profile.rows[0]["partner"]
    target = profile.target
    layers = [
        LayerValue(
            row["layer"],
            row["layer_name"],
            row["score"],
            f"layer {row['layer']} ({row['layer_name']}): {score(row['score'])} "
            f"with {row['partner_layer']} of {partner}",
        )
        for row in profile.rows
    ]
    lowest = min(0.0, *(row["score"] for row in profile.rows))
    spec = layer_profile(
        layers,
        question=f"Layer by layer: {name}",
        subtitle=[f"best alignment with a layer of {partner}; {target.name}"],
        value_title="alignment",
        chance=target.chance,
        highest=highest,
        lowest=lowest,
    )
    caption = (
        f"Each layer of {name} with that layer of {partner} (its best partner) that it aligns with most. "
        f"{_chance(target)}The axis {'is' if lowest == 0 else 'ends'} the same for every checkpoint."
    )
    return Figure(slug, f"Layer profile, {target.name}", caption, spec, sheet(profile.rows), (profile.query,))


def _chance(target: TargetFacts) -> str:
    return "" if target.chance is None else f"Dashed: chance of one pair of layers, {target.chance:.3f}. "


def sheet(rows: Sequence[Mapping[str, Any]]) -> Sheet:
    """Return the layers as a table, without the columns that nobody measured."""
    fields = tuple(field for field in FIELDS if any(row[field.key] is not None for row in rows))
    return Sheet(fields, tuple(rows))


def highest_of(profiles: Sequence[Profile]) -> float:
    """Return the upper end of an axis that holds every profile, a round number."""
    most = max((row["score"] for profile in profiles for row in profile.rows), default=1.0)
    return max(0.01, ceil(most * 50) / 50)
