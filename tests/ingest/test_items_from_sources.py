"""Sources of every form, and real files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.datasets import add_dataset
from ingest.items_from_columns import Choice
from ingest.items_from_sources import FORMS, form_of, items_from, items_from_source
from registry.errors import InputError, UsageError
from registry.handle import Registry

DATA = Path(os.environ.get("CAVEWALL_TEST_DATA") or Path(__file__).parents[3] / "shared/data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="skipped: no data")


def write_csv(path: Path) -> None:
    path.write_text("id,text\na,x\nb,y\n")


def write_tsv(path: Path) -> None:
    path.write_text("id\ttext\na\tx\nb\ty\n")


def write_jsonl(path: Path) -> None:
    path.write_text('{"id": "a", "text": "x"}\n{"id": "b", "text": "y"}\n')


def write_parquet(path: Path) -> None:
    pq.write_table(pa.table({"id": ["a", "b"], "text": ["x", "y"]}), path)


def write_npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, id=np.array(["a", "b"]), text=np.array(["x", "y"]))


WRITERS: dict[str, Callable[[Path], None]] = {
    "csv": write_csv,
    "tsv": write_tsv,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
    "npz": write_npz,
}


@pytest.mark.parametrize("form", WRITERS)
def test_a_form_is_told_by_the_suffix_or_said(tmp_path: Path, form: str) -> None:
    for path, said in ((tmp_path / f"t.{form}", None), (tmp_path / "t.data", form)):
        WRITERS[form](path)
        items = items_from_source(str(path), form=said).items
        assert (items.ids, items.texts) == (["a", "b"], [["x"], ["y"]])
    with pytest.raises(UsageError, match="cannot be told from its suffix"):
        form_of(str(tmp_path / "t.data"))


@pytest.mark.parametrize("form", ["jsonl", "parquet", "npz"])
def test_a_form_that_is_wrong_is_refused(tmp_path: Path, form: str) -> None:
    write_csv(tmp_path / "t.csv")
    with pytest.raises(InputError):
        items_from_source(str(tmp_path / "t.csv"), form=form)


def test_an_unknown_form_is_refused_with_the_nearest(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv")
    with pytest.raises(UsageError, match="no form 'parket'") as refusal:
        items_from_source(str(tmp_path / "t.csv"), form="parket")
    assert refusal.value.hint == "did you mean parquet ?"
    assert len({form.name for form in FORMS}) == len(FORMS)


def test_a_source_is_one(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv")
    assert items_from(texts=tmp_path / "t.csv").items == items_from(tmp_path / "t.csv").items
    with pytest.raises(UsageError, match="found --from beside --pictures or --texts"):
        items_from(tmp_path / "t.csv", texts=tmp_path / "t.csv")
    with pytest.raises(UsageError, match="are chosen from a source"):
        items_from(None, Choice(limit=2), texts=tmp_path / "t.csv")
    with pytest.raises(InputError, match="needs items"):
        items_from()


def test_what_is_refused_is_one_readable_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f'id,text\n"a\n\x1b[2J{"b" * 5000}",x\n"a\n\x1b[2J{"b" * 5000}",\n')
    with pytest.raises(InputError) as refusal:
        items_from_source(str(tmp_path / "t.csv"), Choice(texts=(), image="text"))
    assert refusal.value.message.isprintable()
    assert len(refusal.value.message) < 600


@needs_data
def test_emoji_are_a_data_set_of_1037_pairs(sqlite_registry: Registry) -> None:
    choice = Choice(id="codepoints", texts=("name_en",), image="noto")
    for outcome in ("added", "unchanged"):
        found = items_from_source(str(DATA / "emoji/emoji_pairs.npz"), choice)
        added = add_dataset(sqlite_registry, "emoji", found.items)
        assert added.outcome == outcome
    assert len(found.items.ids) == 1037
    assert (found.items.ids[0], (found.items.texts or [])[0]) == ("1f004", ["mahjong red dragon"])
    assert list(found.items.extra) == ["kw_en"]


@needs_data
def test_cifar_is_a_data_set_of_1000_pictures(sqlite_registry: Registry) -> None:
    for outcome in ("added", "unchanged"):
        found = items_from_source(str(DATA / "images/cifar10_test_A_1000.npz"), Choice(id="files"))
        assert add_dataset(sqlite_registry, "cifar", found.items).outcome == outcome
    assert (len(found.items.ids), found.items.ids[0]) == (1000, "test/airplane/0000.jpg")
    assert sorted(set(found.items.extra["labels"])) == [str(label) for label in range(10)]
