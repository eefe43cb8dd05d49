"""The loop over all items: batches in order, their size found where nobody gives one, taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ingest.extraction import Rule
from ingest.partial import Kept
from ingest.sources.answers import LayerCollector, Running, batches, exact_inference
from registry.errors import InputError

KEPT_EVERY = 16  # batches
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")

Input = TypeVar("Input")
Layers = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Work(Generic[Input]):
    """What to do with the items of a data set.

    Args:
        name: what the user calls the checkpoint, for sentences.
        item_count: how many items there are.
        feed: the network's input for each of some slices of the items, in their order.
        compute: the rows of every layer for one input.
        heaviest: which of some slices needs most memory; the first where all need the same.
    """

    name: str
    item_count: int
    feed: Callable[[Sequence[slice]], Iterable[Input]]
    compute: Callable[[Input], Mapping[str, torch.Tensor]]
    heaviest: Callable[[Sequence[slice]], slice] | None = None


@dataclass(frozen=True)
class Done:
    """The rows of every layer, and the one batch size that all of them were computed with."""

    layers: Layers
    batch_size: int
    note: str


def how_computed(rule: Rule, running: Running, done: Done) -> dict[str, Any]:
    """Return what else moves the last digits of a layer, for the embedding's `resolved`."""
    found: dict[str, Any] = {
        "dtype": f"computed in {rule.dtype}, pooled and stored as float32",
        "batch_size": done.note,
    }
    if running.device == "cpu":  # sums are split among threads: another number, other last digits
        found["threads"] = torch.get_num_threads()
    return found


def run(work: Work[Any], running: Running, first_size: int) -> Done:
    """Compute all rows, in batches of one size.

    Where memory runs out, all begins again with half the size: rows of different batch sizes, whose last
    digits may differ, are never mixed. On a GPU, where `running` gives no size, the batch that needs most is
    tried before the others, so that memory runs out at once and not after an hour. Rows that an interrupted
    run left are taken over, with their batch size.

    Args:
        work: what to compute.
        running: where, and with which size; `first_size` is tried first where that is None.
        first_size: items at a time.

    Raises:
        InputError: not even one item fits into memory.
    """
    asked = running.batch_size
    size = asked or first_size
    kept = running.partial.load() if running.partial is not None else None
    if kept is not None and (kept.batch_size > size or kept.row_count % kept.batch_size):
        kept = None
    size = size if kept is None else kept.batch_size
    is_tried = kept is None and asked is None and running.device != "cpu"
    with exact_inference():
        while True:
            if not is_tried or _fits(_try_heaviest, work, size):
                collector = LayerCollector()
                if _fits(_pass, work, running, size, kept, collector):
                    return Done(collector.layers(), size, _note(asked, asked or first_size, size))
            size, kept = _half(work.name, size), None
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on a GPU or on a CPU."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _MEMORY_WORDS)


def _fits(attempt: Callable[..., None], *arguments: Any) -> bool:
    try:
        attempt(*arguments)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False  # outside of the handler the frames that hold tensors are gone
    return True


def _try_heaviest(work: Work[Any], size: int) -> None:
    if work.heaviest is not None:
        for batch in work.feed([work.heaviest(list(batches(work.item_count, size)))]):
            work.compute(batch)


def _pass(work: Work[Any], running: Running, size: int, kept: Kept | None, collector: LayerCollector) -> None:
    begun = 0
    if kept is not None:
        for chunk in kept.chunks:
            collector.add_kept(chunk)
        begun = kept.row_count
    parts = [part for part in batches(work.item_count, size) if part.start >= begun]
    unkept = 0
    for part, batch in zip(parts, work.feed(parts), strict=True):
        collector.add(work.compute(batch))
        unkept += 1
        if running.partial is not None and unkept == KEPT_EVERY and part.stop < work.item_count:
            rows = collector.tail(unkept)
            running.partial.keep(rows, start=part.stop - len(next(iter(rows.values()))), batch_size=size)
            unkept = 0
        if running.progress is not None:
            running.progress(part.stop, work.item_count)


def _half(name: str, size: int) -> int:
    if size == 1:
        raise InputError(
            f"{name}: memory ran out with one item at a time",
            hint="use a device with more memory, or compute in half the bytes: --dtype bf16",
        )
    return size // 2


def _note(asked: int | None, first: int, size: int) -> str:
    source = "own" if asked is None else f"{asked} asked for"
    return source if size == first else f"{source}; {first} did not fit into memory"
