"""Data sets of the hub, from its local cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.items_from_columns import Choice
from ingest.items_from_hub import HubDataset, parse_hub_dataset, split_of
from ingest.items_from_sources import items_from_source
from ingest.pictures import encode_png
from registry.errors import InputError, UsageError

PICTURES = [
    encode_png(pixels) for pixels in np.random.default_rng(0).integers(0, 256, (4, 4, 5, 3), dtype=np.uint8)
]
COMMIT = "d" * 40
Put = Callable[[dict[str, bytes]], None]


@pytest.fixture
def put(hub_cache: Path) -> Put:
    """A function that lays files out as the hub's client does for the data set org/pairs at the branch v1."""

    def lay(files: dict[str, bytes]) -> None:
        folder = hub_cache / "datasets--org--pairs"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs/v1").write_text(COMMIT)
        (folder / "blobs").mkdir()
        for number, (name, data) in enumerate(files.items()):
            path = folder / "snapshots" / COMMIT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            (folder / f"blobs/{number}").write_bytes(data)
            path.symlink_to(folder / f"blobs/{number}")

    return lay


def shard(start: int, stop: int) -> bytes:
    """Return a Parquet file as the hub's library writes it."""
    images = [{"bytes": data, "path": None} for data in PICTURES[start:stop]]
    texts = [[f"one {number}", f"two {number}"] for number in range(start, stop)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"image": images, "text": texts}), sink)
    return bytes(sink.getvalue())


def test_shards_are_one_table_in_their_order(put: Put) -> None:
    put(
        {
            "README.md": b"# Pairs",
            "data/train-00001-of-00002.parquet": shard(2, 4),
            "data/train-00000-of-00002.parquet": shard(0, 2),
            "data/test-00000-of-00001.parquet": shard(0, 2),
        }
    )
    found = items_from_source("hf:org/pairs@v1:train")
    assert (found.revision, found.credit) == (COMMIT, "hf:org/pairs")
    assert found.items.images == PICTURES
    assert (found.items.texts or [])[3] == ["one 3", "two 3"]
    assert found.items.ids == ["000000", "000001", "000002", "000003"]
    assert items_from_source(f"hf:org/pairs@{COMMIT}:train", Choice(limit=3)).items.images == PICTURES[:3]
    with pytest.raises(UsageError, match="has 2 splits, and not exactly one is meant: test, train"):
        items_from_source("hf:org/pairs@v1")
    with pytest.raises(UsageError, match="is called 'trian'") as refusal:
        items_from_source("hf:org/pairs@v1:trian")
    assert refusal.value.hint == "did you mean train ?"


def test_a_folder_of_pictures_on_the_hub_is_read_by_its_metadata(put: Put) -> None:
    metadata = b"file_name,text\nb.png,bee\na.png,ay\n"
    put({"train/metadata.csv": metadata, "train/a.png": PICTURES[0], "train/b.png": PICTURES[1]})
    items = items_from_source("hf:org/pairs@v1").items
    assert (items.ids, items.texts) == (["b", "a"], [["bee"], ["ay"]])
    assert items.images == [PICTURES[1], PICTURES[0]]


def test_a_table_on_the_hub_is_read(put: Put) -> None:
    put({"lines.jsonl": b'{"id": "a", "text": "x"}\n{"id": "b", "text": "y"}'})
    assert items_from_source("hf:org/pairs@v1:lines").items.ids == ["a", "b"]


def test_shards_of_other_columns_are_refused(put: Put) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"image": [PICTURES[0]], "caption": ["x"]}), sink)
    put({"train-00000-of-00002.parquet": shard(0, 2), "train-00001-of-00002.parquet": bytes(sink.getvalue())})
    with pytest.raises(InputError, match=r"has other columns than .*: caption, text"):
        items_from_source("hf:org/pairs@v1:train")


def test_a_repository_without_data_is_refused(put: Put) -> None:
    put({"README.md": b"nothing", "load.py": b"raise SystemExit"})
    with pytest.raises(InputError, match="has no file of a known form"):
        items_from_source("hf:org/pairs@v1")


@pytest.mark.usefixtures("hub_cache")
def test_what_is_not_in_the_cache_is_said(put: Put) -> None:
    with pytest.raises(InputError, match="org/other@main is not in the local cache"):
        items_from_source("hf:org/other")
    put({"lines.csv": b"id,text\na,x\n"})
    with pytest.raises(InputError, match="org/pairs@v2 is not in the local cache"):
        items_from_source("hf:org/pairs@v2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf:minhuh/prh@wit_1024", HubDataset("minhuh/prh", "wit_1024")),
        ("hf:mnist", HubDataset("mnist", "main")),
        ("hf:a/b@refs/convert/parquet:en/test", HubDataset("a/b", "refs/convert/parquet", "en/test")),
        ("hf:a/b:test", HubDataset("a/b", "main", "test")),
    ],
)
def test_a_reference_names_repository_revision_and_split(text: str, expected: HubDataset) -> None:
    assert parse_hub_dataset(text) == expected


@pytest.mark.parametrize(
    "text",
    ["hf:", "hf:a/b/c", "hf:a/b@", "hf:a b@main", "hf:../x@main:", "hf:../../x", "hf:../x", "hf:a/b@.."],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no data set of the hub"):
        parse_hub_dataset(text)


@pytest.mark.usefixtures("hub_cache")
def test_a_name_that_the_hub_cannot_have_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be a data set of the hub"):
        items_from_source("hf:a--b/c@main")


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("data/train-00000-of-00002.parquet", "train"),
        ("train.parquet", "train"),
        ("en/test-0.parquet", "en/test"),
        ("default/train/0000.parquet", "default/train"),
        ("train/metadata.csv", "train"),
        ("metadata.csv", "all"),
    ],
)
def test_a_path_says_its_split(path: str, split: str) -> None:
    assert split_of(path) == split
