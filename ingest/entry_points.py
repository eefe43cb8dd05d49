"""Networks that no library has: built by a function of the user's, which is named as `module:function`."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.torch_files import first_line
from ingest.trust import Trust
from ingest.weights import load_weights, misfit
from registry.errors import InputError, UsageError
from registry.keys import sha256_of_file

if TYPE_CHECKING:
    from torch import Tensor, nn

_FORM = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)
_COUNTER = "num_batches_tracked"  # which files older than PyTorch 0.4.1 lack; evaluation does not read it
_GUIDE = "see docs/architectures.md"
_USER_ERRORS = (
    OSError, RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, ImportError,
    AssertionError, NotImplementedError, MemoryError, ArithmeticError, NameError, SyntaxError,
)  # fmt: skip


@dataclass(frozen=True)
class Pictures:
    """How a network wants its pictures: squeezed to a size, scaled to 0..1, then `(x - mean) / std`.

    Attributes:
        size: height and width; the picture's own where it is None.
        mean: of each channel.
        std: of each channel.
        interpolation: `bicubic`, `bilinear`, `lanczos` or `nearest`.
    """

    size: tuple[int, int] | None = None
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    interpolation: str = "bicubic"


@dataclass(frozen=True)
class Network:
    """What an entry point may return instead of a bare module.

    Attributes:
        module: the network; it takes pictures, `(b, 3, h, w)`.
        layers: names of the submodules whose outputs are the layers; None takes the blocks.
        pictures: the preprocessing.
        weights: the file's tensors under this network's names, where these differ from the file's.
        prefix_tokens: how many tokens come before the patches; the first of them is the class token.
    """

    module: nn.Module
    layers: Sequence[str] | None = None
    pictures: Pictures = field(default_factory=Pictures)
    weights: Mapping[str, Tensor] | None = None
    prefix_tokens: int = 0


def check_entry_point(text: str) -> str:
    """Return the name of an entry point, if it is one.

    Raises:
        UsageError: it is not of the form `module:function`.
    """
    if not _FORM.fullmatch(text):
        raise UsageError(f"'{text}' is no entry point", hint=f"write module:function; {_GUIDE}")
    return text


def build_network(text: str, path: Path, trust: Trust) -> Network:
    """Return the user's network with a file's weights in it, in float32 and evaluation mode.

    This is the one place that imports an entry point.

    Args:
        text: `module:function`.
        path: the file of the weights.
        trust: what this command may run.

    Raises:
        UsageError: this command may not run it, or there is no such function.
        InputError: the function fails, or the weights do not fit what it returns.
    """
    folder = trust.require_entry_point(check_entry_point(text))
    state = load_weights(path, trust)
    function = _function(text, folder)
    with _importing_from(folder):
        network = _call(text, function, state)
    weights = state if network.weights is None else dict(network.weights)
    _load(text, path, network.module, weights)
    network.module.float().eval()
    return network


def source_digest(text: str) -> str | None:
    """Return the sha256 of the source file of an entry point that was imported, or None where it has none."""
    file = getattr(sys.modules.get(text.partition(":")[0]), "__file__", None)
    return sha256_of_file(Path(file)) if file and Path(file).is_file() else None


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Let imports find what lies in a folder, as `python -m` does, for as long as this lasts."""
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _function(text: str, folder: Path) -> Any:
    module_name, _, function_name = text.partition(":")
    try:
        with _importing_from(folder):
            module = importlib.import_module(module_name)
    except _USER_ERRORS as error:
        if isinstance(error, ModuleNotFoundError) and module_name.startswith(str(error.name)):
            raise UsageError(
                f"there is no module '{module_name}' in {folder}, nor among the installed packages",
                hint=f"run the command where {module_name.partition('.')[0]}.py lies; {_GUIDE}",
            ) from error
        raise InputError(
            f"{text}: importing {module_name} failed: {type(error).__name__}: {first_line(error)}",
            hint=f"python -c 'import {module_name}' shows where",
        ) from error
    _require_place(module_name, module, folder)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise UsageError(
            f"{module_name} has no function '{function_name}'",
            hint=f"it is {getattr(module, '__file__', 'a built-in module')}; {_GUIDE}",
        )
    return function


def _require_place(module_name: str, module: Any, folder: Path) -> None:
    """Refuse a module of the same name from elsewhere, which this process had imported before."""
    top = folder / module_name.partition(".")[0]
    is_here = top.with_suffix(".py").is_file() or (top / "__init__.py").is_file()
    found = getattr(module, "__file__", None) or "a built-in module"
    if is_here and not Path(found).resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"'{module_name}' is in this process already: expected that of {folder}, found {found}",
            hint="give the file another name, or use a process of its own",
        )


def _call(text: str, function: Any, state: dict[str, Tensor]) -> Network:
    try:
        answer = function(dict(state)) if _takes_weights(text, function) else function()
    except _USER_ERRORS as error:
        raise InputError(
            f"{text} failed: {type(error).__name__}: {first_line(error)}", hint=f"call it yourself; {_GUIDE}"
        ) from error
    from torch import nn

    network = Network(answer) if isinstance(answer, nn.Module) else answer
    if not isinstance(network, Network) or not isinstance(network.module, nn.Module):
        raise InputError(
            f"{text} returned {type(answer).__name__}, expected a torch.nn.Module or an "
            "ingest.entry_points.Network",
            hint=_GUIDE,
        )
    return network


def _takes_weights(text: str, function: Any) -> bool:
    try:
        needed = [
            parameter
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        return False
    if len(needed) > 1:
        raise InputError(
            f"{text} asks for {len(needed)} arguments, expected none, or the file's tensors by name",
            hint=_GUIDE,
        )
    return bool(needed)


def _load(text: str, path: Path, module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in expected:
        if name.rpartition(".")[2] == _COUNTER and name not in found:
            found[name] = expected[name]
    clause = misfit(expected, found)
    if clause is not None:
        raise InputError(
            f"{path} does not fit {text}: {clause}",
            hint=f"the function may take the tensors and rename them (Network.weights); {_GUIDE}",
        )
    module.load_state_dict(dict(weights), strict=True)
