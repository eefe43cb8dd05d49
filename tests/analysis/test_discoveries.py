"""Discoveries of planted families: who is one, who is left out, and what the answer warns of."""

from __future__ import annotations

import math

import pytest
from scipy.stats import false_discovery_control
from sqlalchemy import select, update

from analysis.answers import ask
from analysis.discoveries import Discoveries, enough_draws, find_discoveries
from analysis.snapshot import build_snapshot
from registry.errors import UsageError
from registry.handle import Registry
from registry.tables import Checkpoint, Name, Series, Target
from tests.analysis.tiny import TinyZoo

PICTURES, WORDS = ("a", "b", "c"), ("x", "y", "z")
# Of the nine pairs of a picture (slots 0 to 2) and a word (slots 3 to 5), as permutations give them.
P = {
    (3, 0): 0.001, (3, 1): 0.004, (3, 2): 0.012, (4, 0): 0.024, (4, 1): 0.02, (4, 2): 0.3, (5, 0): 0.41,
    (5, 1): 0.9, (5, 2): 1.0,
}  # fmt: skip
WITHIN = {(1, 0): 0.001, (2, 0): 0.001, (2, 1): 0.001, (4, 3): 0.001, (5, 3): 0.001, (5, 4): 0.001}


@pytest.fixture
def zoo(sqlite_registry: Registry) -> TinyZoo:
    tiny = TinyZoo(sqlite_registry)
    tiny.add(*PICTURES)
    tiny.add(*WORDS, modality="language")
    with sqlite_registry.write() as session:
        session.execute(update(Target).values(draws=999))
    tiny.calibrate(P | WITHIN, draws=999)
    return tiny


def found(zoo: TinyZoo, checkpoint: str | None = None, **question: object) -> Discoveries:
    build_snapshot(zoo.registry)
    with zoo.registry.read() as session:
        owner = session.scalar(select(Name.checkpoint_id).where(Name.name == checkpoint))
    return find_discoveries(zoo.registry, zoo.target_id, checkpoint_id=owner, **question)  # type: ignore[arg-type]


def named(answer: Discoveries) -> list[str]:
    return [pair.left_name + pair.right_name for pair in answer.found]


def test_the_family_is_the_pairs_across_the_two_modalities(zoo: TinyZoo) -> None:
    answer = found(zoo)
    assert answer.m == len(answer.pairs) == 9
    assert {(pair.left_name, pair.right_name) for pair in answer.pairs} == {
        (left, right) for left in PICTURES for right in WORDS
    }
    assert all(pair.m == 9 for pair in answer.pairs)
    assert named(answer) == ["ax", "bx", "cx", "by", "ay"]


def test_levels_are_those_of_scipy(zoo: TinyZoo) -> None:
    pairs = found(zoo).pairs
    p = [pair.p for pair in pairs]
    assert [pair.q_bh for pair in pairs] == pytest.approx(false_discovery_control(p, method="bh"), abs=1e-14)
    assert [pair.q_by for pair in pairs] == pytest.approx(false_discovery_control(p, method="by"), abs=1e-14)


def test_discoveries_are_what_the_query_functions_say(zoo: TinyZoo) -> None:
    answer = found(zoo, q=0.05)
    question = """
        WITH family AS (
            SELECT p FROM alignment
            JOIN checkpoints AS l ON l.checkpoint_id = left_checkpoint_id
            JOIN checkpoints AS r ON r.checkpoint_id = right_checkpoint_id
            WHERE l.modality <> r.modality
        )
        SELECT
            count(*) FILTER (p <= bh_threshold((SELECT list(p) FROM family), 0.05)) AS bh,
            count(*) FILTER (p <= by_threshold((SELECT list(p) FROM family), 0.05)) AS by
        FROM family
    """
    assert ask(zoo.registry, question).table.to_pylist() == [
        {"bh": len(answer.found), "by": len(answer.found_whatever_depends)}
    ]


def test_certain_pairs_within_a_modality_would_loosen_the_level_and_do_not(zoo: TinyZoo) -> None:
    assert len(found(zoo, modalities=None).pairs) == 15
    loosened = {pair.left_name + pair.right_name: pair.q_bh for pair in found(zoo, modalities=None).pairs}
    assert all(
        loosened[pair.left_name + pair.right_name] < pair.q_bh  # type: ignore[operator]
        for pair in found(zoo).pairs
        if pair.q_bh is not None and pair.q_bh < 0.1 and pair.p != 0.001
    )


def test_within_one_modality_each_pair_stands_once(zoo: TinyZoo) -> None:
    answer = found(zoo, modalities=("vision", "vision"))
    assert {pair.left_name + pair.right_name for pair in answer.pairs} == {"ab", "ac", "bc"}
    assert answer.m == 3


