"""The callback of transformers' `Trainer`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise ImportError("RegisterCheckpoints needs transformers: pip install transformers") from error

from cavewall.background import Registrar, Run, SourceUrl


class RegisterCheckpoints(TrainerCallback):
    """Register every checkpoint that a `Trainer` saves, in the background, without ever stopping it.

    A checkpoint is registered as `path:` of its folder, with the step as its point of the series. What fails
    is written to a log, `cavewall-registering.log` in the output folder, and warned of once.

    Args:
        zoo: a folder in a zoo, the path of an SQLite registry, or a database URL.
        series: the training run's name.
        command: the program, where `cavewall` lives in another environment: `["/venv/bin/cavewall"]`.
        every: only steps that are multiples of it.
        name: what to call them, with `{step}` in it; `SERIES-stepN` where it is None.
        attributes: anything else that is known, for example `{"lr": 3e-4}`.
        like: whose architecture weights have that come without a configuration.
        source_url: the run in W&B or MLflow, or a function that returns it once it is known.
        log: another file for the log.
        timeout: seconds for one registration, and for the end of the training to wait for those queued.

    Raises:
        ValueError: an argument can mean nothing.
    """

    def __init__(
        self,
        zoo: str | os.PathLike[str],
        *,
        series: str,
        command: Sequence[str] | None = None,
        every: int | None = None,
        name: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        like: str | None = None,
        source_url: SourceUrl | None = None,
        log: str | os.PathLike[str] | None = None,
        timeout: float = 300.0,
    ) -> None:
        self.registrar = Registrar(
            Run(zoo, series, command, every, name, attributes, like, source_url, log, timeout)
        )

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Queue the checkpoint that was just saved; of several processes the first one does."""
        if not state.is_world_process_zero:
            return
        self.registrar.folder = Path(args.output_dir)
        self.registrar.submit(_folder(args, state), state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Wait for what is queued, at most `timeout` seconds."""
        if state.is_world_process_zero:
            self.registrar.wait()


def _folder(args: Any, state: Any) -> Path:
    """Return the folder of the step: in a hyperparameter search each trial has one of its own."""
    output, name = Path(args.output_dir), f"checkpoint-{state.global_step}"
    if not state.is_hyper_param_search or (output / name).exists():
        return output / name
    trials = output.glob(f"*/{name}")
    return max(trials, key=lambda folder: folder.stat().st_mtime, default=output / name)
