from __future__ import annotations

import ast
import copy
import logging
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cavewall import background
from cavewall.background import LOG_NAME, Registrar, Run

ECHO = ["/bin/echo", "called"]


def registrar(tmp_path: Path, **options: Any) -> Registrar:
    chosen: dict[str, Any] = {"series": "r8", "command": ECHO, "timeout": 20.0} | options
    made = Registrar(Run("/zoo", **chosen))
    made.folder = tmp_path
    return made


def checkpoint(tmp_path: Path, step: int) -> Path:
    folder = tmp_path / f"checkpoint-{step}"
    folder.mkdir()
    return folder


def log_of(tmp_path: Path) -> str:
    return (tmp_path / LOG_NAME).read_text()


def test_everything_that_is_known_is_handed_over(tmp_path: Path) -> None:
    made = registrar(
        tmp_path,
        name="run-{step}",
        attributes={"lr": 3e-4, "note": "a b", "version": "1.0"},
        like="hf:me/r8",
        source_url=lambda: "https://wandb.example/r8",
    )
    folder = checkpoint(tmp_path, 7)
    made.submit(folder, 7)
    made.wait()
    words = f"called checkpoint add path:{folder} --series=r8 --step=7 --set=lr=0.0003 --set=note=a b"
    more = '--set=version="1.0" --name=run-7 --like=hf:me/r8 --source-url=https://wandb.example/r8'
    assert f"{words} {more}\n" in log_of(tmp_path)


def test_only_the_wanted_steps_are_registered_in_their_order(tmp_path: Path) -> None:
    made = registrar(tmp_path, every=20)
    for step in (10, 20, 30, 40):
        made.submit(checkpoint(tmp_path, step), step)
    made.wait()
    called = [line.rpartition("=")[2] for line in log_of(tmp_path).splitlines() if line.startswith("called")]
    assert called == ["20", "40"]


def test_zoo_is_told_where_no_list_of_processes_shows_it(tmp_path: Path) -> None:
    made = Registrar(Run("postgresql://me:secret@host/zoo", "r8", command=ECHO))
    made.folder = tmp_path
    made.submit(checkpoint(tmp_path, 1), 1)
    made.wait()
    assert made.run.environment()["CAVEWALL_DB"] == "postgresql://me:secret@host/zoo"
    assert "secret" not in log_of(tmp_path)


def test_folder_of_the_zoo_holds_wherever_the_training_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = Run("zoo", "r8")
    monkeypatch.chdir("/")
    assert run.environment()["CAVEWALL_DB"] == str(tmp_path / "zoo")


def test_other_environment_gets_no_import_path_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")
    assert "PYTHONPATH" not in Run("zoo", "r8", command=ECHO).environment()
    assert Run("zoo", "r8").environment()["PYTHONPATH"] == "/mine"


def test_submitting_does_not_wait(tmp_path: Path) -> None:
    made = registrar(tmp_path, command=["/bin/sh", "-c", "sleep 1"])
    began = time.perf_counter()
    made.submit(checkpoint(tmp_path, 1), 1)
    assert time.perf_counter() - began < 0.5
    made.wait()
    assert "exit code 0" in log_of(tmp_path)


def test_command_that_hangs_is_stopped_and_the_next_one_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hang = 'case "$*" in *step=1*) sleep 60;; esac; echo went "$*"'
    made = registrar(tmp_path, command=["/bin/sh", "-c", hang, "sh"], timeout=1.0)
    began = time.perf_counter()
    for step in (1, 2):
        made.submit(checkpoint(tmp_path, step), step)
    made.wait()
    made.wait()
    assert time.perf_counter() - began < 15
    assert "step 1 is not registered: it took longer than 1 s and was stopped" in log_of(tmp_path)
    assert "step 2: exit code 0" in log_of(tmp_path)


def test_end_waits_no_longer_than_it_may(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = registrar(tmp_path, command=["/bin/sh", "-c", "sleep 0.8"], timeout=1.0)
    for step in (1, 2, 3, 4):
        made.submit(checkpoint(tmp_path, step), step)
    began = time.perf_counter()
    made.wait()
    assert time.perf_counter() - began < 2
    assert "are not registered 1 s after the training's end" in caplog.text


def test_failures_are_logged_each_and_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = registrar(tmp_path, command=["/bin/sh", "-c", "echo no zoo here >&2; exit 2"])
    for step in (1, 2, 3):
        made.submit(checkpoint(tmp_path, step), step)
    made.wait()
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "the checkpoint of step 1 is not registered: exit code 2" in warnings[0].getMessage()
    assert str(tmp_path / LOG_NAME) in warnings[0].getMessage()
    assert log_of(tmp_path).count("\nno zoo here\n") == 3
    assert log_of(tmp_path).count("is not registered: exit code 2") == 3


def test_checkpoint_that_was_deleted_meanwhile_is_said_to_be_gone(tmp_path: Path) -> None:
    made = registrar(tmp_path)
    made.submit(tmp_path / "checkpoint-9", 9)
    made.wait()
    assert f"{tmp_path / 'checkpoint-9'} is gone" in log_of(tmp_path)


def test_log_on_a_full_disk_is_no_matter(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = registrar(tmp_path, log="/dev/full", command=["/nowhere/cavewall"])
    made.submit(checkpoint(tmp_path, 1), 1)
    made.wait()
    assert "/nowhere/cavewall cannot be run: No such file or directory" in caplog.text
    assert "no log: /dev/full: No space left on device" in caplog.text


def test_folder_of_the_log_is_made(tmp_path: Path) -> None:
    made = registrar(tmp_path, log=tmp_path / "logs" / "zoo" / "r8.log")
    made.submit(checkpoint(tmp_path, 1), 1)
    made.wait()
    assert "called checkpoint add" in (tmp_path / "logs" / "zoo" / "r8.log").read_text()


def test_log_where_no_folder_can_be_made_is_no_matter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    made = registrar(tmp_path, log=tmp_path / "file" / "log")
    made.submit(checkpoint(tmp_path, 1), 1)
    made.wait()
    assert caplog.text == ""  # the checkpoint is registered all the same


def test_address_of_the_run_that_cannot_be_had_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise RuntimeError("no run yet")

    made = registrar(tmp_path, source_url=broken)
    made.submit(checkpoint(tmp_path, 1), 1)
    made.wait()
    assert "RuntimeError: no run yet" in caplog.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"series": ""}, "needs a name"),
        ({"command": "cavewall"}, "list of words"),
        ({"command": []}, "list of words"),
        ({"every": 0}, "from 1 on"),
        ({"name": "always"}, "would be called 'always'"),
        ({"timeout": 0}, "above 0"),
        ({"attributes": {"lr": float("nan")}}, "JSON"),
    ],
)
def test_argument_that_means_nothing_is_refused_before_the_training(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Run("/zoo", **({"series": "r8"} | options))


def test_callback_can_be_copied_while_it_works(tmp_path: Path) -> None:
    made = registrar(tmp_path)
    made.submit(checkpoint(tmp_path, 1), 1)
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):  # noqa: S301 - of our own bytes
        assert (other.run, other.folder) == (made.run, made.folder)
        other.wait()
    made.wait()


def test_only_the_standard_library_is_imported() -> None:
    tree = ast.parse(Path(background.__file__).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names)
