"""Why a pair has or has not its alignment, as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cavewall.rendering import Column, columns_of

if TYPE_CHECKING:
    from compute.explaining import Explanation

COLUMNS: list[Column] = columns_of("target", "status", "what", "of", "is_there", "state")


def explanation_rows(found: Sequence[Explanation]) -> list[dict[str, Any]]:
    """Return one row for each thing that the pair depends on, under each target."""
    return [
        {
            "target": explanation.target,
            "status": explanation.status,
            "what": link.what,
            "of": link.of,
            "is_there": link.is_there,
            "state": link.state,
        }
        for explanation in found
        for link in explanation.links
    ]


def explanations_text(found: Sequence[Explanation]) -> str:
    """Return a paragraph for each target: the verdict, what it rests on, and the next command."""
    return "\n\n".join(_text(explanation) for explanation in found)


def _text(explanation: Explanation) -> str:
    lines = [f"{explanation.target}: {explanation.status}, {explanation.reason}"]
    if explanation.status != "not wanted":
        width = max(len(link.of) for link in explanation.links)
        lines += [
            f"  {'✓' if link.is_there else '✗'} {link.what:<10}  {link.of:<{width}}  {link.state}"
            for link in explanation.links
        ]
    if explanation.next_command is not None:
        lines.append(f"  next:  {explanation.next_command}")
    return "\n".join(lines)
