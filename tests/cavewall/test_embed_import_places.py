"""Embeddings that stay in a place behind an address, as a user meets them; the place is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from safetensors.numpy import save
from sqlalchemy import func, select

from compute.targets import FEWEST_DRAWS, NullRule, TargetRule, add_target
from registry.handle import Registry
from registry.remote_places import PROTOCOLS
from registry.tables import Alignment, Embedding
from tests.cavewall.conftest import Call

N = 24
NAMES = ("pixels", "coarse")
URLS = [f"memory://lab/sub/{name}.safetensors" for name in NAMES]


def content(seed: int) -> bytes:
    rows = np.random.default_rng(seed).normal(size=(2, N, 4)).astype(np.float32)
    return save({"a": rows[0], "b": rows[1]})


@pytest.fixture
def lab(small_zoo: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryFileSystem]:
    """A place in memory that the zoo declares, with a file for each of two checkpoints."""
    monkeypatch.setitem(PROTOCOLS, "memory", "fsspec")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    system.store.clear()
    for seed, name in enumerate(NAMES):
        system.pipe(f"/lab/sub/{name}.safetensors", content(seed))
    toml = Path("cavewall.toml")
    toml.write_text(toml.read_text() + '\n[locations]\nlab = "memory://lab"\n')
    yield system
    system.store.clear()


def in_place(registry: Registry) -> list[Embedding]:
    with registry.read() as session:
        statement = select(Embedding).where(Embedding.location.is_not(None)).order_by(Embedding.uri)
        return list(session.scalars(statement))


def copies(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "cavewall").glob("*"))


def test_files_behind_an_address_stay_there_and_come_in_once(
    small_zoo: Registry, lab: MemoryFileSystem, call: Call, tmp_path: Path
) -> None:
    stored = set(small_zoo.store.root.rglob("*"))
    dry = call("embed", "import", *URLS, "--in-place", "--dry-run")
    assert (dry.exit_code, dry.stdout.splitlines()[-1]) == (0, "would be: added 2"), dry.stdout
    assert in_place(small_zoo) == []
    done = call("embed", "import", *URLS, "--in-place")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "added 2"), done.stdout
    again = call("embed", "import", *URLS, "--in-place")
    assert (again.exit_code, again.stdout.strip()) == (0, "unchanged 2")
    rows = in_place(small_zoo)
    assert [(row.location, row.uri) for row in rows] == [
        ("lab", "sub/coarse.safetensors"), ("lab", "sub/pixels.safetensors"),
    ]  # fmt: skip
    assert set(small_zoo.store.root.rglob("*")) == stored
    assert {path.stem for path in copies(tmp_path)} == {row.sha256 for row in rows}


def test_pairs_are_computed_from_a_place_behind_an_address(
    small_zoo: Registry, lab: MemoryFileSystem, call: Call, tmp_path: Path
) -> None:
    call("embed", "import", *URLS, "--in-place")
    for path in copies(tmp_path):
        path.unlink()
    rule = TargetRule(k=3, null=NullRule(draws=FEWEST_DRAWS))
    add_target(small_zoo, "tiny", [in_place(small_zoo)[0].extraction_id], rule, name="imported")
    run = call("align", "run", "imported", "--device", "cpu")
    assert "aligned 1 pair" in run.stdout, run.stderr
    with small_zoo.read() as session:
        assert session.scalar(select(func.count()).select_from(Alignment)) == 1
    assert len(copies(tmp_path)) == 2


def test_verify_looks_at_the_place_and_not_at_the_copy(
    small_zoo: Registry, lab: MemoryFileSystem, call: Call
) -> None:
    call("embed", "import", *URLS, "--in-place")
    sound = call("verify")
    assert sound.exit_code == 0, sound.stdout
    lab.pipe("/lab/sub/pixels.safetensors", content(9))
    lab.rm("/lab/sub/coarse.safetensors")
    broken = call("verify", "--repair")
    assert broken.exit_code == 1
    assert "pixels (corrupt)" in broken.stdout
    assert "coarse (missing)" in broken.stdout
    assert [row.status for row in in_place(small_zoo)] == ["missing", "corrupt"]
    for seed, name in enumerate(NAMES):
        lab.pipe(f"/lab/sub/{name}.safetensors", content(seed))
    assert call("verify", "--repair").exit_code == 0
    assert [row.status for row in in_place(small_zoo)] == ["ready", "ready"]


def test_a_place_that_is_not_declared_here_costs_no_row(
    small_zoo: Registry, lab: MemoryFileSystem, call: Call
) -> None:
    call("embed", "import", *URLS, "--in-place")
    toml = Path("cavewall.toml")
    toml.write_text(toml.read_text().partition("[locations]")[0])
    result = call("verify", "--repair")
    assert result.exit_code == 1
    assert "files cannot be compared" in result.stdout
    assert "its place 'lab' is not declared" in result.stdout
    assert [row.status for row in in_place(small_zoo)] == ["ready", "ready"]


@pytest.mark.parametrize(
    ("address", "options", "exit_code", "sentence"),
    [
        (URLS[0], [], 1, "can only stay where it is, as a safetensors file"),
        ("memory://lab/x.npy", ["--in-place"], 1, "can only stay where it is, as a safetensors file"),
        ("memory://lab2/x.safetensors", ["--in-place"], 1, "lies in no declared place (lab = memory://lab)"),
        ("memory://lab/gone.safetensors", ["--in-place"], 1, "gone.safetensors is missing in the place"),
        ("memory://lab/../x.safetensors", ["--in-place"], 2, "is no plain path"),
        ("zip::memory://lab/x.safetensors", ["--in-place"], 2, "is a chained address"),
        ("http://host/x.safetensors", ["--in-place"], 2, "has the unknown protocol 'http'"),
        ("s3://key:SECRET@lab/x.safetensors", ["--in-place"], 2, "holds credentials"),
    ],
)
def test_another_address_is_refused(
    small_zoo: Registry,
    lab: MemoryFileSystem,
    call: Call,
    tmp_path: Path,
    address: str,
    options: list[str],
    exit_code: int,
    sentence: str,
) -> None:
    result = call("embed", "import", address, *options)
    assert result.exit_code == exit_code
    assert sentence in result.stdout + result.stderr
    assert "SECRET" not in result.stdout + result.stderr
    assert (in_place(small_zoo), copies(tmp_path)) == ([], [])


def test_a_broken_file_is_called_by_its_own_name(
    small_zoo: Registry, lab: MemoryFileSystem, call: Call
) -> None:
    lab.pipe("/lab/pixels.safetensors", b"no tensors at all")
    result = call("embed", "import", "memory://lab/pixels.safetensors", "--in-place")
    assert result.exit_code == 1
    assert "lab/pixels.safetensors" in result.stdout
    assert "cache" not in result.stdout


def test_a_file_address_is_a_path(small_zoo: Registry, call: Call, tmp_path: Path) -> None:
    (tmp_path / "pixels.safetensors").write_bytes(content(1))
    done = call("embed", "import", f"file://{tmp_path}/pixels.safetensors")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "added 1"), done.stdout
