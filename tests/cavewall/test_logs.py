from __future__ import annotations

import logging
from pathlib import Path

import pytest

from cavewall.invocation import Invocation
from cavewall.logs import logging_of
from registry.errors import UsageError
from registry.handle import Registry
from tests.cavewall.conftest import Call


def speak() -> None:
    logger = logging.getLogger("ingest.somewhere")
    logger.debug("a detail")
    logger.info("a step")
    logger.warning("a warning")
    logging.getLogger("alembic.runtime").info("chatter")


@pytest.mark.parametrize(
    ("invocation", "shown"),
    [
        (Invocation(is_quiet=True), []),
        (Invocation(), ["a warning"]),
        (Invocation(verbosity=1), ["a step", "a warning"]),
        (Invocation(verbosity=2), ["a detail", "a step", "a warning"]),
    ],
)
def test_verbosity_decides_which_records_are_shown(
    invocation: Invocation, shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_of(invocation):
        speak()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=2)[2] for line in lines] == shown


def test_log_file_holds_the_lines_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "logs" / "cavewall.log"
    with logging_of(Invocation(log_file=str(path))):
        speak()
    assert path.read_text() == capsys.readouterr().err


def test_log_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match="log file"),
        logging_of(Invocation(log_file=str(tmp_path / "file" / "x"))),
    ):
        pass


def test_quiet_leaves_only_the_result(call: Call, zoo: Registry, tmp_path: Path) -> None:
    for arguments in (("config", "show", "-q"), ("-q", "config", "show")):
        result = call(*arguments, "-o", tmp_path / "x.csv")
        assert (result.exit_code, result.stderr) == (0, "")
