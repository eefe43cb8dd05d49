"""What the units of a target work on: its metric, and the stored layers of its slots, checked when read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from compute.forms import read_form
from compute.job import Job, torch_modules
from compute.layercache import Arrays, LayerCache
from compute.listcache import ListCache
from compute.units import SlotTable

if TYPE_CHECKING:
    from compute.engine import Rule


class Material:
    """The layers of a target's embeddings as its metric wants them; half of the run's memory keeps them.

    Attributes:
        rule: how the engine compares them.
        tied_rows: for every embedding whose lists were read, how many rows of each layer are tied.
    """

    def __init__(self, job: Job) -> None:
        self.rule: Rule = job.rule()
        self._job = job
        self._lists: ListCache | None = None
        if job.info.needs == "neighbours":
            self._lists = ListCache(job.registry, job.target.recipe, job.k_max)
        self._cache = LayerCache(self._read, max(1, job.memory // 2))

    @property
    def tied_rows(self) -> dict[int, NDArray[np.int32]]:
        """How many rows are tied, by embedding; empty for metrics that have no stored lists."""
        return {} if self._lists is None else self._lists.tied_rows

    def loader(self, slots: SlotTable) -> Callable[[int], Arrays]:
        """Return what gives the stored arrays of a slot."""
        return lambda slot: self._cache.get(int(slots.embedding[slot]))

    def namer(self, slots: SlotTable) -> Callable[[int, int], str]:
        """Return what names a slot's layer in a message."""
        return lambda slot, layer: _named(int(slots.embedding[slot]), layer)

    def _read(self, embedding_id: int) -> Arrays:
        if self._lists is not None:
            arrays = self._lists.read(embedding_id)
        else:
            arrays = read_form(self._job.registry, embedding_id, self._job.target.recipe, self._job.form)
        torch_modules()["gates"].check_self_scores(
            self.rule.metric, self._job.info, arrays, lambda layer: _named(embedding_id, layer)
        )
        return arrays


def _named(embedding_id: int, layer: int) -> str:
    return f"layer {layer} of embedding {embedding_id}"
