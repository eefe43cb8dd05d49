from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest

from registry.keys import (
    canonical_json,
    content_key,
    order_fingerprint,
    set_fingerprint,
    sha256_of_file,
    sha256_of_folder,
)


def test_the_order_of_fields_changes_no_key() -> None:
    assert content_key("metric", {"name": "a", "k": 10}) == content_key("metric", {"k": 10, "name": "a"})


def test_kind_and_identity_both_count() -> None:
    keys = {
        content_key("metric", {"k": 10}),
        content_key("metric", {"k": 11}),
        content_key("metric", {"k": "10"}),
        content_key("metric", {"k": None}),
        content_key("target", {"k": 10}),
    }
    assert len(keys) == 5


def test_a_key_is_pinned() -> None:
    """Keys are stored: another text for the same identity would orphan every row."""
    text = '{"identity":{"k":10,"name":"mutual_knn"},"kind":"metric"}'
    assert content_key("metric", {"name": "mutual_knn", "k": 10}) == hashlib.sha256(text.encode()).hexdigest()


def test_not_a_number_has_no_key() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"x": math.nan})


def test_fingerprints_tell_order_from_content() -> None:
    assert order_fingerprint(["a", "b"]) != order_fingerprint(["b", "a"])
    assert set_fingerprint(["a", "b"]) == set_fingerprint(["b", "a"])
    assert order_fingerprint(["ab", "c"]) != order_fingerprint(["a", "bc"])


def test_a_folder_is_known_by_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    before = sha256_of_folder(tmp_path, ["a", "b"])
    assert before == sha256_of_folder(tmp_path, ["b", "a"])
    (tmp_path / "b").write_bytes(b"3")
    assert before != sha256_of_folder(tmp_path, ["a", "b"])
    assert sha256_of_file(tmp_path / "b") == hashlib.sha256(b"3").hexdigest()
