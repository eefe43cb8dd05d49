"""Models that transformers builds from a folder, a file of weights, or a seed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoTokenizer

from ingest.architectures import Blueprint, FileWeights, FolderArchitecture, OwnWeights, RandomWeights
from ingest.model_folders import has_vocabulary, torch_files
from ingest.weights import does_not_fit, load_weights, misfit_clause
from registry.errors import InputError, UsageError

_HARMLESS_IF_MISSING = "pooler"
_BUILD_ERRORS = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError)

transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def _config(folder: Path) -> Any:
    try:
        return AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except _BUILD_ERRORS as error:
        raise InputError(
            f"{folder}: transformers cannot read its configuration: {_first_line(error)}",
            hint="models that bring their own code are not run; convert the model, or import its embeddings",
        ) from error


def _class_of(config: Any) -> Any:
    """Return the class that a configuration says its weights were saved from, or None for the plain one."""
    for name in getattr(config, "architectures", None) or ():
        found = getattr(transformers, str(name), None)
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            return found
    return None


def _build(config: Any, *, is_plain: bool = False) -> Any:
    kind = None if is_plain else _class_of(config)
    if kind is None:
        return AutoModel.from_config(config, dtype=torch.float32, trust_remote_code=False)  # type: ignore[no-untyped-call]
    return kind._from_config(config, dtype=torch.float32)


def _shapeless(config: Any, *, is_plain: bool = False) -> Any:
    with torch.device("meta"):
        return _build(config, is_plain=is_plain)


def count_parameters(folder: Path) -> int | None:
    """Return the number of parameters of the network of a folder's configuration, None if unknown here."""
    try:
        model = _shapeless(_config(folder))
    except (InputError, *_BUILD_ERRORS):
        return None
    return int(sum(parameter.numel() for parameter in model.parameters()))


def require_fit(weights: FileWeights, like: str, folder: Path) -> None:
    """Refuse a file of weights that does not fit the network of a folder's configuration.

    Raises:
        InputError: a tensor is missing, unexpected or of another shape.
    """
    _from_file(weights, FolderArchitecture(folder, like), _config(folder))


def load_model(blueprint: Blueprint, name: str) -> Any:
    """Return a checkpoint's whole network, with its head where it has one, in float32 and evaluation mode.

    Raises:
        InputError: the files cannot be read, or weights are missing.
    """
    architecture, weights = blueprint.architecture, blueprint.weights
    if not isinstance(architecture, FolderArchitecture):
        raise UsageError(
            f"{name} is not a model of transformers", hint="'cavewall checkpoint list' shows what it is"
        )
    config = _config(architecture.folder)
    if isinstance(weights, RandomWeights):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(weights.seed)
            model = _build(config)
    elif isinstance(weights, FileWeights):
        model = _from_file(weights, architecture, config)
    else:
        model = _from_folder(weights, config, name)
    return model.eval()


def _from_file(weights: FileWeights, architecture: FolderArchitecture, config: Any) -> Any:
    """Load through the library, which knows old names and tied weights, but accept no gap and no surplus."""
    path, state = weights.path, load_weights(weights.path, weights.trust)
    clauses = []
    for kind in (_class_of(config), type(_shapeless(config, is_plain=True))):
        if kind is None:
            continue
        model, info = _loaded(kind, None, config, architecture.text, state_dict=dict(state))
        clause = _clause(info, unexpected=info.get("unexpected_keys", ()))
        if clause is None:
            return model
        clauses.append(clause)
    raise does_not_fit(path, architecture.text, clauses[0])


def _from_folder(weights: OwnWeights, config: Any, name: str) -> Any:
    what = f"{name}: {weights.folder}"
    state: dict[str, torch.Tensor] = {}
    for file in torch_files(weights.folder):
        state.update(load_weights(file, weights.trust))
    if state:
        kind = _class_of(config) or type(_shapeless(config, is_plain=True))
        model, info = _loaded(kind, None, config, what, state_dict=state)
    else:
        model, info = _loaded(
            _class_of(config) or AutoModel,
            str(weights.folder),
            config,
            what,
            use_safetensors=True,
            local_files_only=True,
        )
    clause = _clause(info, unexpected=())
    if clause is not None:
        raise InputError(
            f"{name}: the weights in {weights.folder} do not fit its config.json: {clause}",
            hint="the library would fill the gap with random numbers; save the model again",
        )
    return model


def _loaded(
    kind: Any, source: str | None, config: Any, what: str, **options: Any
) -> tuple[Any, Mapping[str, Any]]:
    try:
        model, info = kind.from_pretrained(
            source,
            config=config,
            trust_remote_code=False,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,  # they are refused by name, from what the library reports
            output_loading_info=True,
            **options,
        )
    except _BUILD_ERRORS as error:
        raise InputError(
            f"{what} cannot be loaded: {_first_line(error)}",
            hint="check that config.json and the weights belong together",
        ) from error
    return model, info


def _clause(info: Mapping[str, Any], *, unexpected: Collection[str]) -> str | None:
    """Return how weights do not fit, from the library's report; an unused pooler may be missing."""
    return misfit_clause(
        missing=sorted(key for key in info.get("missing_keys", ()) if _HARMLESS_IF_MISSING not in key),
        unexpected=sorted(unexpected),
        wrong=sorted(
            (key, tuple(found), tuple(asked)) for key, found, asked in info.get("mismatched_keys", ())
        ),
    )


def load_tokenizer(blueprint: Blueprint, name: str) -> Any:
    """Return the tokenizer of a checkpoint's folder.

    Raises:
        InputError: the folder has none.
    """
    architecture = blueprint.architecture
    folder = architecture.folder if isinstance(architecture, FolderArchitecture) else Path()
    hint = "save the tokenizer into the model's folder with tokenizer.save_pretrained"
    if not has_vocabulary(folder):
        raise InputError(f"{name}: {folder} has no tokenizer", hint=hint)
    try:
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except _BUILD_ERRORS as error:
        raise InputError(
            f"{name}: {folder} has no tokenizer that can be read: {_first_line(error)}", hint=hint
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def encoder_of(model: Any) -> Any:
    """Return the part of a network that answers with hidden states: no head, and no decoder."""
    base = model.base_model
    if getattr(base.config, "is_encoder_decoder", False):
        return base.get_encoder()
    return base


def longest_input(model: Any, tokenizer: Any) -> int:
    """Return how many tokens a model reads at most: its tokenizer's or its configuration's smaller bound."""
    bounds = [int(tokenizer.model_max_length)]
    for field in ("max_position_embeddings", "n_positions"):
        positions = getattr(model.config, field, None)
        if isinstance(positions, int) and positions > 0:
            bounds.append(positions)
    return min(bounds)
