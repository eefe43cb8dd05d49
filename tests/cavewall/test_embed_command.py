from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from registry.handle import Registry
from tests.cavewall.conftest import Call

BLOCKED = ("torch", "torchvision", "timm", "transformers", "numba", "sklearn")


@pytest.fixture
def waiting(call: Call, small_zoo: Registry) -> Call:
    """A zoo with one more checkpoint, which has no embedding yet."""
    assert call("checkpoint", "add", "baseline:pixels:4", "--name", "tiny-pixels").exit_code == 0
    return call


def ready(call: Call, *arguments: str) -> list[str]:
    rows = json.loads(call("embed", "list", "--format", "json", *arguments).stdout)["data"]
    return [row["checkpoint"] for row in rows]


def test_extract_embeds_what_is_missing_and_then_nothing(waiting: Call) -> None:
    planned = waiting("embed", "extract", "--dry-run")
    assert planned.stdout == "added  tiny-pixels\nwould be: added 1, unchanged 3\n"
    assert "tiny-pixels" not in ready(waiting)
    result = waiting("embed", "extract", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "added  tiny-pixels\nadded 1, unchanged 3\n"
    assert "cavewall align run" in result.stderr
    assert ready(waiting) == ["pixels", "words", "coarse", "tiny-pixels"]
    assert waiting("embed", "extract", "--device", "cpu").stdout == "unchanged 4\n"


def test_named_checkpoints_alone_are_extracted(waiting: Call) -> None:
    result = waiting("embed", "extract", "tiny-pixels", "--device", "cpu", "--format", "jsonl")
    assert [json.loads(line)["outcome"] for line in result.stdout.splitlines()] == ["added"]


def test_replace_supersedes_and_the_list_shows_it_on_request(waiting: Call) -> None:
    refused = waiting("embed", "extract", "pixels", "--replace", "--device", "cpu")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    result = waiting("embed", "extract", "pixels", "--replace", "--yes", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "replaced 1"
    assert ready(waiting) == ["words", "coarse", "pixels"]
    assert ready(waiting, "--superseded") == ["pixels", "words", "coarse", "pixels"]


def test_another_rule_makes_another_embedding(waiting: Call) -> None:
    result = waiting("embed", "extract", "pixels", "--rule", "pooling=mean", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert ready(waiting, "pixels") == ["pixels", "pixels"]
    refused = waiting("target", "add", "--k", "2")
    assert refused.exit_code == 2
    assert "vision embeddings by 2 rules" in refused.stderr
    assert "--extraction" in refused.stderr


def test_the_short_name_of_a_dtype_is_the_rules_field(waiting: Call) -> None:
    arguments = ("embed", "extract", "pixels", "--device", "cpu", "--batch-size", "4", "--workers", "2")
    for _ in range(2):
        result = waiting(*arguments, "--dtype", "bf16")
        assert result.exit_code == 0, result.stderr
    assert result.stdout == "unchanged 1\n"
    assert waiting(*arguments, "--rule", "dtype=bfloat16").stdout == "unchanged 1\n"
    assert ready(waiting, "pixels") == ["pixels", "pixels"]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("nobody",), 1, "no checkpoint 'nobody'"),
        (("pixels", "--rule", "poling=mean"), 2, "did you mean pooling ?"),
        (("pixels", "--rule", "pooling=last"), 2, "pooling 'last' is not supported for vision"),
        (("pixels", "--rule", "prompt={caption}"), 2, "prompt has no meaning for vision"),
        (("pixels", "--batch-size", "0"), 2, "--batch-size '0' is no number of items"),
        (("pixels", "--workers", "-1"), 2, "--workers"),
        (("pixels", "--dtype", "int8"), 2, "--dtype"),
        (("pixels", "--rule", "pooling"), 2, "FIELD=VALUE"),
        (("--dataset", "tinny"), 1, "did you mean tiny ?"),
        (("tiny-pixels", "--device", "abacus"), 2, "no device 'abacus'"),
        (("tiny-pixels", "--device", "cpu,cpu"), 2, "does not name different GPUs by their numbers"),
    ],
)
def test_what_cannot_be_extracted_is_refused(
    waiting: Call, arguments: tuple[str, ...], code: int, reason: str
) -> None:
    result = waiting("embed", "extract", *arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert reason in result.stderr


def test_retired_checkpoint_alone_is_refused_and_among_others_fails_alone(waiting: Call) -> None:
    waiting("checkpoint", "retire", "words", "--reason", "test", "--yes")
    alone = waiting("embed", "extract", "words", "--device", "cpu")
    assert alone.exit_code == 2
    assert "words is retired" in alone.stderr
    both = waiting("embed", "extract", "words", "tiny-pixels", "--device", "cpu")
    assert both.exit_code == 3
    assert "failed  words  words is retired" in both.stdout
    assert "added 1, failed 1" in both.stdout


def test_list_of_an_unknown_data_set_is_refused(waiting: Call) -> None:
    result = waiting("embed", "list", "--dataset", "tinny")
    assert result.exit_code == 1
    assert "did you mean tiny ?" in result.stderr


def without_models(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a Python that cannot import what runs models."""
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {BLOCKED!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
    )
    return subprocess.run(
        [sys.executable, "-m", "cavewall", *arguments],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def test_without_the_models_extra_sql_works_and_extract_names_its_line(waiting: Call, tmp_path: Path) -> None:
    blocker = tmp_path / "blocker"
    blocker.mkdir()
    assert without_models(blocker, "snapshot", "build").returncode == 0
    asked = without_models(blocker, "sql", "select count(*) as n from checkpoints", "--format", "csv")
    assert asked.stdout == "n\n4\n"
    assert without_models(blocker, "status").returncode == 0
    refused = without_models(blocker, "embed", "extract")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "pip install 'cavewall[models]'" in refused.stderr
    aligned = without_models(blocker, "align", "run")
    assert aligned.returncode == 2
    assert "pip install 'cavewall[models]'" in aligned.stderr
