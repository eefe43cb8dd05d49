from __future__ import annotations

import subprocess
import sys

import pytest

from compute.catalogue import METRICS, form_key, highest_score, metric_info, parameters_of
from compute.metrics.engines import _WHERE
from registry.errors import UsageError

every_metric = pytest.mark.parametrize("name", METRICS)


def key(name: str, **given: object) -> str:
    return form_key(name, parameters_of(name, given))


def test_every_metric_of_the_catalogue_has_its_code() -> None:
    assert set(METRICS) == set(_WHERE)
    assert len(METRICS) == 19


@every_metric
def test_a_metric_says_everything_about_itself(name: str) -> None:
    info = metric_info(name)
    texts = (info.summary, info.formula, info.chance, info.chance_note, info.cost, info.cost_note)
    assert all((*texts, info.invariant, info.source, info.similarities))
    assert info.is_prh == name.endswith("_prh")
    assert (info.form is None) == (info.needs == "neighbours")
    assert info.has_crossfit == (name == "mutual_knn")
    assert info.has_interval == (info.needs == "neighbours")
    assert max(len(info.chance), len(info.cost)) <= 16  # a cell of `metric list`


@every_metric
def test_defaults_are_values_that_a_metric_may_have(name: str) -> None:
    info = metric_info(name)
    usual = parameters_of(name, {})
    assert usual == {parameter.name: parameter.default for parameter in info.parameters}
    assert parameters_of(name, {part: str(value) for part, value in usual.items()}) == usual


def test_a_number_keeps_its_kind() -> None:
    assert repr(parameters_of("mutual_knn", {"k": "10"})) == "{'k': 10}"
    assert repr(parameters_of("cka_rbf", {"sigma": 2})) == "{'sigma': 2.0, 'unit': 'median'}"


@pytest.mark.parametrize(
    ("name", "given", "sentence", "hint"),
    [
        ("mutual_nn", {}, "no metric 'mutual_nn'", "did you mean mutual_knn"),
        ("qwertz", {}, "no metric 'qwertz'", "cavewall metric list"),
        ("cka", {"k": 10}, "metric cka has no parameter 'k'", "it takes none"),
        ("cka_rbf", {"sgima": 1}, "metric cka_rbf has no parameter 'sgima'", "did you mean sigma"),
        ("mutual_knn", {"k": 0}, "k of metric mutual_knn is '0', expected a whole number from 1", "10"),
        ("mutual_knn", {"k": 2.5}, "k of metric mutual_knn is '2.5', expected a whole number", "10"),
        ("mutual_knn", {"k": "ten"}, "k of metric mutual_knn is 'ten', expected a whole number", "10"),
        ("cka_rbf", {"sigma": "nan"}, "sigma of metric cka_rbf is 'nan', expected a number", "1.0"),
        ("cka_rbf", {"sigma": "inf"}, "sigma of metric cka_rbf is 'inf', expected a number", "1.0"),
        (
            "cka_rbf",
            {"unit": "mean"},
            "unit of metric cka_rbf is 'mean', expected median or absolute",
            "medi",
        ),
        ("rsa", {"rdm": 3}, "rdm of metric rsa is '3', expected correlation or euclidean", "correlation"),
    ],
)
def test_what_a_metric_cannot_be_is_refused(
    name: str, given: dict[str, object], sentence: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parameters_of(name, given)
    assert sentence in caught.value.message
    assert hint in (caught.value.hint or "")


def test_only_an_undivided_subsequence_has_a_highest_score_above_1() -> None:
    highest = {name: highest_score(name, parameters_of(name, {})) for name in METRICS}
    assert highest.pop("lcs_knn_prh") == 10
    assert {name for name, score in highest.items() if score is None} == {"cknna", "cknna_prh"}
    assert {score for score in highest.values() if score is not None} == {1}


def test_faithful_metrics_share_the_form_of_the_corrected_ones() -> None:
    assert key("cka") == key("cka_prh")
    assert key("unbiased_cka") == key("unbiased_cka_prh")
    assert key("cknna", k=7) == key("cknna_prh", k=7)
    assert key("cka_rbf", sigma=2, unit="absolute") == key("cka_rbf_prh", sigma=2)


def test_forms_that_differ_have_different_keys() -> None:
    keys = [
        key("cka"),
        key("unbiased_cka"),
        key("cka_rbf", sigma=2),
        key("cka_rbf_prh", sigma=2),
        key("cka_rbf_prh", sigma=3),
        key("cknna"),
        key("cknna", k=7),
        key("cknna_paper"),
        key("rsa"),
        key("rsa", rdm="euclidean"),
        key("distance_correlation"),
        key("svcca"),
        key("svcca", dimensions=20),
        key("procrustes"),
    ]
    assert len(set(keys)) == len(keys)


def test_a_metric_on_neighbours_has_no_form() -> None:
    with pytest.raises(ValueError, match="neighbour lists are enough"):
        key("mutual_knn")


def test_the_catalogue_imports_no_torch() -> None:
    script = "import sys, compute.catalogue; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
