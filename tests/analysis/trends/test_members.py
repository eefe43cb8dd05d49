"""Pairs as matrices, and the fixed group that others are compared with."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.trends.crossing import crossing, trained_group
from analysis.trends.members import Kind, Member, PairValues, pair_table


def member(
    number: int, modality: str = "vision", kind: Kind = "trained", series: str = "", step: int | None = None
) -> Member:
    is_trained = kind in ("trained", "training") and step != 0
    return Member(number, f"m{number}", modality, f"f{number}", kind, is_trained, series or None, step)


def test_pairs_become_symmetric_matrices_without_strangers() -> None:
    pairs = [PairValues(7, 3, 0.5, excess=0.4), PairValues(3, 9, 0.1), PairValues(99, 3, 0.7)]
    table = pair_table([member(3), member(7), member(9)], pairs)
    nan = float("nan")
    np.testing.assert_array_equal(
        table.matrices["score"], [[nan, 0.5, 0.1], [0.5, nan, nan], [0.1, nan, nan]]
    )
    np.testing.assert_array_equal(table.matrices["excess"][0], [nan, 0.4, nan])
    part = table.only([1, 0])
    assert [one.checkpoint_id for one in part.members] == [7, 3]
    np.testing.assert_array_equal(part.matrices["score"], [[nan, 0.5], [0.5, nan]])


def test_two_directions_of_a_pair_count_as_their_mean() -> None:
    pairs = [PairValues(3, 7, 0.5, excess=0.4), PairValues(7, 3, 0.7), PairValues(9, 3, 0.1)]
    matrices = pair_table([member(3), member(7), member(9)], pairs).matrices
    nan = float("nan")
    np.testing.assert_allclose(matrices["score"], [[nan, 0.6, 0.1], [0.6, nan, nan], [0.1, nan, nan]])
    assert np.isnan(matrices["excess"]).all()  # one of the two has none yet


def test_the_group_is_who_was_trained_and_of_a_run_its_last_point() -> None:
    members = [
        member(1),
        member(2, kind="untrained"),
        member(3, kind="baseline"),
        member(4, kind="training", series="run", step=0),
        member(5, kind="training", series="run", step=600),
        member(6, kind="training", series="run", step=150),
        member(7, "language"),
        member(8, kind="training", series="started", step=0),
    ]
    assert [one.checkpoint_id for one in trained_group(members, "vision")] == [1, 5]
    assert [one.checkpoint_id for one in trained_group(members, "language")] == [7]
    assert trained_group(members, "audio") == ()


def test_alignment_with_a_group_is_the_mean_over_all_of_it() -> None:
    members = [member(1), member(2, "language"), member(3, "language")]
    pairs = [
        PairValues(1, 2, 0.4, score_se=0.01, score_last=0.2, excess=0.3, null_mean=0.1),
        PairValues(3, 1, 0.2, score_se=0.03, score_last=0.1, excess=0.1, null_mean=0.2),
    ]
    found = crossing(pair_table(members, pairs), 0, members[1:])
    assert found.score == pytest.approx(0.3)
    assert found.score_se == pytest.approx(0.02)
    assert found.excess == pytest.approx(0.2)
    assert found.score_last == pytest.approx(0.15)
    assert found.null_mean == pytest.approx(0.15)
    assert found.missing == ()


def test_a_partner_that_is_missing_leaves_no_mean_and_is_named() -> None:
    members = [member(1), member(2, "language"), member(3, "language")]
    found = crossing(pair_table(members, [PairValues(1, 2, 0.4, excess=0.3)]), 0, members[1:])
    assert (found.score, found.excess, found.missing) == (None, None, ("m3",))
    one = crossing(pair_table(members, [PairValues(1, 2, 0.4)]), 0, members[1:2])
    assert (one.score, one.excess, one.missing) == (0.4, None, ())
