"""What a user reads when a command fails, and the exit code that goes with it."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from cavewall.console import fitted, without_password
from cavewall.invocation import Invocation
from registry.errors import RegistryError

INTERRUPTED = 130
INDENT = " " * len("error: ")


@dataclass(frozen=True)
class Refusal:
    """One failure: a sentence, the next command, a word for programs and the exit code."""

    message: str
    hint: str
    code: str
    exit_code: int

    def text(self) -> str:
        """Return the lines for people."""
        lines = [*self.message.splitlines(), *self.hint.splitlines()]
        return "error: " + f"\n{INDENT}".join(line for line in lines if line.strip())

    def json_line(self) -> str:
        """Return the line for programs."""
        return json.dumps({"error": {"code": self.code, "message": self.message, "hint": self.hint}})


def refusal_of(error: BaseException, *, signal_code: int = INTERRUPTED) -> Refusal | None:
    """Return what to say about an error, or None where nobody expected it.

    Args:
        error: what ended the command.
        signal_code: the exit code if a signal did.
    """
    if isinstance(error, RegistryError):
        return Refusal(error.message, error.hint, error.code, error.exit_code)
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx is not None else "cavewall"
        return Refusal(_sentence(error.format_message()), f"see: {path} --help", "usage", error.exit_code)
    if isinstance(error, click.ClickException):
        return Refusal(_sentence(error.format_message()), "see: cavewall --help", "failed", error.exit_code)
    if isinstance(error, KeyboardInterrupt) or isinstance(error.__cause__, KeyboardInterrupt):
        hint = "what was committed is kept; run the same command again to go on"
        return Refusal("interrupted", hint, "interrupted", signal_code)
    if isinstance(error, click.Abort):
        return Refusal("not confirmed, nothing was changed", "add --yes to agree beforehand", "aborted", 1)
    return None


def _sentence(message: str) -> str:
    """Return click's message in the form of ours: no capital, no full stop."""
    text = message.strip().removesuffix(".")
    return text[:1].lower() + text[1:]


def report(error: BaseException, invocation: Invocation, *, signal_code: int = INTERRUPTED) -> int:
    """Print what happened on stderr and return the exit code."""
    refusal = refusal_of(error, signal_code=signal_code)
    if refusal is None:
        path = write_report(error)
        first_line = (str(error).strip() or "no message").splitlines()[0]
        refusal = Refusal(
            f"unexpected {type(error).__name__}: {first_line}",
            f"this is a fault of cavewall; the whole report: {path}",
            "unexpected",
            1,
        )
    elif invocation.is_debug:
        write_report(error)
    if invocation.is_debug:
        click.echo(_trace(error), err=True)
    click.secho(fitted(refusal.text(), sys.stderr), err=True, fg="red" if sys.stderr.isatty() else None)
    if invocation.wants_json_errors:
        click.echo(refusal.json_line(), err=True)
    return refusal.exit_code


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def write_report(error: BaseException) -> Path:
    """Keep the traceback in the zoo's `.cavewall/log`, or in the temporary folder where there is no zoo."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    text = without_password(f"{' '.join(sys.argv)}\nPython {sys.version}\n\n{_trace(error)}\n")
    for folder in (*_zoo_logs(Path.cwd()), Path(tempfile.gettempdir()) / "cavewall-log"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"error-{moment}.txt"
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return path
    return Path("(no folder for it is writable; add --debug)")


def _zoo_logs(start: Path) -> list[Path]:
    return [
        folder / ".cavewall" / "log" for folder in (start, *start.parents) if (folder / ".cavewall").is_dir()
    ][:1]
