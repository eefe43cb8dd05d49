"""What is wrong with a file is one sentence; what is wrong with a row is a refused row with its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.score_files.claims import LONGEST_CONTENT
from ingest.score_files.tables import OutsideFile, read_outside
from registry.errors import InputError, RegistryError, UsageError
from tests.ingest.score_files.writers import TIMM_HEADER, lm_eval, parsed, timm_line, timm_table

LONG = "model,benchmark,value"


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "empty"),
        ("-", "empty"),
        ("N/A", "empty"),
        ("81.2%", "'81.2%' has a percent sign"),
        ('"81,2"', "'81,2' has a comma"),
        ("nan", "nan is no finite number"),
        ("-inf", "-inf is no finite number"),
        ("1e999", "1e999 is no finite number"),
        ("1e305", "1e+305 is no finite number"),
        ("good", "'good' is not a number"),
        ("1_000", "'1_000' is not a number"),
        ("٣", "'٣' is not a number"),
        ("9" * 100, "a cell of 100 characters is no number"),
    ],
)
def test_a_cell_that_is_no_number_is_refused_with_its_reason(cell: str, reason: str) -> None:
    found = parsed(f"{LONG}\na,s/t,{cell}\nb,s/t,0.5\n")
    assert [claim.name for claim in found.claims] == ["b"]
    (row,) = found.refused
    assert (row.line, row.reason.startswith(reason)) == (2, True), row.reason


def test_a_field_of_a_million_characters_refuses_its_row_and_is_kept_short() -> None:
    found = parsed(f"{LONG}\n{'x' * 1_000_000},s/t,0.5\nb,s/t,0.5\n")
    assert len(found.claims) == 1
    (row,) = found.refused
    assert row.reason == "a cell has 1,000,000 characters"
    assert len(row.content) < LONGEST_CONTENT + 50


def test_a_row_with_too_few_cells_is_refused_and_the_rest_is_read() -> None:
    found = parsed(f"{LONG}\na,s/t\nb,s/t,0.5\n")
    assert [(row.line, row.reason) for row in found.refused] == [(2, "expected 3 cells, found 2")]
    assert len(found.claims) == 1


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("model,benchmark\na,b\n", "no column 'value'", "--map COLUMN=value"),
        ("model,benchmark,valeu\na,b,1\n", "no column 'value'", "did you mean valeu"),
        ("model,value,benchmark,value\na,1,b,2\n", "'value' stands there twice", "rename"),
        ("model,benchmark,value,stdrr\na,b,1,2\n", "'stdrr' is not one that", "did you mean stderr"),
        ("model,benchmark,value,\na,b,1,2\n", "column 4 has no name", "name every column"),
        ("model;benchmark;value\na;b;1\n", "separated by ';'", "commas"),
        ('model,benchmark,value\n"a,b,1\n', "line 2", "quote"),
    ],
)
def test_a_wrong_table_is_one_sentence(text: str, message: str, hint: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parsed(text, form="long")
    assert hint in caught.value.hint


def test_another_encoding_is_one_sentence() -> None:
    with pytest.raises(InputError, match="is not UTF-8: byte 0xe9 at position 22"):
        parsed(f"{LONG}\n".encode() + "é,s/t,1".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8"):
        parsed(LONG.encode("utf-16"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(lm_eval())[:200], "ends in the middle"),
        ("{'results': 1}", "is no JSON"),
        ("[" * 100_000, "nested too deeply|ends in the middle"),
        ('{"results": ' + "9" * 5000 + "}", "a number is too long|no known format"),
        ("[]", "no known format"),
        ('"text"', "no known format"),
    ],
)
def test_wrong_json_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parsed(text, "results.json")


def test_nan_in_json_is_a_refused_value() -> None:
    document = lm_eval(results={"t": {"acc,none": float("nan"), "f1,none": 0.5, "em,none": None}})
    found = parsed(json.dumps(document), "r.json")
    assert [claim.benchmark.metric for claim in found.claims] == ["f1"]
    assert [row.reason for row in found.refused] == [
        "t acc,none: nan is no finite number",
        "t em,none: empty",
    ]


def test_an_empty_and_a_missing_file_are_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "empty.csv").write_bytes(b" \n")
    with pytest.raises(InputError, match="is empty"):
        read_outside(folder / "empty.csv")
    with pytest.raises(InputError, match="no such file"):
        read_outside(folder / "missing.csv")
    with pytest.raises(InputError, match="no such file"):
        read_outside(folder)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"columns": {"valu": "value"}}, "no column 'valu'"),
        ({"ignored": frozenset({"stderr"})}, "no column 'stderr'"),
        ({"columns": {"benchmark": "value", "value": "value"}}, "two columns are mapped to 'value'"),
    ],
)
def test_a_map_of_a_column_that_is_not_there_is_refused(how: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parsed(f"{LONG}\na,s/t,1\n", form="long", **how)


def test_a_file_of_no_known_structure_says_so() -> None:
    with pytest.raises(InputError, match="no known format"):
        parsed("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"no format is known for the suffix '\.txt'"):
        parsed("a,b\n1,2\n", "scores.txt")
    with pytest.raises(UsageError, match="no format 'vtabb'"):
        parsed("a,b\n1,2\n", form="vtabb")


def test_a_broken_parquet_file_is_one_sentence() -> None:
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        parsed(b"PAR1 nothing PAR1", "x.parquet")


def test_timm_rows_that_contradict_themselves_are_refused() -> None:
    found = parsed(
        timm_table(
            timm_line("good_21m_224.a", count="21.20"),
            timm_line("good_small.bd_ssld_6m_in1k", count="31.76"),
            timm_line("bad_21m_224.a", count="61.20"),
            timm_line("bad_sum.a").replace("80.0,20.000", "80.0,10.000"),
            timm_line("bad_count.a", count="many"),
            timm_line("bad_zero.a", count="0"),
        ),
        "results-imagenet.csv",
    )
    assert {claim.name for claim in found.claims} == {"good_21m_224.a", "good_small.bd_ssld_6m_in1k"}
    assert [row.reason for row in found.refused] == [
        "listed with 61.2 M parameters, its name says 21 M",
        "top1 80 and top1_err 10 do not add up to 100",
        "'many' is not a number",
        "0 parameters cannot be",
    ]


def test_a_missing_column_of_timm_results_names_the_nearest() -> None:
    text = TIMM_HEADER.replace("top5_err", "top5_error") + "\n"
    with pytest.raises(InputError, match="no column 'top5_err'") as caught:
        parsed(text, "results-imagenet.csv", form="timm-results")
    assert "top5_error" in caught.value.hint


def test_names_that_databases_cannot_hold_are_refused() -> None:
    lines = [json.dumps({"model": name, "benchmark": "s/t", "value": 1}) for name in ("a\0b", "\ud800", "ok")]
    found = parsed("\n".join(lines), "x.jsonl")
    assert [claim.name for claim in found.claims] == ["ok"]
    assert all("\0" not in row.content for row in found.refused)
    for row in found.refused:
        row.content.encode()


def test_file_problems_are_errors_of_the_house() -> None:
    for text in (b"\xff\xfe", b"{", b",,,", b'"'):
        for name in ("x.csv", "x.tsv", "x.json", "x.jsonl", "x.parquet"):
            with pytest.raises(RegistryError):
                parsed(text, name)
    assert OutsideFile("a/results-x.csv", b"").stem == "results-x"
