"""Every format gives the claims that stand in the file, each with how it was measured."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.score_files.claims import FoundClaim, ParsedFile
from ingest.score_files.vtab import TASKS
from registry.errors import InputError, UsageError
from tests.ingest.score_files.writers import lm_eval, parsed, timm_line, timm_table


def the(found: ParsedFile, **facts: object) -> FoundClaim:
    (claim,) = [
        claim
        for claim in found.claims
        if all(
            getattr(claim.benchmark, name, getattr(claim.claim, name, None)) == fact
            for name, fact in facts.items()
        )
    ]
    return claim


def test_timm_results_give_two_accuracies_in_percent_and_their_protocol() -> None:
    found = parsed(timm_table(timm_line("one.a", 80.5, 95.25, 384, "1,014.45")), "results-imagenet-real.csv")
    assert (found.format, found.row_count, found.refused) == ("timm-results", 1, ())
    top1 = the(found, metric="top1")
    assert (top1.name, top1.claim.value, top1.benchmark.task) == ("one.a", 80.5, "imagenet-real")
    assert (top1.benchmark.low, top1.benchmark.high) == (0, 100)
    assert top1.claim.protocol == "imagenet-real, 384 px, crop 0.900, bicubic"
    assert top1.claim.details == {"parameter_count": 1_014_450_000}
    assert the(found, metric="top5").claim.value == 95.25


def test_the_test_set_of_timm_results_is_given_where_the_name_of_the_file_says_nothing() -> None:
    table = timm_table(timm_line("one.a"))
    assert parsed(table, protocol="in1k-val").claims[0].benchmark.task == "in1k-val"
    with pytest.raises(UsageError, match="nothing says on which test set"):
        parsed(table)


def test_one_model_at_two_sizes_is_two_claims() -> None:
    table = timm_table(timm_line("one.a", 80, size=224), timm_line("one.a", 81, size=384))
    assert len(parsed(table, "results-imagenet.csv").claims) == 4


def test_lm_eval_keeps_filter_shots_version_error_and_date() -> None:
    found = parsed(json.dumps(lm_eval()), "results_2026-02-01.json")
    assert (found.format, len(found.claims), found.refused) == ("lm-eval", 6, ())
    norm = the(found, task="hellaswag", metric="acc_norm")
    assert (norm.claim.value, norm.claim.stderr, norm.claim.shots, norm.claim.protocol) == (
        0.5,
        0.006,
        10,
        None,
    )
    assert (norm.name, norm.benchmark.version, norm.benchmark.high) == ("org/one-1b", "1.0", 1)
    strict = the(found, protocol="filter strict-match")
    assert (strict.claim.value, strict.claim.stderr, strict.claim.item_count) == (0.10, None, 1319)
    assert the(found, protocol="filter flexible-extract").claim.stderr == 0.01
    bits = the(found, metric="bits_per_byte")
    assert (bits.benchmark.higher_is_better, bits.benchmark.low, bits.benchmark.high) == (False, 0, None)
    assert bits.measured_at is not None
    assert bits.measured_at.isoformat() == "2026-02-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"model_args": "pretrained=org/one,revision=step1000,dtype=auto"}, "org/one@step1000"),
        ({"model_args": {"pretrained": "org/one", "revision": "main"}}, "org/one@main"),
        ({"model_args": "dtype=auto,pretrained=org/one"}, "org/one"),
    ],
)
def test_lm_eval_says_which_model_at_which_revision(config: dict[str, object], name: str) -> None:
    assert {claim.name for claim in parsed(json.dumps(lm_eval(config=config)), "r.json").claims} == {name}


def test_lm_eval_without_a_model_is_refused() -> None:
    with pytest.raises(InputError, match="does not say which model"):
        parsed(json.dumps(lm_eval(config={})), "r.json")


CLIP = "acc1,acc5,dataset,model,pretrained,task,mean_average_precision"


def test_clip_benchmark_tells_zero_shot_from_retrieval_and_leaves_empty_metrics_out() -> None:
    found = parsed(
        f"{CLIP}\n0.5,0.9,vtab/dtd,ViT-B-32,openai,zeroshot_classification,\n"
        ",,voc,ViT-B-32,openai,zeroshot_classification,0.75\n"
        ",,sun,ViT-B-32,openai,zeroshot_classification,\n"
    )
    assert (found.format, len(found.claims)) == ("clip-benchmark", 3)
    one = the(found, metric="acc1")
    assert (one.name, one.benchmark.task, one.claim.protocol) == ("ViT-B-32 openai", "vtab/dtd", "zero-shot")
    assert [(row.line, row.reason) for row in found.refused] == [(4, "empty")]


def test_clip_benchmark_json_holds_probes_or_the_metrics_of_a_run() -> None:
    probes = [
        {"dataset": "vtab", "lp_acc1": 0.7, "fewshot_k": shots, "model": "ViT-B-16", "pretrained": "openai"}
        for shots in (-1, 10)
    ]
    found = parsed(json.dumps(probes), "probe.json")
    assert [(c.benchmark.metric, c.claim.protocol, c.claim.shots) for c in found.claims] == [
        ("acc1", "linear probe", None),
        ("acc1", "linear probe", 10),
    ]
    run = {"dataset": "vtab/dtd", "model": "m", "pretrained": "p", "task": "zeroshot_classification",
           "language": "it", "metrics": {"acc1": 0.25, "acc5": None}}  # fmt: skip
    (claim,) = parsed(json.dumps(run), "run.json").claims
    assert (claim.claim.value, claim.claim.protocol) == (0.25, "zero-shot, it")


VTAB = (
    "train_examples_if_subset,1000,1000,full,full,metadata\ndataset,DTD,Pets,DTD,Pets,architecture\n"
    "method,,,,,\nOne,50,60,70,80,ResNet50\nTwo,51,61,71,0.81,ResNet50\nThree,52,62,72,82,\n"
)


def test_vtab_keeps_how_many_examples_and_refuses_a_fraction_among_percentages() -> None:
    found = parsed(VTAB)
    assert (found.format, found.row_count, len(found.claims)) == ("vtab", 3, 11)
    few = the(found, task="Pets", value=61.0)
    assert (few.name, few.claim.protocol, few.benchmark.suite) == ("Two", "1000 training examples", "vtab")
    assert few.claim.details == {"architecture": "ResNet50"}
    assert the(found, task="DTD", value=72.0).claim.protocol == "full training set"
    (row,) = found.refused
    assert (row.line, row.content) == (5, "Two: full Pets=0.81")
    assert row.reason == "full Pets: 0.81 is in another unit than the rest of its column (80 to 82)"


def test_vtab_as_one_row_of_names_knows_its_tasks_and_says_which_is_near() -> None:
    assert len(TASKS) == len(set(TASKS)) == 19
    found = parsed("model,DTD,Pets\none,50,60\n")
    assert (found.format, len(found.claims)) == ("vtab", 2)
    with pytest.raises(InputError, match="'dSpr-Lok' is not a known task") as caught:
        parsed("model,DTD,dSpr-Lok\none,50,60\n", form="vtab")
    assert "dSpr-Loc" in caught.value.hint
    mapped = parsed("model,DTD,dSpr-Lok\none,50,60\n", form="vtab", columns={"dSpr-Lok": "dSpr-Loc"})
    assert {claim.benchmark.task for claim in mapped.claims} == {"DTD", "dSpr-Loc"}


WIDE = "Model,Kind,Model Size (B),MMLU,HellaSwag\norg/a,old,7,0.5,0.75\norg/b,new,13,0.25,\n"


def test_a_wide_table_tells_tasks_from_facts_and_says_so() -> None:
    found = parsed(WIDE, suite="open")
    assert (found.format, len(found.claims)) == ("wide", 3)
    assert found.notes == ("tasks: MMLU, HellaSwag", "not tasks: Model Size (B), Kind")
    assert [(row.line, row.content, row.reason) for row in found.refused] == [
        (3, "org/b: HellaSwag=", "HellaSwag: empty")
    ]
    assert {claim.benchmark.suite for claim in found.claims} == {"open"}


def test_columns_are_renamed_to_a_suite_a_task_and_a_metric_or_left_out() -> None:
    found = parsed(WIDE, columns={"MMLU": "mmlu/all:acc"}, ignored=frozenset({"HellaSwag"}), unit="fraction")
    assert len(found.claims) == 2
    benchmark = found.claims[0].benchmark
    assert (benchmark.suite, benchmark.task, benchmark.metric, benchmark.high) == ("mmlu", "all", "acc", 1)


LONG = (
    "model,benchmark,value,metric,stderr,shots,split\n"
    "a,open/mmlu,0.5,acc,0.01,5,test\nb,open/mmlu,0.25,acc,,,\n"
)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_a_long_table_reads_alike_in_every_file_form(suffix: str) -> None:
    rows = [line.split(",") for line in LONG.splitlines()]
    records = [dict(zip(rows[0], cells, strict=True)) for cells in rows[1:]]
    buffer = io.BytesIO()
    if suffix == "csv":
        buffer.write(LONG.encode())
    elif suffix == "tsv":
        buffer.write(LONG.replace(",", "\t").encode())
    elif suffix == "jsonl":
        typed = [{**record, "value": float(record["value"])} for record in records]
        buffer.write("\n".join(json.dumps(record) for record in typed).encode())
    else:
        pq.write_table(
            pa.Table.from_pylist([{**one, "value": float(one["value"])} for one in records]), buffer
        )
    found = parsed(buffer.getvalue(), f"table.{suffix}")
    assert (found.format, found.refused) == ("long", ())
    first, second = found.claims
    assert (first.name, first.benchmark.suite, first.benchmark.task) == ("a", "open", "mmlu")
    assert (first.claim.value, first.claim.stderr, first.claim.shots) == (0.5, 0.01, 5)
    assert first.claim.split == "test"
    assert (second.claim.value, second.claim.stderr, second.claim.shots, second.claim.split) == (
        0.25,
        None,
        None,
        None,
    )


def test_what_stands_twice_alike_is_one_claim_and_with_two_values_none() -> None:
    text = "model,benchmark,value\na,s/t,0.5\na,s/t,0.5\nb,s/t,0.5\nb,s/t,0.6\n"
    found = parsed(text)
    assert [(claim.name, claim.claim.value) for claim in found.claims] == [("a", 0.5)]
    assert [row.line for row in found.refused] == [4, 5]
    assert "different values (line 4: 0.5, line 5: 0.6)" in found.refused[0].reason
