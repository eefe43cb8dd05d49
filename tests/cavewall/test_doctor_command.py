from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from analysis.snapshot import build_snapshot
from cavewall.checkup import examine
from registry.clock import now
from registry.handle import Registry
from registry.host_rates import record_rate, score_work
from registry.lock import writer_lock
from registry.migrate import downgrade
from registry.runs import begin_run, record_failure
from registry.settings import load_settings
from registry.tables import Embedding, Run
from tests.cavewall.conftest import Call

SUBJECTS = [
    "versions", "configuration", "schema", "registry", "store", "files", "snapshot", "lock", "runs",
    "failures", "rate", "extra models", "extra postgres", "device", "network",
]  # fmt: skip
OF_ROWS = ["files", "snapshot", "lock", "runs", "failures", "rate"]


def found(call: Call, *options: str) -> dict[str, dict[str, Any]]:
    """Return what the doctor finds, by subject."""
    return {
        row["subject"]: row for row in json.loads(call("doctor", "--format", "json", *options).stdout)["data"]
    }


def test_a_healthy_zoo_passes(call: Call, small_zoo: Registry) -> None:
    build_snapshot(small_zoo)
    before = sorted(path for path in small_zoo.store.root.rglob("*"))
    result = call("doctor")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert {line.split()[0] for line in lines} <= {"ok", "info"}
    assert any(line.startswith("ok    schema ") and "(head)" in line for line in lines)
    assert any("1 data set, 3 embeddings: all there" in line for line in lines)
    assert sorted(path for path in small_zoo.store.root.rglob("*")) == before


def test_what_it_looks_at_is_an_interface(call: Call, small_zoo: Registry) -> None:
    envelope = json.loads(call("doctor", "--format", "json").stdout)
    assert envelope["schema"] == "cavewall/doctor@1"
    assert [row["subject"] for row in envelope["data"]] == SUBJECTS
    assert {key for row in envelope["data"] for key in row} == {"level", "subject", "message"}


def test_an_empty_zoo_passes_on_both_databases(registry: Registry) -> None:
    findings = {finding.subject: finding for finding in examine(registry.settings)}
    assert "fail" not in {finding.level for finding in findings.values()}
    assert "files" not in findings, "there is nothing to look for"
    assert findings["lock"].message == "free"
    assert findings["runs"].message == "none left unfinished"
    assert findings["snapshot"].message == "none yet: cavewall snapshot build"


def test_an_old_schema_is_reported_and_everything_else_is_still_looked_at(call: Call, zoo: Registry) -> None:
    downgrade(zoo.engine, "0002")
    result = call("doctor")
    assert result.exit_code == 1
    assert "1 of " in result.stderr
    assert "checks failed" in result.stderr
    rows = found(call)
    assert rows["schema"]["level"] == "fail"
    assert "schema 0002" in rows["schema"]["message"]
    assert "cavewall db upgrade" in rows["schema"]["message"]
    assert rows["registry"]["level"] == rows["store"]["level"] == "ok"
    assert not rows.keys() & set(OF_ROWS)
    assert rows["rows"]["level"] == "info"


def test_a_missing_embedding_fails_with_its_name(call: Call, small_zoo: Registry) -> None:
    with small_zoo.read() as session:
        uri = session.get_one(Embedding, 2).uri
    small_zoo.store.path(uri).unlink()
    result = call("doctor")
    assert result.exit_code == 1
    assert "fail  files" in result.stdout
    assert "1 of 3 embeddings missing in the store: words" in result.stdout


def test_a_damaged_embedding_is_found_by_a_deep_look(call: Call, small_zoo: Registry) -> None:
    with small_zoo.read() as session:
        path = small_zoo.store.path(session.get_one(Embedding, 1).uri)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert call("doctor").exit_code == 0
    result = call("doctor", "--deep")
    assert result.exit_code == 1
    assert "1 of 3 embeddings missing or damaged in the store: pixels" in result.stdout


