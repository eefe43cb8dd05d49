"""Files of scores become rows once, keep what they refused, and can be retired and restored."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from ingest.benchmarks import BenchmarkDescription
from ingest.score_files.batches import restore_import, retire_import
from ingest.score_files.claims import Reading
from ingest.score_files.importing import Imported, Request, import_scores, source_of
from ingest.score_sources import SourceDescription
from ingest.scores import Claim, record_score
from registry.errors import ConflictError, NotFoundError, UsageError
from registry.handle import Registry
from registry.import_listings import list_imports, list_rejects
from registry.keys import sha256_of_bytes
from registry.score_listings import list_scores
from registry.tables import Benchmark, ImportBatch, ImportedScore, ImportReject, Score
from tests.ingest.score_files.writers import add_named, lm_eval, parsed, timm_line, timm_table

LONG = "model,benchmark,value\na,s/t,0.5\nb,s/t,0.25\nz,s/t,0.75\na,s/u,\n"
BOARD = SourceDescription("board", "leaderboard")


def bring(
    registry: Registry,
    text: str,
    name: str = "table.csv",
    *,
    source: SourceDescription | None = BOARD,
    mapping: Mapping[str, str] | None = None,
    on_conflict: Any = "keep",
    **how: Any,
) -> Imported:
    found = parsed(text, name, **how)
    return import_scores(
        registry,
        Request(
            name,
            sha256_of_bytes(text.encode()),
            found,
            Reading(**how),
            source_of(found, source),
            mapping or {},
            on_conflict,
        ),
    )


def counts(registry: Registry) -> dict[str, int]:
    with registry.read() as session:
        tables = (Score, ImportBatch, ImportedScore, ImportReject, Benchmark)
        return {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in tables
        }


def statuses(registry: Registry) -> dict[tuple[str, float], str]:
    with registry.read() as session:
        return {(line.checkpoint, line.value): line.status for line in list_scores(session)}


def test_matched_claims_are_added_once_and_refused_rows_kept(registry: Registry) -> None:
    add_named(registry, {"a": "timm:a.x", "b": "timm:b.x"})
    first = bring(registry, LONG)
    assert (first.added, first.unchanged, first.rejected, first.matched_count) == (2, 0, 1, 2)
    assert first.missing == ("z",)
    before = counts(registry)
    again = bring(registry, LONG)
    assert (again.added, again.unchanged, again.rejected, again.import_id) == (0, 2, 1, first.import_id)
    assert counts(registry) == before
    assert before == {"score": 2, "import_batch": 1, "imported_score": 2, "import_reject": 1, "benchmark": 1}
    with registry.read() as session:
        (line,) = list_imports(session, "scores")
        (reject,) = list_rejects(session, "scores", first.import_id)
    assert (line.rows, line.scores, line.rejected, line.source, line.status) == (4, 2, 1, "board", "live")
    assert (reject.line, reject.content, reject.reason) == (5, "a,s/u,", "empty")


def test_a_checkpoint_that_is_registered_later_gets_its_scores_by_the_same_command(
    sqlite_registry: Registry,
) -> None:
    first = bring(sqlite_registry, LONG)
    assert (first.added, len(first.missing)) == (0, 3)
    add_named(sqlite_registry, {"z": "timm:z.x"})
    again = bring(sqlite_registry, LONG)
    assert (again.added, again.import_id) == (1, first.import_id)


@pytest.mark.parametrize("theirs", ["mine", "timm:one.a", "one.a", "org/one.a@abc", "hf:org/one.a@abc"])
def test_a_name_is_a_name_or_a_reference_with_or_without_its_source(
    sqlite_registry: Registry, theirs: str
) -> None:
    add_named(
        sqlite_registry, {"mine": "timm:one.a"}, resolved="org/one.a@abc" if "hf:" not in theirs else theirs
    )
    assert bring(sqlite_registry, f"model,benchmark,value\n{theirs},s/t,1\n").added == 1


@pytest.mark.parametrize("theirs", ["Mine", "one", "one.A", "one.b", "mine ner"])
def test_a_name_that_is_only_similar_is_none(sqlite_registry: Registry, theirs: str) -> None:
    add_named(sqlite_registry, {"mine": "timm:one.a"})
    done = bring(sqlite_registry, f"model,benchmark,value\n{theirs},s/t,1\n")
    assert (done.added, done.missing) == (0, (theirs,))


def test_a_name_of_two_checkpoints_is_refused_and_names_both(sqlite_registry: Registry) -> None:
    add_named(sqlite_registry, {"one.a": "hf:org/other", "second": "timm:one.a"})
    done = bring(sqlite_registry, "model,benchmark,value\none.a,s/t,1\nsecond,s/t,1\n")
    assert (done.added, done.rejected, done.ambiguous) == (1, 1, ("one.a",))
    with sqlite_registry.read() as session:
        (reject,) = list_rejects(session, "scores", done.import_id)
    assert reject.reason == "'one.a' is the name of several checkpoints: one.a, second"


def test_a_mapping_says_which_checkpoint_a_name_is(sqlite_registry: Registry) -> None:
    add_named(sqlite_registry, {"mine": "timm:one.a"})
    table = "model,benchmark,value\nOne (large),s/t,1\n"
    assert bring(sqlite_registry, table, mapping={"One (large)": "mine"}).added == 1
    assert bring(sqlite_registry, table, mapping={"One (large)": "timm:one.a"}).unchanged == 1
    with pytest.raises(NotFoundError, match="no checkpoint 'mime'") as caught:
        bring(sqlite_registry, table, mapping={"One (large)": "mime"})
    assert "did you mean mine" in caught.value.hint


def test_conflicting_claims_are_all_kept_or_stop_the_import(registry: Registry) -> None:
    add_named(registry, {"org/one-1b": "hf:org/one-1b"})
    text = json.dumps(lm_eval())
    bring(registry, text, "a.json", source=None)
    other = text.replace('"acc,none": 0.4', '"acc,none": 0.41')
    before = counts(registry)
    with pytest.raises(ConflictError, match=r"one-1b lm-eval/hellaswag acc: 0\.41 here, 0\.4 before"):
        bring(registry, other, "b.json", source=None, on_conflict="error")
    assert counts(registry) == before
    done = bring(registry, other, "b.json", source=None)
    assert (done.added, done.unchanged, len(done.conflicts)) == (1, 5, 1)


def test_retiring_takes_out_only_what_no_other_import_and_no_own_claim_says(registry: Registry) -> None:
    ids = add_named(registry, {"a": "timm:a.x", "b": "timm:b.x"})
    first = bring(registry, LONG)
    bring(registry, "model,benchmark,value\nb,s/t,0.25\n", "second.csv")
    record_score(
        registry, ids["b"], BenchmarkDescription("s", "t", "score"), replace(BOARD, kind=None), Claim(0.25)
    )
    assert retire_import(registry, first.import_id, "wrong split") is True
    assert retire_import(registry, first.import_id, "again") is False
    assert statuses(registry) == {("a", 0.5): "retired: wrong split", ("b", 0.25): "valid"}
    assert counts(registry)["score"] == 3
    with pytest.raises(ConflictError, match="that import is retired: wrong split") as caught:
        bring(registry, LONG)
    assert f"cavewall score restore --import {first.import_id}" in caught.value.hint
    assert restore_import(registry, first.import_id) is True
    assert restore_import(registry, first.import_id) is False
    assert set(statuses(registry).values()) == {"valid"}


def test_retiring_needs_a_reason_and_an_import(sqlite_registry: Registry) -> None:
    with pytest.raises(UsageError, match="needs a reason"):
        retire_import(sqlite_registry, 1, " ")
    with pytest.raises(NotFoundError, match="no import of scores has the id 7"):
        retire_import(sqlite_registry, 7, "why")


def test_a_value_out_of_the_range_of_its_benchmark_is_refused(sqlite_registry: Registry) -> None:
    add_named(sqlite_registry, {"one.a": "timm:one.a"})
    done = bring(sqlite_registry, timm_table(timm_line("one.a", 101.0)), "results-x.csv", source=None)
    assert (done.added, done.rejected) == (1, 1)
    with sqlite_registry.read() as session:
        (reject,) = list_rejects(session, "scores", done.import_id)
    assert reject.reason == "101.0: it is outside the benchmark's range (0..100)"


def test_a_source_is_needed_known_or_described(sqlite_registry: Registry) -> None:
    add_named(sqlite_registry, {"a": "timm:a.x"})
    with pytest.raises(UsageError, match="nothing says where the scores in a long table come from"):
        bring(sqlite_registry, LONG, source=None)
    with pytest.raises(UsageError, match="source lab is new"):
        bring(sqlite_registry, LONG, source=SourceDescription("lab"))
    with pytest.raises(UsageError, match="what this program measures itself"):
        bring(sqlite_registry, LONG, source=SourceDescription("own evaluation"))
    assert counts(sqlite_registry)["import_batch"] == 0
    assert bring(sqlite_registry, LONG, source=SourceDescription("doi:10.1/x")).added == 1


def test_the_same_bytes_under_another_name_are_said_to_be_so(sqlite_registry: Registry) -> None:
    bring(sqlite_registry, LONG)
    assert bring(sqlite_registry, LONG, "./table.csv").twin is None
    assert bring(sqlite_registry, LONG, "copy.csv").twin == "table.csv"
    assert bring(sqlite_registry, LONG, "copy.csv", protocol="other").twin == "table.csv"


def test_a_benchmark_that_is_registered_otherwise_stops_the_import(sqlite_registry: Registry) -> None:
    add_named(sqlite_registry, {"a": "timm:a.x"})
    bring(sqlite_registry, LONG, unit="fraction")
    before = counts(sqlite_registry)
    with pytest.raises(ConflictError, match="is registered with"):
        bring(sqlite_registry, LONG, unit="percent")
    assert counts(sqlite_registry) == before


@pytest.mark.slow
def test_1556_rows_of_timm_come_in_under_five_seconds(registry: Registry) -> None:
    names = {f"model_{number}.tag": f"timm:model_{number}.tag" for number in range(1_266)}
    add_named(registry, names)
    sizes = [(name, 224) for name in names] + [(name, 384) for name in list(names)[:290]]
    text = timm_table(*(timm_line(name, size=size) for name, size in sizes))
    start = time.monotonic()
    done = bring(registry, text, "results-imagenet.csv", source=None)
    assert time.monotonic() - start < 5
    assert (done.row_count, done.added) == (1_556, 3_112)
