"""The program: its commands, and the frame in which each of them runs."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import click

from cavewall.failures import INTERRUPTED, report
from cavewall.groups import Entry, LazyGroup
from cavewall.invocation import Invocation, format_asked_for
from cavewall.version import __version__

TERMINATED = 143
COMMANDS = {
    "Start": {
        "demo": Entry(
            "cavewall.commands.demo", "Build a demo zoo of real networks, and show what they share."
        ),
        "init": Entry("cavewall.commands.init", "Make a new zoo in a folder."),
        "doctor": Entry("cavewall.commands.doctor", "Examine the zoo and this machine."),
        "status": Entry("cavewall.commands.status", "Show what the zoo holds, and what is missing."),
    },
    "Register": {
        "checkpoint": Entry("cavewall.commands.checkpoint", "Register the zoo's checkpoints."),
        "dataset": Entry("cavewall.commands.dataset", "Register data sets: fixed, ordered items."),
        "target": Entry("cavewall.commands.target", "Say which alignments ought to exist."),
    },
    "Ingest": {
        "embed": Entry("cavewall.commands.embed", "Embed data sets with checkpoints."),
        "score": Entry("cavewall.commands.score", "Measure, import and list benchmark scores."),
        "zoo": Entry("cavewall.commands.zoo", "Register whole lists of checkpoints: the zoos of papers."),
    },
    "Compute": {
        "metric": Entry("cavewall.commands.metric", "Look up the metrics that there are."),
        "align": Entry("cavewall.commands.align", "Compute the alignments that are missing."),
        "run": Entry("cavewall.commands.run", "Look at what was run, and at who runs now."),
    },
    "Ask": {
        "sql": Entry("cavewall.commands.sql", "Ask the newest snapshot in SQL."),
        "trend": Entry("cavewall.commands.trend", "Ask whether checkpoints converge as they get better."),
    },
    "Share": {
        "report": Entry("cavewall.commands.report", "Write the zoo as one HTML file that needs no network."),
        "snapshot": Entry("cavewall.commands.snapshot", "Publish the registry as Parquet files."),
    },
    "Operate": {
        "verify": Entry(
            "cavewall.commands.verify", "Read every file of the zoo, and compare it with its row."
        ),
        "purge": Entry(
            "cavewall.commands.purge", "Delete for good what must really go, with everything derived from it."
        ),
        "store": Entry("cavewall.commands.store", "Look after the files that rows and snapshots name."),
        "db": Entry("cavewall.commands.db", "Look after the database's schema."),
        "config": Entry("cavewall.commands.config", "Show the configuration."),
    },
}


class Program(LazyGroup):
    """The group that turns whatever ends a command into a sentence and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line, and leave the process with its exit code unless `standalone_mode` is off."""
        arguments = list(sys.argv[1:] if args is None else args)
        invocation = Invocation()
        extra.setdefault("obj", invocation)
        name = prog_name or "cavewall"
        if not standalone_mode:
            return super().main(arguments, name, complete_var, standalone_mode=False, **extra)
        sys.exit(self._exit_code(arguments, name, complete_var, invocation, extra))

    def _exit_code(
        self,
        arguments: list[str],
        name: str,
        complete_var: str | None,
        invocation: Invocation,
        extra: dict[str, Any],
    ) -> int:
        stopped_by: list[int] = []
        try:
            with _terminable(stopped_by):
                code = super().main(arguments, name, complete_var, standalone_mode=False, **extra)
                sys.stdout.flush()
            return code if isinstance(code, int) else 0
        except BrokenPipeError:
            _silence_stdout()
            return 1
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            return error.exit_code
        except (Exception, KeyboardInterrupt) as error:  # the one frame around every command
            invocation.format = invocation.format or format_asked_for(arguments)
            return report(error, invocation, signal_code=TERMINATED if stopped_by else INTERRUPTED)


@contextmanager
def _terminable(stopped_by: list[int]) -> Iterator[None]:
    """Let SIGTERM end a command as ctrl-c does, so that what is half done is put in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped_by.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _silence_stdout() -> None:
    """Keep Python from complaining at its end that the reader of a pipe went away."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command(
    "cavewall",
    cls=Program,
    table=COMMANDS,
    context_settings={
        "auto_envvar_prefix": "CAVEWALL",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.version_option(__version__, "-V", "--version", message="cavewall %(version)s")
def program() -> None:
    """Cavewall records a model zoo's embeddings and asks whether they converge.

    Examples:
    cavewall demo
    cavewall init myzoo
    """


def main() -> NoReturn:
    """Run the command line of this process."""
    program.main()
    raise SystemExit(0)  # never reached: `main` leaves the process
