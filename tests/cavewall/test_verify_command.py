from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from registry.handle import Registry
from registry.tables import Embedding, Slot
from tests.cavewall.conftest import Call


@pytest.fixture
def aligned(small_zoo: Registry, call: Call) -> Registry:
    assert call("align", "run", "--device", "cpu").exit_code == 0
    assert call("snapshot", "build").exit_code == 0
    return small_zoo


def embedding(registry: Registry) -> Embedding:
    with registry.read() as session:
        return session.scalars(select(Embedding).order_by(Embedding.id)).first()  # type: ignore[return-value]


def age(path: Path, days: float) -> None:
    moment = time.time() - 86_400 * days
    os.utime(path, (moment, moment))


def test_a_sound_zoo_passes(aligned: Registry, call: Call) -> None:
    result = call("verify", "--format", "json")
    assert result.exit_code == 0, result.stderr
    assert {row["level"] for row in json.loads(result.stdout)["data"]} == {"ok"}


def test_a_damaged_embedding_fails_and_a_repair_takes_its_slots(aligned: Registry, call: Call) -> None:
    bad = embedding(aligned)
    whole = aligned.store.path(bad.uri).read_bytes()
    aligned.store.path(bad.uri).write_bytes(whole[:-1] + b"?")
    result = call("verify")
    assert result.exit_code == 1
    assert "files are missing or damaged: pixels (corrupt)" in result.stdout
    assert embedding(aligned).status == "ready"
    assert call("verify", "--repair").exit_code == 1
    assert embedding(aligned).status == "corrupt"
    with aligned.read() as session:
        reasons = session.scalars(select(Slot.dead_reason).where(Slot.embedding_id == bad.id)).all()
    assert reasons == ["corrupt"]
    aligned.store.path(bad.uri).write_bytes(whole)
    back = call("verify", "--repair")
    assert back.exit_code == 0, back.stderr
    assert "files are back: pixels" in back.stdout
    assert embedding(aligned).status == "ready"
    assert call("align", "run", "--device", "cpu").stdout.count("aligned 2 pairs") == 1


def test_a_damaged_snapshot_is_named(aligned: Registry, call: Call) -> None:
    (part,) = (aligned.store.root / "parts" / "alignment").rglob("*.parquet")
    part.write_bytes(b"not Parquet")
    result = call("verify")
    assert result.exit_code == 1
    assert "snapshot 1: parts/alignment/" in result.stdout


def test_what_nothing_names_is_collected_when_it_is_old(aligned: Registry, call: Call) -> None:
    stray = aligned.store.root / "grids" / "aa" / "stray.parquet"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x" * 10)
    assert call("store", "gc", "--dry-run").stdout == "nothing to delete\n"
    age(stray, 2)
    dry = call("store", "gc", "--dry-run")
    assert "grids/aa/stray.parquet" in dry.stdout
    assert stray.exists()
    refused = call("store", "gc")
    assert refused.exit_code == 2
    assert stray.exists()
    files = sorted(path for path in aligned.store.root.rglob("*") if path.is_file())
    for path in files:
        age(path, 3)
    done = call("store", "gc", "--yes")
    assert done.exit_code == 0, done.stderr
    assert "deleted 1 file" in done.stdout
    assert sorted(path for path in aligned.store.root.rglob("*") if path.is_file()) == [
        path for path in files if path != stray
    ]
    assert call("verify").exit_code == 0


def test_status_and_store_list_show_bytes_by_kind(aligned: Registry, call: Call) -> None:
    rows = json.loads(call("store", "list", "--format", "json").stdout)["data"]
    sizes = {row["kind"]: row["byte_count"] for row in rows}
    assert {"datasets", "embeddings", "neighbours", "grids", "parts", "manifests"} <= set(sizes)
    assert sum(sizes.values()) == sum(p.stat().st_size for p in aligned.store.root.rglob("*") if p.is_file())
    assert json.loads(call("status", "--format", "json").stdout)["data"]["store"] == sizes
    assert "MB (" in call("status").stdout


def test_a_retired_embedding_takes_its_pairs_and_comes_back_with_the_same_bytes(
    aligned: Registry, call: Call
) -> None:
    dry = call("embed", "retire", "pixels", "--dry-run")
    assert dry.stdout == "would retire 1 embedding\n"
    assert call("embed", "retire", "pixels").exit_code == 2
    assert call("embed", "retire", "pixels", "--yes").stdout == "retired 1 embedding\n"
    assert embedding(aligned).status == "superseded"
    assert "nothing to do: 1 of 1 pairs are fresh" in call("align", "plan").stdout
    again = call("embed", "retire", "pixels", "--yes")
    assert again.exit_code == 2
    assert "none of these checkpoints has a ready embedding" in again.stderr
