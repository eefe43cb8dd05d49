from __future__ import annotations

from datetime import UTC, datetime

import pytest

from compute.catalogue import metric_info
from compute.rates import null_pace, prepare_pace, score_pace
from registry.host_rates import Rate


def rate(per_second: float, day: int = 1) -> Rate:
    return Rate(per_second, run_id=day, measured_at=datetime(2026, 1, day, tzinfo=UTC))


def test_a_metric_has_its_own_rate_where_there_is_one() -> None:
    pace = score_pace({"score cka": rate(10), "score rsa": rate(20, 2)}, metric_info("cka"))
    assert (pace.seconds(100), pace.is_borrowed) == (10, False)


def test_products_of_triangles_are_one_kind_of_work_and_the_latest_counts() -> None:
    rates = {"score cka": rate(10), "score unbiased_cka": rate(20, 2), "score mutual_knn": rate(5, 3)}
    pace = score_pace(rates, metric_info("rsa"))
    assert (pace.seconds(100), pace.is_borrowed) == (5, True)
    assert null_pace(rates, metric_info("rsa")).seconds(100) is None


@pytest.mark.parametrize("name", ["lcs_knn", "cycle_knn", "cknna", "svcca", "procrustes"])
def test_other_metrics_borrow_no_rate_of_scoring(name: str) -> None:
    rates = {"score mutual_knn": rate(1), "score cka": rate(1)}
    assert score_pace(rates, metric_info(name)).rate is None


def test_what_is_made_alike_takes_as_long() -> None:
    rates = {"prepare cka": rate(10), "prepare mutual_knn": rate(2)}
    assert prepare_pace(rates, metric_info("cka_prh")).seconds(100) == 10
    assert prepare_pace(rates, metric_info("lcs_knn")).seconds(100) == 50
    assert prepare_pace(rates, metric_info("rsa")).rate is None
