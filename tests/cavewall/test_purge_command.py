from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from registry.handle import Registry
from registry.tables import Alignment, Checkpoint, Dataset, Embedding, Part, Run, Score, Slot, Table, Target
from tests.cavewall.conftest import Call


@pytest.fixture
def aligned(small_zoo: Registry, call: Call) -> Registry:
    for arguments in (
        ("align", "run", "--device", "cpu"),
        (
            "score", "add", "pixels", "--benchmark", "s/t", "--metric", "m", "--value", "0.5",
            "--source", "x", "--source-kind", "paper",
        ),
        ("snapshot", "build"),
    ):  # fmt: skip
        result = call(*arguments)
        assert result.exit_code == 0, result.stderr
    return small_zoo


def counts(registry: Registry, *tables: type[Table]) -> list[int]:
    with registry.read() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def files(registry: Registry) -> set[str]:
    root = registry.store.root
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_a_checkpoint_goes_with_everything_that_came_of_it(aligned: Registry, call: Call) -> None:
    with aligned.read() as session:
        bad = session.scalars(select(Embedding).order_by(Embedding.id)).first()
        assert bad is not None
    before = files(aligned)
    dry = call("purge", "pixels", "--reason", "a test", "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert "would delete 1 checkpoint, 1 embedding" in dry.stdout
    assert "2 alignments" in dry.stdout
    assert files(aligned) == before
    assert counts(aligned, Checkpoint, Alignment) == [3, 3]
    refused = call("purge", "pixels", "--reason", "a test")
    assert refused.exit_code == 2
    assert "add --yes" in refused.stderr
    done = call("purge", "pixels", "--reason", "a test", "--yes")
    assert done.exit_code == 0, done.stderr
    assert counts(aligned, Checkpoint, Embedding, Slot, Alignment, Score) == [2, 2, 2, 1, 0]
    assert bad.uri not in files(aligned)
    with aligned.read() as session:
        (part,) = session.scalars(select(Part)).all()
        slots = set(session.scalars(select(Slot.slot)))
        (row,) = session.scalars(select(Alignment)).all()
        run = session.scalars(select(Run).where(Run.kind == "purge")).one()
    left = pq.read_table(aligned.store.checked_path(part.uri, part.sha256))
    assert set(left["row_slot"].to_pylist()) | set(left["column_slot"].to_pylist()) <= slots
    assert left.num_rows == row.layer_pairs == part.row_count
    assert run.counts["reason"] == "a test"
    assert call("verify").exit_code == 0
    names = call("sql", "select name from checkpoints order by 1", "--format", "csv").stdout.split()
    assert names == ["name", "coarse", "words"]
    again = call("align", "run", "--device", "cpu")
    assert again.stdout == "nothing to do: 1 of 1 pairs are fresh\n"


def test_a_new_checkpoint_after_a_purge_is_computed_like_any_other(aligned: Registry, call: Call) -> None:
    assert call("purge", "coarse", "--reason", "a test", "--yes").exit_code == 0
    assert call("checkpoint", "add", "baseline:pixels:8", "--name", "finer").exit_code == 0
    assert call("embed", "extract", "finer").exit_code == 0
    result = call("align", "run", "--device", "cpu", "--format", "json")
    assert result.exit_code in (0, 3), result.stderr
    assert call("verify").exit_code == 0


def test_a_data_set_goes_with_its_targets(aligned: Registry, call: Call) -> None:
    done = call("purge", "--dataset", "tiny", "--reason", "takedown", "--yes", "--format", "json")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)["data"]["rows"]
    assert rows["dataset"] == 1
    assert counts(aligned, Dataset, Target, Embedding, Alignment, Slot, Part) == [0] * 6
    assert counts(aligned, Checkpoint) == [3]
    kinds = {name.split("/")[0] for name in files(aligned)}
    assert kinds <= {"parts", "manifests"}


@pytest.mark.parametrize(
    "arguments", [("--reason", "x"), ("pixels", "--dataset", "tiny", "--reason", "x"), ("pixels",)]
)
def test_a_purge_without_subject_or_reason_is_refused(
    aligned: Registry, call: Call, arguments: tuple[str, ...]
) -> None:
    result = call("purge", *arguments, "--yes")
    assert result.exit_code == 2
    assert counts(aligned, Checkpoint) == [3]


def test_a_file_that_others_name_too_stays(small_zoo: Registry, call: Call, tmp_path: Path) -> None:
    """The demo of a content-addressed store: an equal file belongs to two rows."""
    assert call("align", "run", "--device", "cpu").exit_code == 0
    with small_zoo.write() as session:
        first, second = session.scalars(select(Embedding).order_by(Embedding.id).limit(2)).all()
        first.uri, first.sha256 = second.uri, second.sha256
        kept = second.uri
    assert call("purge", "pixels", "--reason", "a test", "--yes").exit_code == 0
    assert kept in files(small_zoo)
