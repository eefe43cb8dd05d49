"""`cavewall score run bpb --corpus`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.handle import Registry
from tests.cavewall.conftest import Call
from tests.ingest.conftest import make_neox


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "news.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"story {number} of a bird"}) for number in range(9)))
    return path


@pytest.fixture
def neox(call: Call, zoo: Registry, tmp_path: Path) -> Registry:
    assert call("checkpoint", "add", f"path:{make_neox(tmp_path / 'neox', seed=2)}").exit_code == 0
    return zoo


def test_a_corpus_is_measured_once_without_a_data_set(call: Call, neox: Registry, corpus: Path) -> None:
    run = ("score", "run", "bpb", "neox", "--corpus", corpus, "--device", "cpu", "--stride", 8)
    assert call(*run, "--dry-run").stdout == "would measure  neox\n"
    result = call(*run)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("added  neox  ")
    assert call(*run).stdout.startswith("unchanged  neox  ")
    assert call(*run, "--bytes", 30).stdout.startswith("added  neox  ")
    assert call(*run, "--documents", 2).stdout.startswith("added  neox  ")
    rows = json.loads(call("score", "list", "--format", "json").stdout)["data"]
    assert sorted(row["item_count"] for row in rows) == [2, 2, 9]
    assert {row["task"] for row in rows} == {"bits-per-byte/news"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--dataset", "tiny", "--corpus", "news.jsonl"), "--dataset means nothing with --corpus"),
        (("--caption-index", 1, "--corpus", "news.jsonl"), "--caption-index means nothing with --corpus"),
        (("--bytes", 10), "--bytes means nothing without --corpus"),
        (("--documents", 10), "--documents means nothing without --corpus"),
        (("--stride", 10), "--stride means nothing without --corpus"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    call: Call, neox: Registry, options: tuple[object, ...], sentence: str
) -> None:
    result = call("score", "run", "bpb", "neox", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


def test_a_corpus_means_nothing_for_a_battery(call: Call, neox: Registry, corpus: Path) -> None:
    result = call("score", "run", "emoji-19", "--corpus", corpus)
    assert result.exit_code == 2
    assert "--corpus means nothing for a battery" in result.stderr


def test_a_corpus_that_is_not_there_is_one_sentence(
    call: Call, neox: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    missing = call("score", "run", "bpb", "neox", "--corpus", tmp_path / "none.jsonl", "--device", "cpu")
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "none.jsonl: no such file" in missing.stderr
    hub = call("score", "run", "bpb", "neox", "--corpus", "hf:me/web@main", "--device", "cpu")
    assert hub.exit_code == 1
    assert "is not in the local cache" in hub.stderr
    assert "hf download" in hub.stderr
    assert call("score", "list", "--format", "csv").stdout.count("\n") == 1
