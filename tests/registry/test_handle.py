from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from registry.clock import now
from registry.errors import ConfigurationError, EmbeddingMismatch, NotFoundError, StoreError
from registry.handle import Registry, create_registry, open_registry
from registry.items import Items, read_items, write_items
from registry.keys import order_fingerprint
from registry.lookup import find_checkpoint, find_checkpoints, find_dataset
from registry.settings import load_settings
from registry.tables import Checkpoint, Dataset, Name, Series


def test_a_zoo_is_made_once(tmp_path: Path) -> None:
    create_registry(tmp_path / "zoo").close()
    assert sorted(path.name for path in (tmp_path / "zoo").iterdir()) == [
        ".cavewall",
        "cavewall.toml",
        "store",
    ]
    with pytest.raises(ConfigurationError, match="already holds a zoo"):
        create_registry(tmp_path / "zoo")


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "zoo").write_text("")
    with pytest.raises(StoreError, match="is a file, expected a folder"):
        create_registry(tmp_path / "zoo")


def test_a_relative_address_means_the_file_beside_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    create_registry(Path("zoo"), "sqlite:///mine.sqlite").close()
    assert (tmp_path / "mine.sqlite").is_file()
    assert open_registry(load_settings(tmp_path / "zoo", environment={})).engine.url.database == str(
        tmp_path / "mine.sqlite"
    )


def test_a_missing_registry_is_not_made_by_opening_it(tmp_path: Path) -> None:
    (tmp_path / "cavewall.toml").write_text("")
    with pytest.raises(ConfigurationError, match="no registry at"):
        open_registry(load_settings(tmp_path, environment={}))
    assert not (tmp_path / ".cavewall").exists()


def add(registry: Registry, name: str, **fields: object) -> int:
    with registry.write() as session:
        row = Checkpoint(
            content_key=fields.pop("key", f"{name:0<64}"),
            source="path",
            reference=f"path:{name}",
            modality="vision",
            architecture="a",
            registered_at=now(),
            attributes={},
            **fields,
        )
        session.add(row)
        session.flush()
        session.add(Name(name=name, checkpoint_id=row.id, started_at=now()))
        return row.id


def test_a_checkpoint_is_found_by_whatever_it_is_called(registry: Registry) -> None:
    with registry.write() as session:
        session.add(Series(id=1, name="r7"))
    one = add(registry, "dinov2-b", key="abcdef0123" + "0" * 54)
    two = add(registry, "r7-step5", series_id=1, step=5)
    with registry.read() as session:
        assert find_checkpoint(session, "dinov2-b").id == one
        assert find_checkpoint(session, "path:dinov2-b").id == one
        assert find_checkpoint(session, "abcdef01").id == one
        assert find_checkpoint(session, "r7@step=5").id == two
        assert [row.id for row in find_checkpoints(session, ["r7*", "dino*", "dinov2-b"])] == [two, one]
        with pytest.raises(NotFoundError) as caught:
            find_checkpoint(session, "dinov2-c")
        assert caught.value.hint == "did you mean dinov2-b ?"
        with pytest.raises(NotFoundError, match="no name matches 'x\\*'"):
            find_checkpoints(session, ["x*"])


def test_times_keep_their_zone(registry: Registry) -> None:
    moment = now()
    with registry.write() as session:
        session.add(
            Checkpoint(
                content_key="1" * 64,
                source="path",
                reference="p",
                modality="vision",
                architecture="a",
                registered_at=moment,
                attributes={},
            )
        )
    with registry.read() as session:
        assert session.scalars(select(Checkpoint.registered_at)).one() == moment
    naive = moment.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without its zone"), registry.write() as session:
        session.add(
            Checkpoint(
                content_key="2" * 64,
                source="path",
                reference="p",
                modality="vision",
                architecture="a",
                registered_at=naive,
                attributes={},
            )
        )


def test_items_come_back_in_their_order_or_not_at_all(registry: Registry) -> None:
    items = Items(["b", "a"], images=[b"1", b"2"], texts=[["x", "y"], ["z"]], extra={"category": ["p", "q"]})
    stored = write_items(registry.store, items)
    row = Dataset(
        content_key="3" * 64,
        name="d",
        revision="1",
        item_count=2,
        modalities=["vision"],
        pairing="one-to-one",
        order_fingerprint=order_fingerprint(["b", "a"]),
        set_fingerprint="4" * 64,
        uri=stored.uri,
        sha256=stored.sha256,
        created_at=now(),
    )
    assert read_items(registry.store, row) == items
    row.order_fingerprint = order_fingerprint(["a", "b"])
    with pytest.raises(EmbeddingMismatch, match="has other items than its row"):
        read_items(registry.store, row)


def test_a_data_set_must_be_named_unless_it_is_the_only_one(registry: Registry) -> None:
    with registry.read() as session, pytest.raises(NotFoundError, match="no data set 'x'"):
        find_dataset(session, "x")
