"""`cavewall dataset add --from`, and the same from Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cavewall.zoo import open_zoo
from ingest.pictures import encode_png
from registry.errors import InputError
from registry.handle import Registry
from registry.items import read_items
from registry.lookup import find_dataset
from tests.cavewall.conftest import Call

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)


def write_words(path: Path) -> Path:
    path.write_text(
        "nr,long,short,photo,kind\n2,a long two,two,p,x\n1,a long one,one,p,y\n3,a long 3,3,q,x\n"
    )
    return path


def test_columns_of_a_table_become_a_data_set_and_the_same_again_adds_nothing(
    call: Call, zoo: Registry, tmp_path: Path
) -> None:
    table = write_words(tmp_path / "words.csv")
    command = (
        "dataset", "add", "words", "--from", table, "--id-column", "nr", "--text-column", "short",
        "--text-column", "long", "--group-column", "photo", "--covariates", "kind", "--sort", "nr",
    )  # fmt: skip
    assert call(*command, "--dry-run").stdout.startswith("would be added  words   3 items, language")
    assert call(*command).stdout == "added  words   3 items, language\n"
    assert call(*command).stdout.startswith("unchanged")
    with zoo.read() as session:
        items = read_items(zoo.store, find_dataset(session, "words"))
    assert items.ids == ["1", "2", "3"]
    assert items.texts == [["one", "a long one"], ["two", "a long two"], ["3", "a long 3"]]
    assert (items.group_ids, items.extra) == (["p", "p", "q"], {"kind": ["y", "x", "x"]})


def test_what_a_reader_wants_to_know_is_a_warning(call: Call, zoo: Registry, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", image=PIXELS[[0, 1, 1]], vectors=np.zeros((3, 2)))
    result = call("dataset", "add", "noise", "--from", tmp_path / "t.npz", "--format", "json")
    assert json.loads(result.stdout)["warnings"] == [
        "ids are row numbers: no column of ids was named",
        "left out, not one plain value an item: vectors",
        "1 item has a picture that is byte for byte that of another: first '000002', as '000001'",
    ]
    assert call("dataset", "add", "two", "--from", tmp_path / "t.npz", "--n", "2").exit_code == 0


def test_variants_and_fingerprints_are_shown(call: Call, zoo: Registry, tmp_path: Path) -> None:
    source = ("--from", write_words(tmp_path / "words.csv"), "--id-column", "nr")
    call("dataset", "add", "long", *source, "--text-column", "long")
    result = call("dataset", "add", "short", *source, "--text-column", "short", "--parent", "long")
    assert "captions of long: the same items, in its order" in result.stdout
    call("dataset", "add", "turned", *source, "--text-column", "long", "--sort", "nr")
    rows = json.loads(call("dataset", "list", "--format", "json").stdout)["data"]
    assert [row["parent"] for row in rows] == [None, "long", None]
    assert {len(row["set_fingerprint"]) for row in rows} == {64}
    assert len({row["set_fingerprint"] for row in rows}) == 1
    assert rows[0]["order_fingerprint"][:12] in call("dataset", "list").stdout
    assert rows[0]["order_fingerprint"] not in call("dataset", "list").stdout
    shown = json.loads(call("dataset", "show", "short", "--format", "json").stdout)["data"]
    assert (shown["parent"], shown["relation"]) == ("long", "captions")
    assert shown["same_ids_in_another_order"] == ["turned"]


def test_what_is_refused_leaves_nothing(call: Call, zoo: Registry, tmp_path: Path) -> None:
    table = write_words(tmp_path / "words.csv")
    for options, code, sentence in (
        (("--from", table, "--text-column", "shot"), 1, "did you mean short"),
        (("--from", table, "--texts", table), 2, "found --from beside --pictures or --texts"),
        (("--texts", table, "--n", "2"), 2, "are chosen from a source"),
        (("--from", table, "--text-column", "long", "--parent", "none"), 1, "no data set 'none'"),
        (("--from", tmp_path / "no.csv"), 1, "no such file"),
        (("--from", table, "--as", "xlsx"), 2, "no form 'xlsx' of a source"),
    ):
        result = call("dataset", "add", "words", *options)
        assert (result.exit_code, result.stdout) == (code, "")
        assert sentence in result.stderr
    assert [path for path in zoo.store.root.rglob("*") if path.is_file()] == []


def test_formats_are_listed(call: Call) -> None:
    result = call("dataset", "formats")
    assert result.exit_code == 0
    assert "imagefolder" in result.stdout


def test_arrays_become_a_data_set(zoo: Registry) -> None:
    with open_zoo() as opened:
        pictures = [*PIXELS[:3], encode_png(PIXELS[3])]
        given = {"texts": ["a", ["b", "c"], "d", "e"], "groups": [1, 1, 2, 2], "covariates": {"n": range(4)}}
        added = opened.dataset("mine", pictures, licence="CC0-1.0", **given)
        assert added.outcome == "added"
        assert opened.dataset("mine", PIXELS, **given).outcome == "unchanged"
        assert opened.dataset("part", PIXELS[:2], texts=["a", ["b", "c"]], parent="mine").outcome == "added"
        with pytest.raises(InputError, match="texts: item 1 has None"):
            opened.dataset("bad", texts=["a", None])  # type: ignore[list-item]
    with zoo.read() as session:
        dataset = find_dataset(session, "mine")
        items = read_items(zoo.store, dataset)
    assert (dataset.pairing, dataset.licence) == ("grouped", "CC0-1.0")
    assert (items.group_ids, items.extra) == (["1", "1", "2", "2"], {"n": ["0", "1", "2", "3"]})
