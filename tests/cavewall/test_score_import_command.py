from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from registry.handle import Registry
from tests.cavewall.conftest import Call
from tests.ingest.score_files.writers import add_named, lm_eval, timm_line, timm_table, write

BOARD = ("--source", "board", "--source-kind", "leaderboard")
LONG = "model,benchmark,value\none,s/t,0.5\nother,s/t,0.25\n"


@pytest.fixture
def named_zoo(zoo: Registry) -> Registry:
    """An empty zoo with two checkpoints without weights, and the working directory in it."""
    add_named(zoo, {"one": "timm:one.a", "two": "hf:org/two"})
    return zoo


def data_of(call: Call, *arguments: object) -> Any:
    result = call(*arguments, "--format", "json")
    return json.loads(result.stdout)["data"]


def test_a_file_comes_in_once_with_what_was_read_and_matched(
    call: Call, named_zoo: Registry, tmp_path: Path
) -> None:
    file = write(tmp_path, "results-imagenet.csv", timm_table(timm_line("one.a"), timm_line("nobody.b")))
    arguments = ("score", "import", file, "--format", "timm-results", "--protocol", "in1k-val")
    dry = call(*arguments, "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert "would be added 2" in dry.stdout
    assert call("score", "imports").stdout == "no imports: cavewall score import\n"
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        f"{file}  2 rows as timm-results: 1 name matched, 1 not in the registry (ignored)\n"
        "  added 2, unchanged 0, conflicts 0, refused 0   import 1\n"
    )
    assert "added 0, unchanged 2, conflicts 0" in call(*arguments).stdout
    (line,) = data_of(call, "score", "imports")
    assert (line["import_id"], line["format"], line["scores"], line["status"]) == (
        1,
        "timm-results",
        2,
        "live",
    )
    listed = data_of(call, "score", "list", "--import", 1)
    assert [(row["task"], row["source"], row["status"]) for row in listed] == [
        ("imagenet/in1k-val", "timm results", "valid")
    ] * 2


def test_a_format_is_guessed_and_said_and_another_file_goes_on(
    call: Call, named_zoo: Registry, tmp_path: Path
) -> None:
    for number in range(2):
        write(tmp_path, f"results_{number}.json", lm_eval("org/two") | {"date": number + 1.0})
    write(tmp_path, "results_9.json", '{"results": ')
    result = call("score", "import", tmp_path / "results_*.json")
    assert result.exit_code == 3
    assert result.stdout.count("read as lm-eval, by its structure") == 2
    assert "ends in the middle" in result.stdout
    assert "1 of 3 files failed, the rest is committed" in result.stderr


def test_refused_rows_end_with_3_and_are_listed(call: Call, named_zoo: Registry, tmp_path: Path) -> None:
    file = write(tmp_path, "long.csv", LONG + "one,s/u,81.2%\n")
    for _ in range(2):
        result = call("score", "import", file, *BOARD, "--format", "long", "--format", "json")
        assert result.exit_code == 3
        assert json.loads(result.stdout)["data"]["files"][0]["rejected"] == 1
        assert "1 rows or cells were refused, the rest is committed" in result.stderr
    (row,) = data_of(call, "score", "list", "--import", 1, "--refused")
    assert (row["line"], row["content"]) == (4, "one,s/u,81.2%")
    assert "percent sign" in row["reason"]


def test_names_are_written_for_the_user_and_read_back(
    call: Call, named_zoo: Registry, tmp_path: Path
) -> None:
    file = write(tmp_path, "long.csv", LONG.replace("one,", "One_,"))
    names = tmp_path / "names.csv"
    result = call("score", "import", file, *BOARD, "--write-map", names)
    assert f"wrote {names}: 2 names" in result.stderr
    with names.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert rows[0] == {"name": "One_", "checkpoint": "", "suggestion": "one"}
    unused = call("score", "import", file, "--source", "board", "--map-file", names)
    assert "0 names matched" in unused.stdout  # a suggestion is never used by itself
    again = call("score", "import", file, "--source", "board", "--write-map", names)
    assert again.exit_code == 2
    assert "exists, and may hold your edits" in again.stderr
    names.write_text("name,checkpoint,suggestion\nOne_,one,two\n")
    assert "added 1" in call("score", "import", file, "--source", "board", "--map-file", names).stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,suggestion\na,b\n", "has no column 'checkpoint'"),
        ("name,checkpoint\na,one\na,two\n", "'a' is one and two"),
        ("name,checkpoint\na\n", "expected 2 cells, found 1"),
        ("name,checkpoint\none,onne\n", "no checkpoint 'onne'"),
    ],
)
def test_a_wrong_map_is_refused(
    call: Call, named_zoo: Registry, tmp_path: Path, text: str, message: str
) -> None:
    file, names = write(tmp_path, "long.csv", LONG), write(tmp_path, "names.csv", text)
    result = call("score", "import", file, *BOARD, "--map-file", names)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert message in result.stderr
    assert data_of(call, "score", "imports") == []


