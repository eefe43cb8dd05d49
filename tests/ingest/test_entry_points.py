"""Networks built by a function of the user's: imported only where that is allowed, and fitted strictly."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ingest.entry_points import Network, build_network, check_entry_point, source_digest
from ingest.trust import NO_TRUST, Trust
from registry.errors import InputError, RegistryError, UsageError
from registry.keys import sha256_of_file
from tests.ingest.own_nets import SMALL, cifar, documented_module, real_data, small_state, write_module

torch.set_num_threads(1)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    save_file(small_state(), tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def built(folder: Path, text: str, function: str, weights: Path) -> Network:
    entry_point = f"{write_module(folder, text)}:{function}"
    return build_network(entry_point, weights, Trust(entry_points={entry_point: folder}))


def test_the_file_fills_the_network(tmp_path: Path, weights: Path) -> None:
    network = built(tmp_path, SMALL, "plain", weights)
    assert torch.equal(network.module.state_dict()["head.bias"], small_state()["head.bias"])
    assert not network.module.training
    assert sys.path.count(str(tmp_path)) == 0


def test_what_is_not_trusted_is_not_imported(tmp_path: Path, weights: Path) -> None:
    name = write_module(
        tmp_path, "from pathlib import Path\nPath(__file__).with_suffix('.mark').touch()\n" + SMALL
    )
    other = Trust(entry_points={f"{name}:other": tmp_path})
    for trust in (NO_TRUST, other, Trust(every_pickle=True)):
        with pytest.raises(UsageError, match="code of yours, which runs only where you say so") as caught:
            build_network(f"{name}:plain", weights, trust)
        assert f'entry_points = ["{name}:plain"]' in caught.value.hint
    assert not list(tmp_path.glob("*.mark"))
    assert name not in sys.modules


def test_a_function_may_rename_the_tensors(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({f"net.{name}": tensor for name, tensor in small_state().items()}, path)
    with pytest.raises(
        InputError, match=r"'body\.0\.bias' is missing \(and 7 more\); 'net\.body\.0\.bias' is not"
    ):
        built(tmp_path, SMALL, "plain", path)
    renaming = SMALL + (
        "def renamed(tensors):\n"
        "    return Network(Small(), weights={name[4:]: tensor for name, tensor in tensors.items()})\n"
    )
    network = built(tmp_path, renaming, "renamed", path)
    assert torch.equal(network.module.state_dict()["stem.bias"], small_state()["stem.bias"])


@pytest.mark.parametrize(
    ("text", "function", "message"),
    [
        ("def f(:", "f", "importing .* failed: SyntaxError"),
        (
            "import nowhere_at_all",
            "f",
            "importing .* failed: ModuleNotFoundError: No module named 'nowhere_at_all'",
        ),
        ("1/0", "f", "importing .* failed: ZeroDivisionError"),
        ("x = 3", "f", "has no function 'f'"),
        ("f = 3", "f", "has no function 'f'"),
        ("def f(a, b): pass", "f", "asks for 2 arguments, expected none"),
        ("def f(): raise KeyError('a\\nb')", "f", "failed: KeyError"),
        ("def f(): return 3", "f", "returned int, expected a torch.nn.Module"),
        ("from torch import nn\ndef f(): return nn.Linear(1, 1)", "f", "'bias' is missing"),
    ],
)
def test_what_a_function_gets_wrong_is_one_sentence(
    tmp_path: Path, weights: Path, text: str, function: str, message: str
) -> None:
    with pytest.raises(RegistryError, match=message) as caught:
        built(tmp_path, text, function, weights)
    assert caught.value.message.isprintable()


def test_a_module_of_that_name_from_elsewhere_is_not_taken_for_it(tmp_path: Path, weights: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        (folder / "own_nets_twice.py").write_text(SMALL)
    entry_point = "own_nets_twice:plain"
    build_network(entry_point, weights, Trust(entry_points={entry_point: tmp_path / "a"}))
    with pytest.raises(InputError, match="'own_nets_twice' is in this process already"):
        build_network(entry_point, weights, Trust(entry_points={entry_point: tmp_path / "b"}))


def test_a_module_that_is_nowhere_is_named(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(UsageError, match="there is no module 'nets_nowhere'"):
        build_network("nets_nowhere:f", weights, Trust(entry_points={"nets_nowhere:f": tmp_path}))


@pytest.mark.parametrize(
    "text", ["nets", "nets:", ":f", "a b:f", "nets:f()", "../nets:f", "nets:f:g", "nets.py:f.g"]
)
def test_what_is_no_entry_point_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no entry point"):
        check_entry_point(text)


def test_the_source_of_the_code_has_a_digest(tmp_path: Path, weights: Path) -> None:
    name = write_module(tmp_path, SMALL)
    assert source_digest(f"{name}:plain") is None
    build_network(f"{name}:plain", weights, Trust(entry_points={f"{name}:plain": tmp_path}))
    assert source_digest(f"{name}:plain") == sha256_of_file(tmp_path / f"{name}.py")


@pytest.mark.parametrize(
    ("depth", "parameters", "accuracy"),
    [(20, 269_722, 0.78), (32, 464_154, 0.80), (44, 658_586, 0.78), (56, 853_018, 0.78)],
)
def test_the_documented_network_reads_the_real_files(
    tmp_path: Path, depth: int, parameters: int, accuracy: float
) -> None:
    """The pictures look like JPEGs of quality 75; re-encoded lower, these networks lose more."""
    data = real_data()
    (path,) = (data / "weights" / "cifar_resnets").glob(f"resnet{depth}-*.th")
    network = built(tmp_path, documented_module(), f"resnet{depth}", path)
    assert sum(parameter.numel() for parameter in network.module.parameters()) == parameters
    if depth > 20:
        return  # one network's pass is enough for each run of the tests
    images, labels = cifar(data)
    mean, std = torch.tensor(network.pictures.mean), torch.tensor(network.pictures.std)
    pixels = ((torch.from_numpy(images) / 255 - mean) / std).permute(0, 3, 1, 2)
    with torch.inference_mode():
        logits = torch.cat([network.module(part) for part in pixels.split(100)])
    assert (logits.argmax(1).numpy() == labels).mean() > accuracy
