from __future__ import annotations

import json
from pathlib import Path

import pytest

from compute.targets import NullRule
from registry.handle import Registry
from tests.cavewall.conftest import Call


def test_add_registers_and_the_same_again_changes_nothing(call: Call, small_zoo: Registry) -> None:
    result = call("target", "add", "--k", "5", "--pairs", "across")
    assert result.exit_code == 0
    assert result.stdout == "added  tiny/mutual-knn-k5-across   2 pairs missing\n"
    assert call("target", "add", "--k", "5", "--pairs", "across").stdout.startswith("unchanged")


def test_dry_run_counts_the_pairs_and_writes_nothing(call: Call, small_zoo: Registry) -> None:
    result = call("target", "add", "--k", "5", "--dry-run")
    assert result.stdout == "would be added  tiny/mutual-knn-k5   3 pairs missing\n"
    assert len(json.loads(call("target", "list", "--format", "json").stdout)["data"]) == 1


def test_unknown_metric_suggests_the_nearest(call: Call, small_zoo: Registry) -> None:
    result = call("target", "add", "--metric", "mutual_nn")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no metric 'mutual_nn'" in result.stderr
    assert "mutual_knn" in result.stderr


def test_k_that_the_data_set_cannot_have_is_refused(call: Call, small_zoo: Registry) -> None:
    result = call("target", "add", "--k", "24")
    assert result.exit_code == 2
    assert "k is 24, expected 1 to 23" in result.stderr


def test_another_metric_takes_its_own_parameters(call: Call, small_zoo: Registry) -> None:
    result = call("target", "add", "--metric", "cka_rbf", "--set", "sigma=2", "--recipe", "centre,euclidean")
    assert (result.exit_code, result.stdout) == (
        0,
        "added  tiny/cka-rbf-sigma-2-centre-euclidean   3 pairs missing\n",
    )
    row = json.loads(call("target", "list", "--format", "json").stdout)["data"][-1]
    assert (row["metric"], row["parameters"]) == ("cka_rbf", {"sigma": 2.0, "unit": "median"})
    assert "cka_rbf sigma=2 unit=median" in call("target", "list").stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--metric", "cka", "--k", "5"), "metric cka looks at no neighbours, so it takes no k"),
        (("--set", "sigma=2"), "metric mutual_knn has no parameter 'sigma'"),
        (("--metric", "cka_rbf", "--set", "sigma"), "'sigma' sets no parameter"),
        (("--metric", "cka_rbf", "--set", "sigma=1", "--set", "sigma=2"), "sigma is set twice"),
        (("--metric", "svcca", "--set", "dimensions=12"), "2 x 12 dimensions of svcca"),
    ],
)
def test_parameters_that_a_metric_does_not_have_are_refused(
    call: Call, small_zoo: Registry, options: tuple[str, ...], sentence: str
) -> None:
    result = call("target", "add", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


def test_list_says_how_much_is_there(call: Call, small_zoo: Registry) -> None:
    (row,) = json.loads(call("target", "list", "--format", "json").stdout)["data"]
    assert (row["name"], row["parameters"], row["fresh"], row["wanted"]) == (
        "tiny/mutual-knn-k3",
        {"k": 3},
        0,
        3,
    )
    assert sorted(row["extractions"]) == ["language", "vision"]
    assert "k=3" in call("target", "list").stdout


def test_more_draws_are_drawn_again_and_fewer_are_not(call: Call, small_zoo: Registry) -> None:
    assert call("target", "add", "--k", "5", "--draws", "50").stdout.startswith("added  tiny/mutual-knn-k5 ")
    assert call("target", "add", "--k", "5", "--draws", "40").stdout.startswith("unchanged")
    rehearsed = call("target", "add", "--k", "5", "--draws", "60", "--dry-run")
    assert rehearsed.stdout.startswith("draws would be raised  tiny/mutual-knn-k5 ")
    result = call("target", "add", "--k", "5", "--draws", "60")
    expected = "draws raised  tiny/mutual-knn-k5   3 pairs missing, 60 draws: 3 nulls to draw again\n"
    assert (result.exit_code, result.stdout) == (0, expected)
    rows = json.loads(call("target", "list", "--format", "json").stdout)["data"]
    assert [(row["draws"], row["chance"]) for row in rows] == [(500, 3 / 23), (60, 5 / 23)]


def test_the_defaults_of_the_null_are_those_of_the_layer(call: Call, small_zoo: Registry) -> None:
    call("target", "add", "--k", "5")
    row = json.loads(call("target", "list", "--format", "json").stdout)["data"][-1]
    usual = NullRule()
    found = (row["draws"], row["alpha"], row["seed"], row["null_scheme"])
    assert found == (usual.draws, usual.alpha, usual.seed, usual.scheme)


def test_another_null_is_another_target(call: Call, small_zoo: Registry) -> None:
    for options in (("--alpha", "0.01"), ("--seed", "7")):
        assert call("target", "add", "--k", "3", *options).stdout.startswith("added")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--draws", "0"), "0 draws, expected at least 19"),
        (("--alpha", "1.5"), "alpha is 1.5, expected a share between 0 and 1"),
        (("--groups", "--within", "kind"), "--groups and --within are two schemes"),
        (("--recipe", "center,cosine"), "no recipe step 'center'"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    call: Call, small_zoo: Registry, options: tuple[str, ...], sentence: str
) -> None:
    result = call("target", "add", "--k", "5", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


def test_a_recipe_takes_an_exclusion_on_a_dry_run_too(
    call: Call, small_zoo: Registry, tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("left,right\nitem00,item01\nitem00,item02\n")
    recipe = ("--k", "5", "--recipe", "exclude:near,cosine")
    refused = call("target", "add", *recipe)
    assert refused.exit_code == 1
    assert "data set tiny has no exclusion 'near'" in refused.stderr
    call("dataset", "exclude", "tiny", "near", "--pairs", pairs)
    assert call("target", "add", *recipe, "--dry-run").stdout.startswith("would be added")
    assert call("target", "add", *recipe).stdout == (
        "added  tiny/mutual-knn-k5-exclude-near   3 pairs missing\n"
    )
    row = json.loads(call("target", "list", "--format", "json").stdout)["data"][-1]
    chance = (21 * 5 / 23 + 5 / 21 + 2 * 5 / 22) / 24
    assert (row["recipe"], row["chance"]) == ("exclude:near,cosine", pytest.approx(chance))


def test_schemes_come_from_what_the_items_have(call: Call, zoo: Registry, tmp_path: Path) -> None:
    table = tmp_path / "words.csv"
    lines = [f"i{n},thing{n},g{n // 2},{'pq'[n % 2]}" for n in range(24)]
    table.write_text("\n".join(["id,text,group_id,kind", *lines]) + "\n")
    assert call("dataset", "add", "words", "--texts", table).exit_code == 0
    for options, name in ((("--groups",), "groups"), (("--within", "kind"), "within-kind")):
        result = call("target", "add", "--k", "3", *options)
        assert result.stdout == f"added  words/mutual-knn-k3-scheme-{name}   0 pairs missing\n"
    rows = json.loads(call("target", "list", "--format", "json").stdout)["data"]
    assert [row["null_scheme"] for row in rows] == ["groups", "within:kind"]
