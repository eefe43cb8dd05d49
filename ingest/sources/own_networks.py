"""Pictures through a network of the user's own: what its submodules put out, gathered by hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from ingest.architectures import EntryPointWeights
from ingest.entry_points import Network, build_network, source_digest
from ingest.extraction import Rule
from ingest.pictures import decode
from ingest.pooling import class_token, spatial_max, spatial_mean
from ingest.sources.answers import Answer, Running, dtype_of, versions_of
from ingest.sources.picture_feed import picture_feed
from ingest.sources.picture_preparation import Preparation, pooling_text
from ingest.sources.running import Work, how_computed, run
from registry.errors import InputError, UsageError

BATCH_SIZE = 64
LIBRARIES = ("torch", "pillow", "numpy")
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def chosen_layers(network: Network) -> list[str]:
    """Return the names of the submodules whose outputs are the layers.

    Where the user names none: the children that have parameters, sequences unrolled, without linear heads.

    Raises:
        InputError: a name is no submodule, or there is none.
    """
    modules = dict(network.module.named_modules())
    if network.layers is None:
        names = list(_blocks(network.module))
    else:
        names = list(network.layers)
        unknown = [name for name in names if name not in modules or not name]
        if unknown:
            raise InputError(
                f"the network has no submodule '{unknown[0]}' to take as a layer",
                hint=f"its children are {', '.join(name for name, _ in network.module.named_children())}",
            )
    if not names:
        raise InputError("the network names no layer and has no blocks", hint="say which: Network.layers")
    return names


def _blocks(module: nn.Module, prefix: str = "") -> Iterator[str]:
    for name, child in module.named_children():
        if isinstance(child, _CONTAINERS):
            yield from _blocks(child, f"{prefix}{name}.")
        elif not isinstance(child, nn.Linear) and next(child.parameters(), None) is not None:
            yield prefix + name


@contextmanager
def hooked(module: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Give a dictionary that each forward pass fills with the outputs of submodules, in order of execution.

    What runs a second time in a pass is called `name#2`.
    """
    seen: dict[str, Tensor] = {}

    def keeper(name: str) -> Callable[..., None]:
        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            first = output[0] if isinstance(output, tuple | list) and output else output
            if isinstance(first, Tensor):
                count = sum(key == name or key.startswith(f"{name}#") for key in seen)
                seen[f"{name}#{count + 1}" if count else name] = first

        return keep

    handles = [module.get_submodule(name).register_forward_hook(keeper(name)) for name in names]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def pooled(output: Tensor, *, pooling: str, prefix_tokens: int) -> Tensor:
    """Return one row per picture of what a submodule puts out.

    Args:
        output: `(b, d)`, a map `(b, d, h, w)` or tokens `(b, t, d)`.
        pooling: of the rule; a map has no class token, only a mean or a maximum.
        prefix_tokens: how many tokens come before the patches.

    Returns:
        `(b, d)`.

    Raises:
        UsageError: the rule asks for a class token that is not there.
        InputError: the output has another number of axes.
    """
    if output.ndim == 2:
        return output
    if output.ndim == 4:
        return spatial_max(output) if pooling == "max" else spatial_mean(output)
    if output.ndim != 3:
        raise InputError(
            f"a layer puts out {output.ndim} axes, expected (b, d), (b, d, h, w) or (b, t, d)",
            hint="name other submodules: Network.layers",
        )
    if pooling.startswith("cls"):
        if prefix_tokens:
            return class_token(output)
        if pooling == "cls":
            raise UsageError("the network says that it has no class token", hint="Network(prefix_tokens=1)")
    patches = output[:, prefix_tokens:]
    return spatial_max(patches) if pooling == "max" else spatial_mean(patches)


def extract(
    weights: EntryPointWeights,
    name: str,
    images: Sequence[bytes],
    ids: Sequence[str],
    rule: Rule,
    running: Running,
) -> Answer:
    """Return what the chosen submodules put out, in order of execution, pooled by the rule.

    What an interrupted run left is not taken up: the user's code may have changed since.

    Args:
        weights: the entry point, the file and what this command may run.
        name: what the user calls the checkpoint.
        images: encoded pictures, in the order of the data set.
        ids: of the items, for sentences.
        rule: the extraction.
        running: where, and in which batches.

    Raises:
        UsageError: this command may not run the entry point, or the rule asks for a token that is not there.
        InputError: the network cannot be built, no layer answers, or a picture cannot be read.
    """
    network = build_network(weights.entry_point, weights.path, weights.trust)
    layers = chosen_layers(network)
    prepare = _preparation(network, rule, images[0], ids[0])
    device, dtype = running.device, dtype_of(rule)
    module = network.module.to(device=device, dtype=dtype)
    with hooked(module, layers) as seen:

        def compute(pixels: Tensor) -> dict[str, Tensor]:
            seen.clear()
            module(pixels.to(device=device, dtype=dtype))
            if not seen:
                raise InputError(f"{name}: no layer put out a tensor", hint="name others: Network.layers")
            return {
                layer: pooled(output, pooling=rule.pooling, prefix_tokens=network.prefix_tokens).float()
                for layer, output in seen.items()
            }

        work = Work(name, len(images), picture_feed(prepare, images, ids, workers=running.workers), compute)
        done = run(work, replace(running, partial=None), BATCH_SIZE)
    resolved = {
        **prepare.resolved,
        "architecture": weights.entry_point,
        "architecture_sha256": source_digest(weights.entry_point),
        "pooling": pooling_text(rule.pooling, has_class_token=network.prefix_tokens > 0),
        "pooled": "none",
        **how_computed(rule, running, done),
        "note": "layers are the outputs of the network's submodules, in order of execution",
    }
    return Answer(done.layers, resolved, versions_of(*LIBRARIES), done.batch_size)


def _preparation(network: Network, rule: Rule, first: bytes, first_id: str) -> Preparation:
    """Return the user's preprocessing; where it names no size, the first picture's holds for all."""
    own = network.pictures
    size = own.size
    if size is None:
        picture = decode(first, first_id)
        size = (picture.height, picture.width)
    return Preparation(rule, size=size, interpolation=own.interpolation, mean=own.mean, std=own.std)
