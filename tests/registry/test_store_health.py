from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from registry.findings import Finding
from registry.handle import Registry
from registry.store import Store
from registry.store_health import examine_files, examine_store
from registry.tables import Dataset, Embedding, Neighbours
from tests.analysis.tiny import MOMENT, TinyZoo, key


@pytest.fixture
def zoo(sqlite_registry: Registry) -> TinyZoo:
    """A zoo whose rows name files that are there, with the content that the rows say."""
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a", "b")
    with sqlite_registry.write() as session:
        rows = [session.get_one(Dataset, 1), *(session.get_one(Embedding, number) for number in (1, 2))]
        neighbours = Neighbours(
            embedding_id=1, recipe="raw", k_max=2, code_version=1, uri="", sha256=key(), created_at=MOMENT
        )
        session.add(neighbours)
        for row in [*rows, neighbours]:
            stored = sqlite_registry.store.write("files", ".bin", written(f"{type(row)} {row.id}"))
            row.uri, row.sha256 = stored.uri, stored.sha256
    return tiny


def written(content: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(content)

    return write


def files(zoo: TinyZoo, *, deep: bool = False) -> list[Finding]:
    with zoo.registry.read() as session:
        return list(examine_files(session, zoo.registry.store, deep=deep))


def file_of(zoo: TinyZoo, embedding: int) -> Path:
    with zoo.registry.read() as session:
        return zoo.registry.store.path(session.get_one(Embedding, embedding).uri)


def listing(root: Path) -> list[str]:
    return sorted(str(path) for path in root.rglob("*"))


def test_a_store_that_works_is_ok_and_is_left_as_it_was(zoo: TinyZoo) -> None:
    root = zoo.registry.store.root
    before = listing(root)
    (finding,) = examine_store(zoo.registry.store)
    assert finding.level == "ok"
    assert "GB free" in finding.message
    assert listing(root) == before


def test_a_file_in_place_of_the_store_fails_and_a_missing_one_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    for name, word in (("store", "is a file"), ("elsewhere", "is missing")):
        (finding,) = examine_store(Store(tmp_path / name))
        assert finding.level == "fail"
        assert word in finding.message
    assert not (tmp_path / "elsewhere").exists()


def test_a_store_that_takes_no_file_fails() -> None:
    (finding,) = examine_store(Store(Path("/proc/self")))  # a folder in which even root can make nothing
    assert finding.level == "fail"
    assert "not writable" in finding.message


def test_files_that_are_all_there_are_counted(zoo: TinyZoo) -> None:
    (finding,) = files(zoo)
    message = "1 data set, 2 embeddings, 1 neighbour list, 1 layer grid: all there"
    assert finding == Finding("ok", "files", message)
    (deep,) = files(zoo, deep=True)
    assert deep.message == f"{message}, digests equal"


def test_a_missing_file_fails_with_whose_it_was(zoo: TinyZoo) -> None:
    file_of(zoo, 2).unlink()
    lost, rest = files(zoo)
    assert (lost.level, lost.subject) == ("fail", "files")
    assert lost.message.startswith("1 of 2 embeddings missing in the store: b;")
    assert rest.level == "ok"
    assert "embedding" not in rest.message


def test_changed_bytes_are_found_only_by_reading(zoo: TinyZoo) -> None:
    file_of(zoo, 1).write_text("changed")
    assert [finding.level for finding in files(zoo)] == ["ok"]
    lost, _ = files(zoo, deep=True)
    assert lost.level == "fail"
    assert "1 of 2 embeddings missing or damaged" in lost.message
    assert ": a;" in lost.message


def test_an_address_that_leads_out_of_the_store_is_a_missing_file(zoo: TinyZoo, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("there, and not in the store")
    with zoo.registry.write() as session:
        session.get_one(Embedding, 1).uri = "../../outside"
    assert [finding.level for finding in files(zoo)] == ["fail", "ok"]


def test_files_of_embeddings_that_are_no_longer_ready_are_not_asked_for(zoo: TinyZoo) -> None:
    file_of(zoo, 2).unlink()
    with zoo.registry.write() as session:
        session.get_one(Embedding, 2).status = "superseded"
    assert [finding.level for finding in files(zoo)] == ["ok"]


def test_an_empty_registry_has_no_files_to_miss(registry: Registry) -> None:
    with registry.read() as session:
        assert list(examine_files(session, registry.store, deep=True)) == []
