"""Register checkpoints from inside a training run: by processes of their own, one after the other.

This runs in somebody else's program. It uses the standard library alone, imports none of the layers, and
raises nothing once it is made: what fails goes to a log, and the first failure to one warning.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

LOG_NAME = "cavewall-registering.log"
KINDNESS = 10  # the child's niceness: the training comes first
GRACE = 5.0  # seconds between asking a child to stop and making it

logger = logging.getLogger("cavewall.training")

SourceUrl = str | Callable[[], str | None]


@dataclass(frozen=True)
class Run:
    """Where the checkpoints of one training run are registered, and as what.

    Attributes:
        zoo: a folder in a zoo, the path of an SQLite registry, or a database URL.
        series: the training run that they are points of.
        command: the program, where it is not this environment's `cavewall`.
        every: only steps that are multiples of it; None for every checkpoint that is saved.
        name: what to call them, with `{step}` in it; None for `SERIES-stepN`.
        attributes: anything else that is known, as JSON has it.
        like: whose architecture weight files have; a folder of a Hugging Face model says so itself.
        source_url: the run in W&B or MLflow, or what returns it once it is known.
        log: the log's file; None for one in the training's folder.
        timeout: seconds for one registration, and for the end of the training to wait for those queued.

    Raises:
        ValueError: an argument can mean nothing.
    """

    zoo: str | os.PathLike[str]
    series: str
    command: Sequence[str] | None = None
    every: int | None = None
    name: str | None = None
    attributes: Mapping[str, Any] | None = None
    like: str | None = None
    source_url: SourceUrl | None = None
    log: str | os.PathLike[str] | None = None
    timeout: float = 300.0

    def __post_init__(self) -> None:
        if not self.series:
            raise ValueError("a training run needs a name: series='r8'")
        if isinstance(self.command, str) or (self.command is not None and not self.command):
            raise ValueError("command is a list of words, for example ['/path/to/venv/bin/cavewall']")
        if self.every is not None and self.every < 1:
            raise ValueError(f"every is a number of steps from 1 on, not {self.every}")
        if self.name is not None and _filled(self.name, 0) == _filled(self.name, 1):
            raise ValueError(f"every checkpoint would be called '{self.name}': write {{step}} into it")
        if not self.timeout > 0:
            raise ValueError(f"timeout is a number of seconds above 0, not {self.timeout}")
        self.settings()  # attributes that are no JSON raise now, not at the first checkpoint
        zoo = os.fspath(self.zoo)
        object.__setattr__(self, "zoo", zoo if "://" in zoo else str(Path(zoo).absolute()))

    def wants(self, step: int) -> bool:
        """Return whether the checkpoint of a step is to be registered."""
        return self.every is None or step % self.every == 0

    def settings(self) -> list[str]:
        """Return the attributes as options of the command line."""
        return [f"--set={key}={_as_json(value)}" for key, value in (self.attributes or {}).items()]

    def arguments(self, path: Path, step: int, url: str | None) -> list[str]:
        """Return the command line that registers one checkpoint, after the program."""
        given = [f"--series={self.series}", f"--step={step}", *self.settings()]
        if self.name is not None:
            given.append(f"--name={_filled(self.name, step)}")
        if self.like is not None:
            given.append(f"--like={self.like}")
        if url:
            given.append(f"--source-url={url}")
        return ["checkpoint", "add", f"path:{path}", *given]

    def program(self) -> list[str]:
        """Return the program: the one that was named, or the `cavewall` of this environment."""
        if self.command is not None:
            return [os.fspath(word) for word in self.command]
        beside = Path(sys.executable).with_name("cavewall")
        return [str(beside) if beside.exists() else shutil.which("cavewall") or "cavewall"]

    def environment(self) -> dict[str, str]:
        """Return the child's environment: it sees the zoo, no GPU, one thread."""
        left_out = (
            () if self.command is None else ("PYTHONPATH", "PYTHONHOME")
        )  # they are of this environment
        inherited = {name: value for name, value in os.environ.items() if name not in left_out}
        own = {
            "CAVEWALL_DB": str(self.zoo),  # an address may hold a password, which a command line would show
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
            "NO_COLOR": "1",
        }
        return inherited | own


def _filled(name: str, step: int) -> str:
    return name.replace("{step}", str(step))


def _as_json(value: Any) -> str:
    """Return a value as `--set` reads it back: JSON, or a text that is none."""
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            return value
    return json.dumps(value, allow_nan=False)


@dataclass(frozen=True)
class _Job:
    path: Path
    step: int
    words: list[str]
    log: Path


