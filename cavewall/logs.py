"""Where log lines go: stderr for people, JSON lines for programs, a file where one is named."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cavewall.invocation import Invocation
from registry.errors import UsageError

OURS = ("cavewall", "registry", "ingest", "compute", "analysis", "alembic")
PROGRESS = "cavewall.progress"


class TextLines(logging.Formatter):
    """`2026-11-23T02:00:03Z INFO  message`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return f"{_moment(record)} {record.levelname:<5} {record.getMessage()}"


class JsonLines(logging.Formatter):
    """One JSON object for each record, with the facts that came with it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        facts = getattr(record, "facts", {})
        line = {"time": _moment(record), "level": record.levelname, "logger": record.name}
        return json.dumps(line | {"message": record.getMessage()} | facts, default=str)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def level_of(invocation: Invocation) -> int:
    """Return from which level on our own records are shown."""
    if invocation.is_quiet:
        return logging.ERROR
    return (logging.WARNING, logging.INFO, logging.DEBUG)[min(invocation.verbosity, 2)]


@contextmanager
def logging_of(invocation: Invocation) -> Iterator[None]:
    """Send the records of our own loggers where this call wants them, until it ends.

    Raises:
        UsageError: the log file cannot be written.
    """
    formatter = JsonLines() if invocation.log_format == "json" else TextLines()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if invocation.log_file:
        handlers.append(_file_handler(Path(invocation.log_file)))
    for handler in handlers:
        handler.setFormatter(formatter)
    loggers = [logging.getLogger(name) for name in OURS]
    for logger in loggers:
        logger.handlers = list(handlers)
        logger.propagate = False
        logger.setLevel(logging.WARNING if logger.name == "alembic" else level_of(invocation))
    logging.getLogger(PROGRESS).setLevel(logging.ERROR if invocation.is_quiet else logging.INFO)
    try:
        yield
    finally:
        for logger in loggers:
            logger.handlers = []
            logger.propagate = True
        for handler in handlers[1:]:
            handler.close()


def _file_handler(path: Path) -> logging.FileHandler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the log file {path} cannot be written: {error.strerror}", hint="choose another --log-file"
        ) from error
