"""Whatever bytes a source holds: items, or one line that refuses them; thousands of each form."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.datasets import check_items, content_of
from ingest.items_from_columns import Choice
from ingest.items_from_sources import items_from_source
from ingest.pictures import encode_png
from registry.errors import RegistryError

MUTATED = 2000
DRAWN = 200
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 3, 4, 3), dtype=np.uint8)
CELLS = st.text(max_size=8) | st.sampled_from(
    ["", "NaN", "12,5", "7 %", "a", "b", '"', "\x00", "\ud800", "\r"]
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | CELLS | st.lists(CELLS, max_size=2)
NAMES = st.sampled_from(["id", "text", "caption", "group_id", "file_name", "kind", "", "ID"])


def outcome(source: Path, choice: Choice | None = None) -> str:
    """Read a source to its last picture: `read`, or `refused` on one line; anything else fails the test."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Pillow's, of broken tags
            items = items_from_source(str(source), choice).items
            check_items(items, "fuzz")
            content_of(items)
    except RegistryError as error:
        assert error.message.isprintable()
        assert error.hint
        assert len(error.message) < 700
        return "refused"
    return "read"


def mutate(data: bytes, generator: np.random.Generator) -> bytes:
    """Return bytes with a few of them changed, cut, put in, or blown up."""
    changed = bytearray(data)
    for _ in range(generator.integers(1, 5)):
        place = int(generator.integers(len(changed) + 1))
        kind = generator.integers(5)
        if kind == 0:
            changed[place : place + 1] = generator.bytes(1)
        elif kind == 1:
            changed = changed[:place]
        elif kind == 2:
            changed[place:place] = generator.bytes(int(generator.integers(1, 9)))
        elif kind == 3:
            changed[place : place + 4] = b"\xff\xff\xff\x7f"
        else:
            changed[place:place] = changed[: int(generator.integers(40))]
    return bytes(changed)


def csv_bytes() -> bytes:
    return 'id,text,group_id,kind\na,"one, two",g,7 %\nb,zwölf,h,"12,5"\na,three,g,\n'.encode()


def json_bytes() -> bytes:
    rows = [{"id": "a", "text": ["x", "y"], "n": 1.5}, {"id": "b", "text": "z", "n": None}]
    return "\n".join(json.dumps(row) for row in rows).encode()


def parquet_bytes() -> bytes:
    images = [{"bytes": encode_png(pixels), "path": None} for pixels in PIXELS]
    columns = {"id": ["a", "b", "c"], "image": images, "text": [["x"], ["y", "z"], ["w"]], "n": [1, 2, 3]}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def npz_bytes() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, image=PIXELS, id=np.array(["a", "b", "c"]), text=np.array(["x", "y", "z"]))
    return buffer.getvalue()


def plain_npz_bytes() -> bytes:
    """Without checksums that hide the arrays from what is changed."""
    buffer = io.BytesIO()
    np.savez(buffer, image=PIXELS, text=np.array(["x", "y", "z"]))
    return buffer.getvalue()


SEEDS: dict[str, list[Callable[[], bytes]]] = {
    ".csv": [csv_bytes],
    ".tsv": [lambda: csv_bytes().replace(b",", b"\t")],
    ".jsonl": [json_bytes],
    ".parquet": [parquet_bytes],
    ".npz": [npz_bytes, plain_npz_bytes],
}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SEEDS)
def test_changed_bytes_are_items_or_one_line(tmp_path: Path, suffix: str) -> None:
    generator = np.random.default_rng(11)
    seeds = [make() for make in SEEDS[suffix]]
    path = tmp_path / f"source{suffix}"
    counts: Counter[str] = Counter()
    for number in range(MUTATED):
        path.write_bytes(
            generator.bytes(int(generator.integers(200)))
            if number % 20 == 0
            else mutate(seeds[number % len(seeds)], generator)
        )
        counts[outcome(path)] += 1
    assert counts.total() == MUTATED
    assert counts["refused"]
    assert counts["read"] or suffix == ".npz"


@pytest.mark.slow
def test_changed_metadata_and_pictures_are_items_or_one_line(tmp_path: Path) -> None:
    generator = np.random.default_rng(12)
    metadata = b"file_name,text\na.png,one\nsub/b.png,two\n"
    pictures = [encode_png(pixels) for pixels in PIXELS]
    (tmp_path / "sub").mkdir()
    for number in range(MUTATED):
        is_text = number % 2 == 0
        (tmp_path / "a.png").write_bytes(pictures[0] if is_text else mutate(pictures[0], generator))
        (tmp_path / "sub/b.png").write_bytes(pictures[1])
        (tmp_path / "metadata.csv").write_bytes(mutate(metadata, generator) if is_text else metadata)
        outcome(tmp_path)


@settings(max_examples=DRAWN, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=4))
def test_any_objects_are_items_or_one_line(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    outcome(path)


@settings(max_examples=DRAWN, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=4), names=st.lists(NAMES, max_size=4))
def test_any_cells_are_items_or_one_line(tmp_path: Path, rows: list[list[str]], names: list[str]) -> None:
    path = tmp_path / "cells.csv"
    lines = [",".join(names), *(",".join(f'"{cell}"' for cell in row) for row in rows)]
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    outcome(path)


@settings(max_examples=DRAWN, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=st.dictionaries(NAMES, st.lists(VALUES, min_size=2, max_size=2), max_size=4))
def test_any_arrays_are_items_or_one_line(tmp_path: Path, columns: dict[str, list[object]]) -> None:
    path = tmp_path / "arrays.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in columns.items():
            buffer = io.BytesIO()
            np.save(buffer, np.array([repr(value) for value in values]), allow_pickle=False)
            archive.writestr(f"{name}.npy", buffer.getvalue())
    outcome(path)


class Trap:
    """What runs code when it is read from a pickle."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        return (Path.touch, (Path("executed"),))  # type: ignore[return-value]


def test_a_pickle_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("trap.npz", text=np.array([Trap(), Trap()], dtype=object), id=np.array(["a", "b"]))
    assert outcome(tmp_path / "trap.npz") == "refused"
    assert not (tmp_path / "executed").exists()
