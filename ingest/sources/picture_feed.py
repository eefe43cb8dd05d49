"""Pictures on their way to a network, decoded here or by other processes, always in the data set's order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from registry.errors import InputError

PREFETCHED = 2  # batches per worker
Prepare = Callable[[Sequence[bytes], Sequence[str]], torch.Tensor]


class PictureBatches(Dataset[Any]):
    """The pictures of each slice of a data set, prepared; a picture that cannot be read is its sentence."""

    def __init__(
        self, prepare: Prepare, images: Sequence[bytes], ids: Sequence[str], parts: Sequence[slice]
    ) -> None:
        """Keep what a worker needs; it is sent to each of them once."""
        self._prepare, self._images, self._ids, self._parts = prepare, images, ids, parts

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self._parts)

    def __getitem__(self, index: int) -> Any:
        """Return one batch, `(b, 3, h, w)`: an array, which needs no shared memory on its way."""
        part = self._parts[index]
        try:
            return self._prepare(self._images[part], self._ids[part]).numpy()
        except InputError as error:  # a worker's error would arrive as a traceback
            return error.message, error.hint


def picture_feed(
    prepare: Prepare, images: Sequence[bytes], ids: Sequence[str], *, workers: int
) -> Callable[[Sequence[slice]], Iterator[torch.Tensor]]:
    """Return a function that gives the prepared pictures of slices, in their order.

    Workers are processes of a clean server process, never forks of this one: a fork would copy locks that
    threads of torch, of the database or of the progress line hold, and may hang. The price: a script that
    asks for workers needs the guard `if __name__ == "__main__":`, and each worker holds a copy of the encoded
    pictures. Each decodes with one thread; the same code prepares the same numbers in any process.

    Args:
        prepare: from encoded pictures and their ids to `(b, 3, h, w)`.
        images: encoded pictures, in the order of the data set.
        ids: of the items, for sentences.
        workers: how many processes; this one alone where it is 0.

    Raises:
        InputError: a picture cannot be read; from the iterator.
    """

    def feed(parts: Sequence[slice]) -> Iterator[torch.Tensor]:
        if not parts:
            return
        source = PictureBatches(prepare, images, ids, parts)
        count = min(workers, len(parts))
        for found in _loaded(source, count) if count else map(source.__getitem__, range(len(parts))):
            if isinstance(found, tuple):
                message, hint = found
                raise InputError(message, hint=hint)
            yield torch.from_numpy(found)

    return feed


def _loaded(source: PictureBatches, workers: int) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This DataLoader will create")  # the user said how many
        loader = DataLoader(
            source,
            batch_size=None,
            num_workers=workers,
            collate_fn=_as_is,
            multiprocessing_context="forkserver",
            prefetch_factor=PREFETCHED,
            generator=torch.Generator(),  # its own: nothing is drawn from the generator of whoever calls
        )
        return iter(loader)


def _as_is(batch: Any) -> Any:
    return batch
