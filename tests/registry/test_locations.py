"""Places outside the store that the configuration declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import ConfigurationError, StoreError
from registry.store import Store
from tests.registry.test_settings import load, zoo


def test_places_count_from_the_file_that_declares_them(tmp_path: Path) -> None:
    folder = zoo(
        tmp_path / "zoo", '[locations]\nlab = "/data/lab"\nnear = "features"\nurl = "file:///data/x"'
    )
    assert load(folder).locations == {
        "lab": Path("/data/lab"), "near": folder / "features", "url": Path("/data/x"),
    }  # fmt: skip
    assert load(zoo(tmp_path / "other")).locations == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('locations = "x"', r"\[locations\] is a table"),
        ("[locations]\nlab = 3", "the place 'lab' must be a text, found 3"),
        ('[locations]\n"a/b" = "/x"', "the place 'a/b' must be"),
        ('[locations]\nlab = "zip::file:///x.zip"', "is a chained address"),
        ('[locations]\nlab = "ftp://host/x"', "has the unknown protocol 'ftp'"),
    ],
)
def test_what_is_no_place_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        load(zoo(tmp_path / "zoo", text))


def test_a_file_in_a_place_is_found_there_and_nowhere_else(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    (lab / "a.txt").write_text("x")
    (tmp_path / "b.txt").write_text("x")
    (lab / "link.txt").symlink_to(tmp_path / "b.txt")
    store = Store(tmp_path / "store", {"lab": lab})
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert store.checked_path("a.txt", digest, location="lab") == lab / "a.txt"
    for uri in ("../b.txt", "link.txt"):
        with pytest.raises(StoreError, match="leads out of the place"):
            store.checked_path(uri, digest, location="lab")
    with pytest.raises(StoreError, match="is missing in the place lab"):
        store.checked_path("c.txt", digest, location="lab")
    with pytest.raises(StoreError, match="is missing here: its place 'gone' is not declared"):
        store.checked_path("a.txt", digest, location="gone")
    (lab / "a.txt").write_text("y")
    with pytest.raises(StoreError, match="it was changed or damaged"):
        store.checked_path("a.txt", digest, location="lab")