class Registrar:
    """A queue of checkpoints, and one thread that runs the command for each."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder: Path | None = None
        self._lock = threading.Lock()
        self._warned = False
        self._jobs: queue.SimpleQueue[_Job] | None = None
        self._done = threading.Condition(self._lock)
        self._open = 0

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy of the callback needs: libraries pickle or deep-copy a trainer's callbacks."""
        return {"run": self.run, "folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["run"])  # type: ignore[misc]
        self.folder = state["folder"]

    @property
    def log(self) -> Path:
        """Return where the log lies."""
        if self.run.log is not None:
            return Path(self.run.log)
        return (self.folder or Path()) / LOG_NAME

    def submit(self, path: str | os.PathLike[str], step: int) -> None:
        """Queue a checkpoint, if its step is wanted, and return at once; nothing is raised."""
        try:
            if not self.run.wants(step):
                return
            url = self.run.source_url() if callable(self.run.source_url) else self.run.source_url
            place = Path(path).absolute()
            words = [*self.run.program(), *self.run.arguments(place, step, url)]
            self._put(_Job(place, step, words, self.log.absolute()))
        except Exception as error:  # whatever it is, also in the user's `source_url`: the training goes on
            self.fail(step, f"{type(error).__name__}: {error}")

    def wait(self) -> None:
        """Wait until the queue is empty, at most `timeout` seconds, and say what is left over."""
        with self._done:
            self._done.wait_for(lambda: self._open == 0, timeout=self.run.timeout)
            left = self._open
        if left:
            self._warn(
                f"{left} checkpoints are not registered {self.run.timeout:g} s after the training's end; "
                f"what was tried is in {self.log}"
            )

    def fail(self, step: int, reason: str) -> None:
        """Write to the log, and warn the first time, that a checkpoint could not be registered."""
        unwritten = self._write(self.log, f"step {step} is not registered: {reason}\n")
        where = f"no log: {unwritten}" if unwritten else f"see {self.log}, which also names later ones"
        self._warn(f"the checkpoint of step {step} is not registered: {reason} ({where})")

    def _put(self, job: _Job) -> None:
        with self._lock:
            if self._jobs is None:
                jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
                threading.Thread(target=self._work, args=(jobs,), name="cavewall", daemon=True).start()
                self._jobs = jobs
            self._open += 1
            self._jobs.put(job)

    def _work(self, jobs: queue.SimpleQueue[_Job]) -> None:
        while True:
            job = jobs.get()
            try:
                reason = self._register(job)
                if reason is not None:
                    self.fail(job.step, reason)
            except Exception as error:  # the thread must live for the checkpoints that follow
                self.fail(job.step, f"{type(error).__name__}: {error}")
            finally:
                with self._done:
                    self._open -= 1
                    self._done.notify_all()

    def _register(self, job: _Job) -> str | None:
        """Run the command for one checkpoint and return why it failed, or None."""
        if not job.path.exists():
            return f"{job.path} is gone; was it deleted by a limit on saved checkpoints?"
        self._write(job.log, f"$ {shlex.join(job.words)}\n")
        began = time.monotonic()
        with _output(job.log) as output:
            try:
                child = subprocess.Popen(  # noqa: S603 - the user's own program, without a shell
                    job.words,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=self.run.environment(),
                    start_new_session=True,  # ctrl-c stops the training, and no registration halfway
                )
            except OSError as error:
                return f"{job.words[0]} cannot be run: {error.strerror}"
        with suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, child.pid, KINDNESS)
        try:
            code = child.wait(self.run.timeout)
        except subprocess.TimeoutExpired:
            _stop(child)
            return f"it took longer than {self.run.timeout:g} s and was stopped"
        self._write(job.log, f"step {job.step}: exit code {code} after {time.monotonic() - began:.1f} s\n")
        return None if code == 0 else f"exit code {code} of {job.words[0]}"

    def _write(self, log: Path, text: str) -> str:
        """Append to the log and return why that was impossible, or an empty text."""
        try:
            with _opened(log) as file:
                file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}")
        except OSError as error:
            return f"{log}: {error.strerror}"
        return ""

    def _warn(self, text: str) -> None:
        with self._lock:
            warned, self._warned = self._warned, True
        if not warned:
            logger.warning("cavewall: %s; the training goes on", text)


def _output(log: Path) -> TextIO:
    """Return where the child writes: the log, or nowhere if that cannot be opened."""
    try:
        return _opened(log)
    except OSError:
        return _opened(Path(os.devnull))


def _opened(log: Path) -> TextIO:
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("a", encoding="utf-8")


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End a child and what it started: asked first, so that it puts in order what is half done."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(OSError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)
            return
