"""What `score run` does: one checkpoint after the other, each on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from registry.errors import RegistryError

if TYPE_CHECKING:
    from cavewall.progress import Report
    from registry.handle import Registry


@dataclass(frozen=True)
class Measured:
    """What became of one checkpoint; `detail` is the reason where it failed."""

    outcome: str
    checkpoint: str
    value: float | None = None
    detail: str = ""

    def text(self) -> str:
        """Return the line for people."""
        value = f"  {self.value:.4f} bits per byte" if self.value is not None else ""
        return f"{self.outcome}  {self.checkpoint}{value}{'  ' if self.detail else ''}{self.detail}"


def measure(
    registry: Registry,
    checkpoints: Sequence[str],
    dataset: str | None,
    settings: Mapping[str, Any],
    report: Report,
    *,
    is_dry: bool,
) -> list[Measured]:
    """Measure bits per byte of some checkpoints and return what became of each.

    Raises:
        NotFoundError: a name is not registered.
        RegistryError: the only checkpoint failed.
    """
    from registry.lookup import current_name, find_checkpoints, find_dataset

    with registry.read() as session:
        dataset_id = find_dataset(session, dataset).id
        chosen = [(row.id, current_name(session, row.id)) for row in find_checkpoints(session, checkpoints)]
    if is_dry:
        return [Measured("would measure", name) for _, name in chosen]
    return [
        _measure_one(registry, identifier, name, dataset_id, settings, report, is_alone=len(chosen) == 1)
        for identifier, name in chosen
    ]


def _measure_one(
    registry: Registry,
    checkpoint_id: int,
    name: str,
    dataset_id: int,
    settings: Mapping[str, Any],
    report: Report,
    *,
    is_alone: bool,
) -> Measured:
    from ingest.bits_per_byte import measure_bits_per_byte

    try:
        done = measure_bits_per_byte(
            registry,
            checkpoint_id,
            dataset_id,
            progress=lambda done, total: report(name, done, total),
            **settings,
        )
    except RegistryError as error:
        if is_alone:
            raise
        return Measured("failed", name, detail=error.message)
    return Measured(done.outcome, name, done.value)
