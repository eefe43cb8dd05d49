"""The loop over all items: order, batch sizes that shrink, work that is taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from ingest.extraction import default_rule
from ingest.partial import Partial
from ingest.sources.answers import Running
from ingest.sources.running import KEPT_EVERY, Work, how_computed, is_out_of_memory, run
from registry.errors import InputError

torch.set_num_threads(1)
ITEMS = torch.arange(100.0)
SAYS = {
    "a GPU": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    "a CPU": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
    "Python": MemoryError(),
    "numpy": np._core._exceptions._ArrayMemoryError((9,), np.dtype("float32")),
}


def work(
    compute: Callable[[torch.Tensor], Mapping[str, torch.Tensor]], count: int = 100
) -> Work[torch.Tensor]:
    def feed(parts: Sequence[slice]) -> Iterator[torch.Tensor]:
        return (ITEMS[part] for part in parts)

    return Work("m", count, feed, compute)


def doubled(batch: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"a": batch[:, None] * 2, "b": batch[:, None].repeat(1, 3)}


def test_rows_come_in_the_order_of_the_items() -> None:
    calls: list[tuple[int, int]] = []
    done = run(work(doubled), Running(progress=lambda *call: calls.append(call)), 32)
    assert (done.batch_size, done.note) == (32, "own")
    assert calls == [(32, 100), (64, 100), (96, 100), (100, 100)]
    assert np.array_equal(done.layers["a"][:, 0], np.arange(100) * 2)
    assert done.layers["b"].shape == (100, 3)


@pytest.mark.parametrize("who", list(SAYS))
@pytest.mark.parametrize(
    ("asked", "note"), [(None, "own; 64 did not fit into memory"), (40, "40 asked for; 40 did")]
)
def test_a_batch_that_does_not_fit_is_halved_until_it_does(who: str, asked: int | None, note: str) -> None:
    sizes: list[int] = []

    def narrow(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        sizes.append(len(batch))
        if len(batch) > 10:
            raise SAYS[who]
        return doubled(batch)

    assert is_out_of_memory(SAYS[who])
    done = run(work(narrow), Running(batch_size=asked), 64)
    first = asked or 64
    halves = [size for size in (first, first // 2, first // 4) if size > 10]
    assert sizes[: len(halves)] == halves
    assert done.batch_size == (8 if asked is None else 10)
    assert done.note.startswith(note)
    assert np.array_equal(done.layers["a"][:, 0], np.arange(100) * 2)


def test_memory_that_runs_out_late_leaves_rows_of_one_batch_size() -> None:
    def late(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        if len(batch) > 16 and 70 in batch:
            raise MemoryError
        return {"size": torch.full((len(batch), 1), float(len(batch)))}

    done = run(work(late, 96), Running(), 32)
    assert done.batch_size == 16
    assert set(done.layers["size"][:, 0]) == {16.0}


def test_other_errors_and_a_single_item_that_does_not_fit_are_not_tried_again() -> None:
    def broken(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        run(work(broken), Running(), 64)

    def huge(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        raise MemoryError

    with pytest.raises(InputError, match="m: memory ran out with one item at a time") as caught:
        run(work(huge), Running(), 64)
    assert "--dtype bf16" in caught.value.hint


def test_a_gpu_tries_the_heaviest_batch_first() -> None:
    seen: list[int] = []

    def limited(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        seen.append(int(batch[0]))
        if len(batch) > 16 and 99 in batch:
            raise MemoryError
        return doubled(batch)

    base = work(limited)
    heavy = Work(base.name, base.item_count, base.feed, base.compute, lambda parts: parts[-1])
    done = run(heavy, Running(device="cuda"), 50)
    assert seen[:3] == [50, 75, 96]  # 50 does not fit, 25 does not, 12 does: its last batch
    assert done.batch_size == 12
    assert seen[3] == 0


class Stop(BaseException):
    """As a kill: nothing catches it."""


def interrupted(partial: Partial, after: int, size: int | None = None) -> None:
    """Run until some batches are computed."""
    count = 0

    def stops(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        nonlocal count
        count += 1
        if count > after:
            raise Stop
        return doubled(batch)

    with pytest.raises(Stop):
        run(work(stops), Running(partial=partial, batch_size=size), 4)


def resumed(partial: Partial, size: int | None = None) -> tuple[int, dict[str, np.ndarray]]:
    """Return how many batches are computed now, and all rows."""
    seen = 0

    def counts(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        nonlocal seen
        seen += 1
        return doubled(batch)

    done = run(work(counts), Running(partial=partial, batch_size=size), 4)
    return seen, dict(done.layers)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    partial = Partial(tmp_path, "k" * 64)
    interrupted(partial, after=KEPT_EVERY + 3)
    seen, layers = resumed(partial)
    assert seen == 25 - KEPT_EVERY
    assert np.array_equal(layers["a"][:, 0], np.arange(100) * 2)
    assert list(layers) == ["a", "b"]
    partial.forget()
    assert list(tmp_path.iterdir()) == []
    assert resumed(partial)[0] == 25


def test_what_is_kept_of_something_else_or_damaged_is_not_used(tmp_path: Path) -> None:
    partial = Partial(tmp_path, "k" * 64)
    interrupted(partial, after=KEPT_EVERY + 3)
    assert resumed(Partial(tmp_path, "o" * 64))[0] == 25
    assert resumed(partial, size=2)[0] == 50
    file = next(tmp_path.rglob("4-0-64.safetensors"))
    whole = file.read_bytes()
    for damage in (whole[:-1], whole[:-1] + b"\x01", b"", b"x" * 100):
        file.write_bytes(damage)
        assert partial.load() is None or partial.load().batch_size == 2  # type: ignore[union-attr]
    file.write_bytes(whole)
    other = tmp_path / ".partial" / ("o" * 32) / file.name
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(whole)
    assert Partial(tmp_path, "o" * 64).load() is None


def test_rows_of_the_batch_size_that_fits_are_taken_over(tmp_path: Path) -> None:
    partial = Partial(tmp_path, "k" * 64)
    interrupted(partial, after=2 * KEPT_EVERY + 2, size=2)
    seen, layers = resumed(partial)  # begins with 4, finds rows of 2
    assert seen == 50 - 2 * KEPT_EVERY
    assert np.array_equal(layers["a"][:, 0], np.arange(100) * 2)


def test_where_nothing_can_be_kept_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / ".partial").write_text("no folder")
    seen, layers = resumed(Partial(tmp_path, "k" * 64))
    assert (seen, len(layers["a"])) == (25, 100)


def test_threads_are_recorded_where_they_move_the_last_digits() -> None:
    done = run(work(doubled), Running(), 32)
    rule = default_rule("vision")
    assert how_computed(rule, Running(), done)["threads"] == torch.get_num_threads()
    assert "threads" not in how_computed(rule, Running(device="cuda"), done)
