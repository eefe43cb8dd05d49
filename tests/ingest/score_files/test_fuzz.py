"""Whatever the bytes are: rows or one error of the house, and never anything else."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.score_files.claims import LARGEST_VALUE, ParsedFile, Reading
from ingest.score_files.formats import FORMATS, read_scores
from ingest.score_files.tables import OutsideFile
from registry.errors import RegistryError
from tests.ingest.score_files.test_readers import CLIP, LONG, VTAB, WIDE
from tests.ingest.score_files.writers import lm_eval, timm_line, timm_table

PER_READER = 2_000
CLIP_TABLE = f"{CLIP}\n0.5,0.9,vtab/dtd,ViT-B-32,openai,zeroshot_classification,\n,,voc,V,o,x,0.75\n"
SOUND: dict[str, tuple[str, str]] = {
    "timm-results": ("results-imagenet.csv", timm_table(timm_line("one.a"), timm_line("two.b"))),
    "lm-eval": ("results_1.json", json.dumps(lm_eval())),
    "clip-benchmark": ("benchmark.csv", CLIP_TABLE),
    "vtab": ("vtab.csv", VTAB),
    "wide": ("wide.csv", WIDE),
    "long": ("long.csv", LONG),
}
PIECES = (
    b",", b'"', b"\n", b"\r", b"\x00", b"\xff", b"nan", b"1e999", b"-0", b"%", b"=", b"{", b"}", b"[", b"]",
    b":", b"null", b"\xef\xbb\xbf", b"\xe2\x80\x8b", b"9" * 40, b"0.5", b"100", b"model", b"acc1",
    b"\\ud800", b"",
)  # fmt: skip


def outcome(name: str, data: bytes, form: str | None) -> ParsedFile | None:
    """Read bytes; return what came, or None for an error that is one sentence."""
    try:
        found = read_scores(OutsideFile(name, data), form, Reading(suite="s"))
    except RegistryError as error:
        assert error.message
        assert (error.message + error.hint).isprintable()
        assert error.hint
        assert len(error.message) < 1_000
        return None
    for claim in found.claims:
        assert abs(claim.claim.value) < LARGEST_VALUE
        assert claim.name.isprintable()
        claim.name.encode()
    assert all(note.isprintable() for note in found.notes)
    for row in found.refused:
        assert row.reason
        assert row.line >= 0
        assert row.reason.isprintable()
        assert "\0" not in row.content
        (row.content + row.reason).encode()
    return found


def broken(data: bytes, draw: random.Random) -> bytes:
    """Return bytes with a few cuts, repeats and foreign pieces."""
    for _ in range(draw.randint(1, 4)):
        start = draw.randrange(len(data) + 1)
        stop = min(len(data), start + draw.choice((0, 1, 3, 20)))
        piece = draw.choice((*PIECES, data[start:stop] * 2, draw.randbytes(3)))
        data = data[:start] + piece + data[stop:]
    return data[: draw.randrange(len(data) + 1)] if draw.random() < 0.1 else data


@pytest.mark.parametrize("form", list(FORMATS))
def test_files_with_damage_are_rows_or_one_sentence(form: str) -> None:
    name, text = SOUND[form]
    draw = random.Random(form)
    came = [
        outcome(name, broken(text.encode(), draw), form if turn % 2 else None) for turn in range(PER_READER)
    ]
    read = sum(found is not None for found in came)
    assert 0 < read < PER_READER


@pytest.mark.parametrize("form", list(FORMATS))
def test_random_bytes_are_rows_or_one_sentence(form: str) -> None:
    draw = random.Random(f"bytes {form}")
    suffixes = (".json", ".csv", ".tsv", ".jsonl", ".parquet")
    for turn in range(PER_READER):
        outcome(f"results-x{suffixes[turn % 5]}", draw.randbytes(draw.randrange(200)), form)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["acc,none", "acc_stderr,none", "em", "alias", "t", "metrics"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
KEYS = ("results", "config", "model_name", "versions", "n-shot", "n-samples", "higher_is_better", "date")
RUN = ("dataset", "model", "pretrained", "task", "acc1", "lp_acc1", "fewshot_k", "metrics", "language")


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5))
def test_any_document_of_the_harness_is_rows_or_one_sentence(document: dict[str, Any]) -> None:
    for form in ("lm-eval", None):
        outcome("r.json", json.dumps({"model_name": "m", **document}).encode(), form)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(RUN), JSON, max_size=6), max_size=3))
def test_any_runs_of_the_clip_benchmark_are_rows_or_one_sentence(runs: list[dict[str, Any]]) -> None:
    outcome("r.json", json.dumps([{"dataset": "d", "model": "m", **run} for run in runs]).encode(), None)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["model", "benchmark", "value", "shots", "a", "top1", "DTD", "params (B)"]),
        max_size=5,
    ),
    st.lists(st.lists(st.text(max_size=6) | st.floats().map(str), max_size=5), max_size=4),
)
def test_any_table_is_rows_or_one_sentence(header: list[str], rows: list[list[str]]) -> None:
    text = "\n".join("\t".join(cells) for cells in [header, *rows])
    for form in (None, "wide", "long", "vtab"):
        outcome("x.tsv", text.encode("utf-8", "replace"), form)
