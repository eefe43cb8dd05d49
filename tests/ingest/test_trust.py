"""A permission is made of a command line and of this host's configuration, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.trust import NO_TRUST, Trust, noted_pickles, trust_in
from registry.errors import UsageError
from registry.runs import RecordedRun
from registry.settings import Settings, TrustList


def test_trust_is_the_command_lines_or_the_configurations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    listed = TrustList(pickles=("a" * 64,), entry_points=("a:f", "b:f"))
    settings = Settings(Path("/zoo"), "", Path(), "cpu", (), listed)
    trust = trust_in(settings, entry_points=["b:f", "c:f"])
    assert trust.entry_points == {"a:f": Path("/zoo"), "b:f": tmp_path, "c:f": tmp_path}
    assert trust.allows_pickle("a" * 64)
    assert not trust.allows_pickle("b" * 64)
    assert trust_in(settings, every_pickle=True).allows_pickle("b" * 64)


def test_without_a_word_nothing_is_allowed() -> None:
    assert not NO_TRUST.allows_pickle("a" * 64)
    with pytest.raises(UsageError, match="its architecture nets:f is code of yours"):
        NO_TRUST.require_entry_point("nets:f")
    with pytest.raises(UsageError):
        Trust(every_pickle=True).require_entry_point("nets:f")


def test_what_was_run_is_noted_also_where_the_run_fails() -> None:
    run, trust = RecordedRun(1), Trust(every_pickle=True)
    with noted_pickles(run, trust):
        pass
    assert run.counts == {}
    with pytest.raises(ValueError, match="later"), noted_pickles(run, trust):
        trust.used.extend(["b" * 64, "a" * 64, "b" * 64])
        raise ValueError("later")
    assert run.counts == {"trusted_pickle": ["a" * 64, "b" * 64]}
