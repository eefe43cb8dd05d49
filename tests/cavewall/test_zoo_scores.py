"""Scores from Python."""

from __future__ import annotations

import pytest

import cavewall
from ingest.score_sources import SourceDescription
from registry.errors import InputError
from registry.handle import Registry
from registry.score_listings import list_scores
from tests.ingest.covariates import add_judged, layers


def test_a_battery_and_a_claim_from_python(small_zoo: Registry) -> None:
    add_judged(small_zoo)
    with cavewall.open() as zoo:
        zoo.embed("words", layers(signal=1.0, seed=1), dataset="judged")
        defined = zoo.define_battery("five", ["kind", "sort:4"], dataset="judged", stratify="sort")
        assert (defined.outcome, defined.task_count) == ("added", 5)
        assert zoo.run_battery("five", "words").outcome == "added"
        assert zoo.run_battery("five", "words").outcome == "unchanged"
        paper = SourceDescription("he-2016", "paper")
        facts = {"low": 0.0, "high": 1.0}
        done = zoo.score("words", "toy/one", 0.5, metric="acc", source=paper, facts=facts, shots=5)
        assert done.outcome == "added"
        with pytest.raises(InputError, match=r"1\.5 is refused"):
            zoo.score("words", "toy/one", 1.5, metric="acc", source=paper)
    with small_zoo.read() as session:
        lines = list_scores(session)
    assert len(lines) == 6
    assert (lines[-1].task, lines[-1].shots, lines[-1].trust) == ("toy/one", 5, "medium")
