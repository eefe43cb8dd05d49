from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cavewall.cli import Program
from cavewall.failures import refusal_of
from cavewall.groups import Entry
from registry.errors import Interrupted, LockBusy, PartlyDone, RegistryError, SchemaVersionError
from tests.cavewall.conftest import Call

MODULE = """
import time
import click
from cavewall.groups import Leaf
from cavewall.options import output_options
from registry.errors import PartlyDone, SchemaVersionError

@click.command(cls=Leaf)
@click.argument("what")
@output_options
def command(what, output):
    if what == "bug":
        {}["missing"]
    if what == "schema":
        raise SchemaVersionError("old", hint="first line\\nsecond line")
    if what == "partly":
        raise PartlyDone("1 of 3 failed", hint="again later")
    if what == "decline":
        raise click.Abort
    if what == "ctrl-c":
        raise KeyboardInterrupt
    if what == "wait":
        click.echo("waiting")
        time.sleep(60)
"""


@pytest.fixture
def frame(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    (nowhere / "failing_command.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(nowhere))
    program = Program(name="cavewall", table={"Test": {"fail": Entry("failing_command", "Fail.")}})

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(program, list(arguments))

    return run


def test_refusal_is_a_sentence_and_an_indented_hint(frame) -> None:
    result = frame("fail", "schema")
    assert result.exit_code == 5
    assert result.stdout == ""
    assert result.stderr == "error: old\n       first line\n       second line\n"


def test_partly_done_exits_with_3(frame) -> None:
    assert frame("fail", "partly").exit_code == 3


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_adds_an_object_that_programs_read(frame, form: str) -> None:
    result = frame("fail", "partly", "--format", form)
    assert result.stdout == ""
    assert json.loads(result.stderr.splitlines()[-1]) == {
        "error": {"code": "partly_done", "message": "1 of 3 failed", "hint": "again later"}
    }


def test_error_in_the_command_line_itself_is_json_too(frame) -> None:
    result = frame("fail", "--format", "json")
    assert result.exit_code == 2
    error = json.loads(result.stderr.splitlines()[-1])["error"]
    assert error["code"] == "usage"
    assert "missing argument" in error["message"]
    assert error["hint"] == "see: cavewall fail --help"


def test_unexpected_error_is_one_sentence_with_the_path_of_a_report(frame, nowhere: Path) -> None:
    (nowhere / ".cavewall").mkdir()
    result = frame("fail", "bug")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: unexpected KeyError: 'missing'\n")
    assert "Traceback" not in result.stderr
    (path,) = (nowhere / ".cavewall" / "log").iterdir()
    assert str(path) in result.stderr
    assert "Traceback" in path.read_text()


def test_report_goes_to_the_temporary_folder_where_there_is_no_zoo(
    frame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = frame("fail", "bug")
    (path,) = (tmp_path / "cavewall-log").iterdir()
    assert str(path) in result.stderr


def test_debug_shows_the_traceback_wherever_it_stands(frame, nowhere: Path) -> None:
    (nowhere / ".cavewall").mkdir()
    assert "Traceback" in frame("fail", "schema", "--debug").stderr
    assert list((nowhere / ".cavewall" / "log").iterdir())


def test_no_as_an_answer_exits_with_1(frame) -> None:
    result = frame("fail", "decline")
    assert result.exit_code == 1
    assert "nothing was changed" in result.stderr


def test_ctrl_c_exits_with_130(frame) -> None:
    result = frame("fail", "ctrl-c")
    assert result.exit_code == 130
    assert "error: interrupted" in result.stderr


def test_sigterm_exits_with_143_after_putting_things_in_order(frame, nowhere: Path) -> None:
    script = (
        "from cavewall.cli import Program; from cavewall.groups import Entry\n"
        "table = {'T': {'fail': Entry('failing_command', 'Fail.')}}\n"
        "Program(name='cavewall', table=table).main(['fail', 'wait'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=nowhere, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.terminate()
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "error: interrupted" in stderr


def test_reader_that_goes_away_is_no_error(nowhere: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cavewall", "--help"],
        cwd=nowhere,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    time.sleep(0.1)
    assert process.stderr.read() == ""
    process.wait(timeout=20)


def test_exit_codes_are_those_of_the_classes() -> None:
    cases = {
        LockBusy("busy", hint="wait"): 75,
        SchemaVersionError("old", hint="upgrade"): 5,
        PartlyDone("some", hint="again"): 3,
        Interrupted("stopped", hint="again", exit_code=143): 143,
        click.UsageError("Wrong."): 2,
        click.FileError("x", "gone"): 1,
    }
    for error, code in cases.items():
        refusal = refusal_of(error)
        assert refusal is not None
        assert refusal.exit_code == code


def test_every_refusal_has_a_hint() -> None:
    for error in (click.UsageError("Wrong."), click.FileError("x"), click.Abort(), KeyboardInterrupt()):
        refusal = refusal_of(error)
        assert refusal is not None
        assert refusal.hint


def test_what_nobody_expected_is_no_refusal() -> None:
    assert refusal_of(ZeroDivisionError()) is None
    assert issubclass(RegistryError, Exception)


def test_unknown_option_names_the_nearest(call: Call) -> None:
    result = call("config", "show", "--fromat", "json")
    assert result.exit_code == 2
    assert "no such option '--fromat'" in result.stderr
    assert "--format" in result.stderr
