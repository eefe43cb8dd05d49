"""Published tables of scores come in, and the rows that are known to be wrong are flagged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.score_files.claims import ParsedFile, Reading
from ingest.score_files.formats import read_scores
from ingest.score_files.tables import read_outside

ROOT = Path(os.environ.get("CAVEWALL_TEST_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
BENCH = ROOT / "bench"
pytestmark = pytest.mark.skipif(not BENCH.is_dir(), reason="skipped: no data")


def read(name: str) -> ParsedFile:
    return read_scores(read_outside(BENCH / name), None, Reading(suite="s"))


@pytest.mark.parametrize(
    "name",
    ["imagenet", "imagenet-real", "imagenet-a", "imagenet-r", "sketch", "imagenetv2-matched-frequency"],
)
def test_timm_results_are_read_whole(name: str) -> None:
    found = read(f"timm/results-{name}.csv")
    assert (found.format, found.row_count, len(found.claims), found.refused) == (
        "timm-results",
        1_556,
        3_112,
        (),
    )


def test_the_vtab_table_has_16_methods_on_19_tasks_twice_and_one_fraction_among_percentages() -> None:
    found = read("vtab/task_adaptation_results.csv")
    assert (found.format, found.row_count, len({claim.name for claim in found.claims})) == ("vtab", 16, 16)
    assert len({claim.benchmark.task for claim in found.claims}) == 19
    assert {claim.claim.protocol for claim in found.claims} == {"1000 training examples", "full training set"}
    (row,) = found.refused
    assert len(found.claims) + 1 == 16 * 19 * 2
    assert "in another unit than the rest of its column" in row.reason


def test_the_clip_benchmark_has_507_rows_of_13_models_and_no_null_becomes_a_zero() -> None:
    found = read("clip_benchmark/benchmark__benchmark.csv")
    assert (found.format, found.row_count, found.refused) == ("clip-benchmark", 507, ())
    assert len({claim.name for claim in found.claims}) == 13
    probes = read("clip_benchmark/probe_benchmark__scaling_experiment_data_vtab.json")
    assert {claim.claim.protocol for claim in probes.claims} == {"linear probe"}


def test_148_language_models_of_which_two_contradict_themselves_and_some_cells_are_empty() -> None:
    found = read("obs_scaling/base_llm_benchmark_eval.csv")
    assert (found.format, found.row_count, len({claim.name for claim in found.claims})) == ("wide", 148, 146)
    reasons = [row.reason for row in found.refused if "empty" not in row.reason]
    assert reasons == [
        "listed with 13 B parameters, its name says 7 B",
        "listed with 627 T training tokens, at most 100 T are plausible",
    ]
    assert sum(row.reason == "ARC-C: empty" for row in found.refused) == 3
    assert len(found.claims) + len(found.refused) - 2 == 146 * 8


@pytest.mark.parametrize("name", ["sub_10b", "instruct", "emergent", "leaderboard"])
def test_no_other_row_of_these_tables_is_flagged_but_for_what_is_empty(name: str) -> None:
    (path,) = [path for path in sorted((BENCH / "obs_scaling").glob("*.csv")) if name in path.name]
    reasons = [row.reason for row in read(f"obs_scaling/{path.name}").refused if "empty" not in row.reason]
    assert len(reasons) <= 1