def test_a_file_in_place_of_the_store_fails(call: Call, zoo: Registry) -> None:
    shutil.rmtree(zoo.store.root)
    zoo.store.root.write_text("not a folder")
    rows = found(call)
    assert rows["store"]["level"] == "fail"
    assert "is a file, expected a folder" in rows["store"]["message"]
    assert call("doctor").exit_code == 1


def test_a_missing_registry_is_a_finding_and_the_store_is_still_looked_at(call: Call, zoo: Registry) -> None:
    path = Path(str(zoo.engine.url.database))
    zoo.close()
    path.unlink()
    rows = found(call)
    assert rows["registry"]["level"] == "fail"
    assert "no registry at" in rows["registry"]["message"]
    assert rows["store"]["level"] == "ok"
    assert not path.exists()


def test_a_server_that_is_not_there_is_a_finding_without_its_password(call: Call, zoo: Registry) -> None:
    result = call("doctor", "--db", "postgresql://me:secret@127.0.0.1:1/zoo?connect_timeout=1")
    assert result.exit_code == 1
    assert "fail  registry" in result.stdout
    assert "secret" not in result.output


def test_a_stale_snapshot_warns_and_one_that_lost_a_file_fails(call: Call, small_zoo: Registry) -> None:
    built = build_snapshot(small_zoo)
    assert found(call)["snapshot"]["level"] == "ok"
    with small_zoo.write() as session:
        session.get_one(Embedding, 1).status = "missing"
    row = found(call)["snapshot"]
    assert row["level"] == "warn"
    assert "cavewall snapshot build" in row["message"]
    (file,) = (small_zoo.store.root / "parts" / "checkpoint").rglob("*.parquet")
    file.unlink()
    row = found(call)["snapshot"]
    assert row["level"] == "fail"
    assert f"1 of the {built.files} files" in row["message"]


def test_who_holds_the_lock_is_said(call: Call, zoo: Registry) -> None:
    with writer_lock(zoo, "align run") as writer:
        rows = found(call)
    assert rows["lock"]["level"] == "info"
    assert f"held by run {writer.run_id} (align run)" in rows["lock"]["message"]
    assert "1 at work" in rows["runs"]["message"]


def test_a_lost_run_and_a_failure_warn(call: Call, zoo: Registry) -> None:
    with zoo.write() as session:
        session.add(
            Run(
                kind="align run", status="running", holds_lock=True, host=socket.gethostname(), pid=2**30,
                device="cpu", code_version="0", counts={}, started_at=now(),
            )
        )  # fmt: skip
        record_failure(session, "embedding 3", "null", "out of memory", None)
    result = call("doctor")
    assert result.exit_code == 0, "a warning does not fail"
    rows = found(call)
    assert rows["runs"]["level"] == rows["failures"]["level"] == "warn"
    assert "run 1 (align run)" in rows["runs"]["message"]
    assert rows["failures"]["message"] == "1 outstanding: embedding 3 at null (out of memory)"


def test_the_rate_is_told_in_layer_pairs(call: Call, zoo: Registry) -> None:
    assert "not measured" in found(call)["rate"]["message"]
    with zoo.write() as session:
        run_id = begin_run(session, kind="align run", device="cpu", holds_lock=False)
        for metric, rate in (("cka", 2.0), ("mutual_knn", 2_457_600.0)):
            record_rate(session, socket.gethostname(), "cpu", score_work(metric), rate, run_id)
    said = "about 2,400 layer pairs/s at mutual_knn, n = 1,024 (run 1 on cpu)"
    assert found(call)["rate"]["message"] == said


def test_where_each_value_comes_from_is_said(
    call: Call, zoo: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAVEWALL_DEVICE", "cpu")
    message = found(call)["configuration"]["message"]
    folder = load_settings(Path.cwd()).folder
    assert f"database, store from {folder}/cavewall.toml" in message
    assert "device from variable CAVEWALL_DEVICE" in message