@pytest.mark.parametrize("modalities", [("vision", "language"), ("language", "vision")])
def test_partners_of_a_checkpoint_are_of_the_other_modality_whichever_is_named_first(
    zoo: TinyZoo, modalities: tuple[str, str]
) -> None:
    answer = found(zoo, "y", modalities=modalities)
    assert [(pair.left_name, pair.right_name) for pair in answer.pairs] == [
        ("y", "b"), ("y", "a"), ("y", "c"),
    ]  # fmt: skip
    assert [pair.q_bh for pair in answer.pairs] == pytest.approx([0.036, 0.036, 0.3])


def test_all_partners_of_a_checkpoint_are_asked_about_without_modalities(zoo: TinyZoo) -> None:
    answer = found(zoo, "y", modalities=None)
    assert sorted(pair.right_name for pair in answer.pairs) == ["a", "b", "c", "x", "z"]
    assert {pair.left_name for pair in answer.pairs} == {"y"}


def test_pairs_of_one_series_are_no_question(zoo: TinyZoo) -> None:
    with zoo.registry.write() as session:
        series = Series(name="run 7")
        session.add(series)
        session.flush()
        owners = select(Name.checkpoint_id).where(Name.name.in_(["x", "y"]))
        session.execute(
            update(Checkpoint)
            .where(Checkpoint.id.in_(owners))
            .values(series_id=series.id)
            .execution_options(synchronize_session=False)
        )
    answer = found(zoo, modalities=("language", "language"))
    assert {(pair.left_name + pair.right_name, pair.left_out, pair.q_bh) for pair in answer.pairs} == {
        ("xz", None, 0.001), ("yz", None, 0.001), ("xy", "same series", None),
    }  # fmt: skip
    assert answer.m == 2


def test_a_pair_without_its_null_is_shown_counted_and_not_tested(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry)
    zoo.add("a", "b")
    zoo.add("x", modality="language")
    zoo.calibrate({(2, 0): 0.05}, draws=19)
    answer = found(zoo)
    assert [(pair.left_name, pair.p, pair.left_out) for pair in answer.pairs] == [
        ("a", 0.05, None), ("b", None, "no null yet"),
    ]  # fmt: skip
    assert answer.m == 1
    assert named(answer) == ["ax"], "one p of 1/20 alone is a discovery at 0.05"
    assert any("1 of 2 pairs have no null yet" in warning for warning in answer.warnings)
    assert any("p of 1 of 1 pairs rests on fewer draws" in warning for warning in answer.warnings)


def test_too_few_draws_are_warned_of_with_how_many_would_do(zoo: TinyZoo) -> None:
    assert not any("draws are few" in warning for warning in found(zoo).warnings)
    with zoo.registry.write() as session:
        session.execute(update(Target).values(draws=178))
    zoo.calibrate(dict.fromkeys(P, 0.9) | {(3, 0): 1 / 179}, draws=178)
    answer = found(zoo)
    assert named(answer) == [], "the lowest p that there is does not reach q / m"
    (warning,) = answer.warnings
    assert "178 draws are few for 9 pairs" in warning
    assert "179 draws would be enough" in warning
    with zoo.registry.write() as session:
        session.execute(update(Target).values(draws=179))
    zoo.calibrate(dict.fromkeys(P, 0.9) | {(3, 0): 1 / 180}, draws=179)
    answer = found(zoo)
    assert named(answer) == ["ax"]
    assert answer.warnings == ("1 of 9 pairs are discoveries if their p depend positively on each other "
        "(Benjamini-Hochberg: not proven), 0 whatever the dependence (Benjamini-Yekutieli)",)  # fmt: skip


@pytest.mark.parametrize("q", [0.01, 0.05, 0.1, 0.07])
@pytest.mark.parametrize("m", [1, 3, 7, 36, 1000])
def test_enough_draws_are_the_fewest(m: int, q: float) -> None:
    draws = enough_draws(m, q)
    hundredths = round(q * 100)
    assert m * 100 <= hundredths * (draws + 1)
    assert m * 100 > hundredths * draws
    assert draws == math.ceil(round(m / q, 6)) - 1


def test_both_procedures_are_offered_where_they_differ(zoo: TinyZoo) -> None:
    answer = found(zoo)
    assert len(answer.found) == 5
    assert len(answer.found_whatever_depends) == 1
    (warning,) = answer.warnings
    assert warning.startswith("5 of 9 pairs are discoveries")
    assert "1 whatever the dependence" in warning


@pytest.mark.parametrize("q", [0, 1, -0.1, 5, float("nan")])
def test_a_level_that_is_no_share_is_refused(zoo: TinyZoo, q: float) -> None:
    with pytest.raises(UsageError, match="expected a share"):
        found(zoo, q=q)


def test_a_question_about_no_pair_says_so(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry)
    answer = found(zoo)
    assert (answer.pairs, answer.found, answer.m) == ((), (), 0)
    (warning,) = answer.warnings
    assert "no pair" in warning
