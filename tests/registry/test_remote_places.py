"""Places behind an address: what may be declared, and copies that are whole or not there."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from registry.errors import ConfigurationError, MissingExtra, StoreError
from registry.file_cache import FileCache, cache_folder
from registry.remote_places import PROTOCOLS, FileMissing, FileUnreachable, RemotePlace
from registry.store import Store
from tests.registry.test_settings import load, zoo

CONTENT = b"features" * 1000
DIGEST = sha256(CONTENT).hexdigest()
LAB = RemotePlace("memory://lab")


class BreaksOff(io.BytesIO):
    """Bytes that come to an end with an error."""

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(4000)
        if not piece:
            raise ConnectionResetError("the line went dead")
        return piece


class EndsEarly(io.BytesIO):
    """Bytes of which there are fewer than were promised."""

    size = len(CONTENT)


class BrokenFileSystem(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """Files that cannot be read to their end."""

    protocol = "broken"

    def open(self, path: str, mode: str = "rb", **_: Any) -> io.BytesIO:
        return BreaksOff(CONTENT) if "breaks" in path else EndsEarly(CONTENT[:100])


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryFileSystem]:
    """An empty file system in memory that holds one file, allowed as a place for one test."""
    monkeypatch.setitem(PROTOCOLS, "memory", "fsspec")
    monkeypatch.setitem(PROTOCOLS, "broken", "fsspec")
    fsspec.register_implementation("broken", BrokenFileSystem, clobber=True)
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pipe("/lab/sub/a.safetensors", CONTENT)
    yield system
    system.store.clear()


def test_a_place_may_be_an_address(tmp_path: Path) -> None:
    folder = zoo(
        tmp_path / "zoo", '[locations]\nlab = "s3://bucket/x@2/"\ncloud = "gs://b"\nblue = "az://c/d"'
    )
    assert load(folder).locations == {
        "lab": RemotePlace("s3://bucket/x@2"), "cloud": RemotePlace("gs://b"), "blue": RemotePlace("az://c/d"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("ftp://host/x", "has the unknown protocol 'ftp', expected file, s3, gs, az"),
        ("memory://lab", "has the unknown protocol 'memory'"),
        ("file://host/x", "has the unknown protocol 'file'"),
        ("simplecache::s3://bucket/x", "is a chained address"),
        ("s3://bucket/../x", "is no plain path"),
        ("s3://bucket//x", "is no plain path"),
        ("s3:///x", "is no plain path"),
        ("://bucket/x", "is no address"),
    ],
)
def test_another_address_is_refused(tmp_path: Path, address: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        load(zoo(tmp_path / "zoo", f'[locations]\nlab = "{address}"'))


@pytest.mark.parametrize(
    "address", ["s3://key:SECRET@bucket/x", "zip::s3://key:SECRET@bucket/x", "s3://bucket/x?Signature=SECRET"]
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigurationError, match="credentials") as caught:
        load(zoo(tmp_path / "zoo", f'[locations]\nlab = "{address}"'))
    assert "SECRET" not in caught.value.message + caught.value.hint


def test_a_file_is_copied_once_and_read_from_its_copy(memory: MemoryFileSystem, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", {"lab": LAB}, tmp_path / "cache")
    path = store.checked_path("sub/a.safetensors", DIGEST, location="lab")
    assert (path, path.read_bytes()) == (tmp_path / "cache" / f"{DIGEST}.safetensors", CONTENT)
    memory.rm("/lab/sub/a.safetensors")
    assert store.checked_path("sub/a.safetensors", DIGEST, location="lab") == path
    path.write_bytes(b"changed")  # a copy is never believed
    with pytest.raises(FileMissing, match="is missing in the place memory://lab"):
        store.checked_path("sub/a.safetensors", DIGEST, location="lab")
    memory.pipe("/lab/sub/a.safetensors", CONTENT)
    assert store.checked_path("sub/a.safetensors", DIGEST, location="lab").read_bytes() == CONTENT


def test_another_digest_is_the_error_of_a_damaged_file(memory: MemoryFileSystem, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", {"lab": LAB}, tmp_path / "cache")
    with pytest.raises(StoreError, match="it was changed or damaged"):
        store.checked_path("sub/a.safetensors", "0" * 64, location="lab")
    assert list((tmp_path / "cache").iterdir()) == []
    store.compare("sub/a.safetensors", DIGEST, location="lab")
    store.checked_path("sub/a.safetensors", DIGEST, location="lab")
    memory.pipe("/lab/sub/a.safetensors", b"other")
    with pytest.raises(StoreError, match="it was changed or damaged"):
        store.compare("sub/a.safetensors", DIGEST, location="lab")  # whatever the copy holds


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("breaks", "cannot be read: the line went dead"), ("short", "it ended after 100 of 8,000 bytes")],
)
def test_a_download_that_breaks_off_leaves_no_copy(
    memory: MemoryFileSystem, tmp_path: Path, name: str, sentence: str
) -> None:
    cache = FileCache(tmp_path / "cache")
    with pytest.raises(FileUnreachable, match=sentence):
        cache.fetch(RemotePlace("broken://lab"), f"{name}.safetensors")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("uri", ["../b", "sub/../../b", "/b", "", "zip::b", "s3://b"])
def test_an_address_in_a_row_cannot_leave_its_place(
    memory: MemoryFileSystem, tmp_path: Path, uri: str
) -> None:
    with pytest.raises(StoreError, match="leads out of the place memory://lab"):
        FileCache(tmp_path / "cache").copy_of(LAB, uri, DIGEST)


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROTOCOLS, "absent", "absentfs")
    fsspec.register_implementation("absent", "absentfs.AbsentFileSystem", clobber=True)
    with pytest.raises(MissingExtra, match="is read by absentfs, which is not installed") as caught:
        FileCache(tmp_path / "cache").fetch(RemotePlace("absent://b"), "a.safetensors")
    assert caught.value.hint == "pip install absentfs"
    assert list((tmp_path / "cache").iterdir()) == []


def test_copies_used_longest_ago_go_first(memory: MemoryFileSystem, tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", largest=len(CONTENT) + 15)
    cache.folder.mkdir()
    ages = {"old.safetensors": 9, "newer.safetensors": 5, "just.safetensors": 0.5, ".incomplete-x": 30,
            ".incomplete-y": 3}  # fmt: skip
    for name, hours in ages.items():
        (cache.folder / name).write_bytes(b"ten bytes.")
        moment = time.time() - 3600 * hours
        os.utime(cache.folder / name, (moment, moment))
    cache.fetch(LAB, "sub/a.safetensors")
    assert {path.name for path in cache.folder.iterdir()} == {
        f"{DIGEST}.safetensors", "just.safetensors", ".incomplete-y",
    }  # fmt: skip


def test_copies_lie_in_the_users_cache() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/cavewall")
    assert cache_folder({"HOME": "/h"}) == Path("/h/.cache/cavewall")