def test_an_import_is_retired_and_restored(call: Call, named_zoo: Registry, tmp_path: Path) -> None:
    call("score", "import", write(tmp_path, "long.csv", LONG), *BOARD)
    arguments = ("score", "retire", "--import", 1, "--reason", "wrong split")
    assert call(*arguments, "--dry-run").stdout == "would be retired  import 1\n"
    refused = call(*arguments)
    assert refused.exit_code != 0
    assert "--yes" in refused.stderr
    assert call(*arguments, "--yes").stdout == "retired  import 1\n"
    assert call(*arguments, "--yes").stdout == "unchanged  import 1\n"
    (row,) = data_of(call, "score", "list")
    assert row["status"] == "retired: wrong split"
    assert data_of(call, "score", "imports")[0]["status"] == "retired: wrong split"
    again = call("score", "import", tmp_path / "long.csv", *BOARD)
    assert again.exit_code == 1
    assert "cavewall score restore --import 1" in again.stderr
    assert call("score", "restore", "--import", 1).stdout == "restored  import 1\n"
    assert data_of(call, "score", "list")[0]["status"] == "valid"


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ((), 2, "nothing says where the scores in a long table come from"),
        (("--source", "board"), 2, "source board is new"),
        (("--url", "https://example.org"), 2, "needs its name"),
        ((*BOARD, "--map", "value"), 2, "write --map COLUMN=NAME"),
        ((*BOARD, "--map", "a=b", "--map", "a=c"), 2, "mapped twice"),
        ((*BOARD, "--map", "a=b"), 2, "no column 'a'"),
        ((*BOARD, "--format", "vtab"), 1, "the column 'benchmark' is not a known task"),
        ((*BOARD, "--format", "vtab", "--format", "wide"), 2, "several forms"),
        ((*BOARD, "--format", "vtabb"), 2, "vtabb"),
        ((*BOARD, "--map-file", "missing.csv"), 1, "no such file"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_writes_nothing(
    call: Call, named_zoo: Registry, tmp_path: Path, more: tuple[str, ...], code: int, message: str
) -> None:
    result = call("score", "import", write(tmp_path, "long.csv", LONG), *more)
    assert result.exit_code == code
    assert result.stdout == ""
    assert message in result.stderr
    assert data_of(call, "score", "imports") == []


@pytest.mark.parametrize("name", ["missing.csv", "missing_*.csv"])
def test_a_file_that_is_not_there_is_refused(call: Call, named_zoo: Registry, name: str) -> None:
    result = call("score", "import", name, *BOARD)
    assert result.exit_code == 1
    assert "missing" in result.stderr


def test_an_import_that_is_not_there_is_refused(call: Call, named_zoo: Registry) -> None:
    for arguments in (
        ("score", "retire", "--import", 7, "--reason", "x", "--yes"),
        ("score", "restore", "--import", 7),
        ("score", "list", "--import", 7),
        ("score", "list", "--import", 7, "--refused"),
    ):
        result = call(*arguments)
        assert result.exit_code == 1
        assert "no import of scores has the id 7" in result.stderr


def test_missing_names_are_registered_first_where_the_user_says_so(
    call: Call, named_zoo: Registry, tmp_path: Path
) -> None:
    table = timm_table(timm_line("test_vit.r160_in1k", count="0.37"), timm_line("no_such_network.b"))
    file = write(tmp_path, "results-imagenet.csv", table)
    arguments = ("score", "import", file, "--register-missing")
    dry = call(*arguments, "--dry-run")
    assert "would be added 2" in dry.stdout, dry.stderr
    assert len(data_of(call, "checkpoint", "list")) == 2
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    assert "registered: added 1, failed 1; the first failure: " in result.stdout
    assert "1 name matched, 1 not in the registry" in result.stdout
    assert {row["reference"] for row in data_of(call, "checkpoint", "list")} >= {"timm:test_vit.r160_in1k"}


def test_formats_are_listed_with_the_names_they_know(call: Call) -> None:
    listed = call("score", "formats").stdout
    assert all(
        name in listed for name in ("timm-results", "lm-eval", "clip-benchmark", "vtab", "wide", "long")
    )
    assert "dSpr-Loc" in call("score", "formats", "vtab").stdout
    result = call("score", "formats", "vtabb")
    assert result.exit_code == 2
    assert "did you mean vtab" in result.stderr


def test_the_options_name_the_formats_that_there_are() -> None:
    from cavewall.commands.score_import import FILE_FORMATS
    from ingest.score_files.formats import FORMATS

    assert tuple(FORMATS) == FILE_FORMATS
