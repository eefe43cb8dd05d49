"""What a weight file is, as its row tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ingest.trust import NO_TRUST
from ingest.weight_facts import describe_file
from registry.errors import InputError
from registry.keys import sha256_of_file


def test_the_facts_are_the_digest_the_shapes_and_what_was_unwrapped(tmp_path: Path) -> None:
    path = tmp_path / "net-deadbeef.pth"
    torch.save({"state_dict": {"module.a": torch.zeros(2, 3)}}, path)
    facts = describe_file(path, NO_TRUST)
    assert (facts.sha256, facts.shapes) == (sha256_of_file(path), {"a": (2, 3)})
    assert facts.attributes == {"unwrapped": ["state_dict", "module."]}
    note = facts.noted("a note")
    assert note.startswith("a note; unwrapped state_dict, module.; warning: its name says sha256 deadbeef")


def test_a_plain_file_has_nothing_to_say(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "w.pth")
    facts = describe_file(tmp_path / "w.pth", NO_TRUST)
    assert (facts.attributes, facts.noted("")) == ({}, "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"w\.pth: no such file"):
        describe_file(tmp_path / "w.pth", NO_TRUST)
