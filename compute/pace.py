"""How fast this host works, measured as it works, so that a unit takes a few seconds whatever the metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SCORE_SECONDS, NULL_SECONDS = 2.0, 10.0
LONG_ENOUGH = 1.0  # seconds of work that make a rate worth keeping in the place of another
REPLANS = 4  # how often a run cuts what is left anew, because it is faster or slower than was thought

# Layer pairs x items per second where nothing was measured yet, for the first unit of all: two busy cores do
# more. Work names end with the metric (`registry.host_rates`).
FIRST_RATES = {
    "mutual_knn": 4e7,
    "jaccard_knn": 1e7,
    "lcs_knn": 1e7,
    "lcs_knn_prh": 1e7,
    "edit_distance_knn": 1e7,
    "cknna_paper": 1e7,
    "svcca": 5e6,
    "procrustes": 1e5,
}
FIRST_RATE = 2e6


@dataclass
class Pace:
    """Rates of this host by kind of work, in units of work per second.

    Attributes:
        known: what was measured before this run.
        done: units of work that this run did, by kind.
        seconds: what they took.
        latest: the rate of the last piece of work of each kind.
    """

    known: Mapping[str, float] = field(default_factory=dict)
    done: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    latest: dict[str, float] = field(default_factory=dict)

    def note(self, work: str, amount: float, seconds: float) -> None:
        """Add what was done of a kind of work, and what it took."""
        self.done[work] = self.done.get(work, 0.0) + amount
        self.seconds[work] = self.seconds.get(work, 0.0) + seconds
        if amount > 0 and seconds > 0:
            self.latest[work] = amount / seconds

    def measured(self) -> dict[str, float]:
        """Return the rates of this run: of what it did for a while, and of what nothing was known of.

        A short time says more of what was loaded and compiled first.
        """
        return {
            work: self.done[work] / seconds
            for work, seconds in self.seconds.items()
            if self.done[work] > 0 and seconds > (LONG_ENOUGH if work in self.known else 0)
        }

    def rate(self, work: str) -> float:
        """Return the rate of a kind of work: of this run, else of an earlier one, else a low guess."""
        guess = FIRST_RATES.get(work.split()[-1], FIRST_RATE)
        return self.latest.get(work) or self.known.get(work) or guess
