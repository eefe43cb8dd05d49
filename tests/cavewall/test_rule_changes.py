"""`embed extract --rule`: a change is for every modality, or for one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cavewall.extracting import rule_for
from ingest.extraction import default_rule
from registry.errors import UsageError


def test_a_change_with_a_modality_leaves_the_other_as_it_is() -> None:
    changes = {"vision.crop": "own", "language.padding_side": "left"}
    assert rule_for("vision", changes) == replace(default_rule("vision"), crop="own")
    assert rule_for("language", changes) == replace(default_rule("language"), padding_side="left")


def test_a_change_without_a_modality_is_for_all() -> None:
    assert rule_for("vision", {"pooling": "mean"}).pooling == "mean"
    assert rule_for("language", {"pooling": "mean"}).pooling == "mean"


@pytest.mark.parametrize("name", ["sound.crop", "vision.crpo", "vision."])
def test_a_change_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="a rule has no"):
        rule_for("vision", {name: "own"})
