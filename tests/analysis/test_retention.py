"""Which snapshots are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analysis.retention import KEPT_AGE, KEPT_COUNT, expired

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True)
class Kept:
    number: int
    name: str | None
    created_at: datetime


def aged(number: int, days: float, name: str | None = None) -> Kept:
    return Kept(number, name, NOW - timedelta(days=days))


def test_the_last_seven_stay_however_old() -> None:
    assert expired([aged(number, days=100) for number in range(1, 10)], NOW) == [1, 2]


def test_what_is_younger_than_a_day_stays_however_many() -> None:
    snapshots = [aged(1, days=1), *(aged(number, days=0.9) for number in range(2, 30))]
    assert expired(snapshots, NOW) == [1]


def test_what_has_a_name_stays() -> None:
    assert expired([aged(n, days=9, name="paper" if n == 2 else None) for n in range(1, 11)], NOW) == [1, 3]


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.none() | st.just("kept")),
        max_size=30,
    )
)
def test_letting_go_twice_lets_go_of_nothing_more(history: list[tuple[float, str | None]]) -> None:
    snapshots = [aged(number, days, name) for number, (days, name) in enumerate(history, start=1)]
    gone = set(expired(snapshots, NOW))
    left = [snapshot for snapshot in snapshots if snapshot.number not in gone]
    assert expired(left, NOW) == []
    assert all(
        snapshot.name is None and NOW - snapshot.created_at >= KEPT_AGE
        for snapshot in snapshots
        if snapshot.number in gone
    )
    assert len(left) >= min(KEPT_COUNT, len(snapshots))
