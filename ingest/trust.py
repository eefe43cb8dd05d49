"""What of other people's code may run in this process, because a person said so here and now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from registry.errors import UsageError
from registry.runs import RecordedRun
from registry.settings import Settings


@dataclass(frozen=True)
class Trust:
    """A permission of one command; it is made of its command line and of this host's configuration alone.

    Nothing of it is ever read from the database: what one command was allowed, the next one is not.

    Attributes:
        every_pickle: whether any pickle that a command meets may run (`--trust-pickle`).
        pickles: the sha256 of the files that may run without that word.
        entry_points: `module:function` of the user's own networks, and the folder to import each from.
        used: the sha256 of what was run as a full pickle; it grows while the command works.
    """

    every_pickle: bool = False
    pickles: frozenset[str] = frozenset()
    entry_points: Mapping[str, Path] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)

    def allows_pickle(self, sha256: str) -> bool:
        """Return whether the file of a digest may run code while it is read."""
        return self.every_pickle or sha256 in self.pickles

    def require_entry_point(self, text: str) -> Path:
        """Return the folder to import an entry point from.

        Raises:
            UsageError: neither the command line nor this host's configuration names it.
        """
        if text not in self.entry_points:
            raise UsageError(untrusted_reason(text), hint=untrusted_hint(text))
        return self.entry_points[text]


NO_TRUST = Trust()


def trust_in(settings: Settings, *, every_pickle: bool = False, entry_points: Iterable[str] = ()) -> Trust:
    """Return what one command may run.

    Args:
        settings: this host's; an entry point that they list is imported from the zoo's folder.
        every_pickle: whether the user said `--trust-pickle`.
        entry_points: what the user named with `--architecture`, imported from the working folder.
    """
    home = settings.folder or Path.cwd()
    listed = dict.fromkeys(settings.trust.entry_points, home)
    return Trust(
        every_pickle=every_pickle,
        pickles=frozenset(settings.trust.pickles),
        entry_points={**listed, **dict.fromkeys(entry_points, Path.cwd())},
    )


@contextmanager
def noted_pickles(run: RecordedRun, trust: Trust) -> Iterator[None]:
    """Keep in a run's counts the digests of the pickles that ran meanwhile, also where it fails."""
    try:
        yield
    finally:
        if trust.used:
            run.counts["trusted_pickle"] = sorted(set(trust.used))


def untrusted_reason(text: str) -> str:
    """Return why a checkpoint of the user's own network is not built, as a clause."""
    return f"its architecture {text} is code of yours, which runs only where you say so"


def untrusted_hint(text: str) -> str:
    """Return how to say so."""
    return (
        f"add --architecture {text}, or list it in cavewall.toml on this machine:  "
        f'[trust] entry_points = ["{text}"]'
    )
