"""What a stranger brings runs only where this command line or this host says so, never because a row does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from ingest.datasets import add_dataset
from ingest.items_from_files import items_from_arrays
from registry.handle import Registry
from registry.keys import sha256_of_file
from tests.cavewall.conftest import Call
from tests.ingest.own_nets import SMALL, cifar, documented_module, real_data, small_state, write_module
from tests.ingest.pickles import FORMS, write_marked

torch.set_num_threads(1)


@pytest.fixture
def pictures(zoo: Registry) -> Path:
    """A zoo with four pictures, and its folder, which is the working folder."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 20, 20, 3), dtype=np.uint8)
    add_dataset(zoo, "noise", items_from_arrays(pixels, ids=[f"i{number}" for number in range(4)]))
    assert zoo.settings.folder is not None
    return zoo.settings.folder


@pytest.fixture
def vit_state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return dict(timm.create_model("test_vit", pretrained=False).state_dict())


def digests(call: Call) -> list[list[str]]:
    """Return what the runs say about pickles, oldest first."""
    runs = json.loads(call("run", "list", "--format", "json").stdout)["data"]
    counts = [run["counts"] for run in sorted(runs, key=lambda run: run["run_id"])]
    return [count["trusted_pickle"] for count in counts if "trusted_pickle" in count]


def trust_file(folder: Path, line: str) -> None:
    (folder / "cavewall.toml").write_text(f"[trust]\n{line}\n", encoding="utf-8")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "options", [[], ["--like", "timm:test_vit"], ["--architecture", "OWN"], ["--dry-run"]]
)
def test_adding_never_runs_a_pickle(call: Call, pictures: Path, form: str, options: list[str]) -> None:
    own = f"{write_module(pictures, SMALL)}:plain"
    write_marked(pictures / "w.pt", pictures / "mark", small_state(), form=form)
    result = call("checkpoint", "add", "path:w.pt", *[own if word == "OWN" else word for word in options])
    assert result.exit_code == 1
    assert "cannot be loaded without running code from it" in result.stderr
    assert "--trust-pickle" in result.stderr
    assert not (pictures / "mark").exists()
    assert json.loads(call("checkpoint", "list", "--format", "json").stdout)["data"] == []


def test_the_word_lets_it_run_and_the_run_keeps_its_digest(
    call: Call, pictures: Path, vit_state: dict[str, torch.Tensor]
) -> None:
    path = write_marked(pictures / "w.pt", pictures / "mark", vit_state)
    options = ("--like", "timm:test_vit", "--name", "vit", "--trust-pickle")
    assert call("checkpoint", "add", "path:w.pt", *options).exit_code == 0
    assert (pictures / "mark").exists()
    assert digests(call) == [[sha256_of_file(path)]]
    failed = call("checkpoint", "add", "path:w.pt", *options)  # the mark is there already: it runs, and fails
    assert "even as a full pickle: FileExistsError" in failed.stderr
    assert digests(call) == [[sha256_of_file(path)]] * 2


def test_a_later_command_refuses_again_unless_this_host_lists_the_digest(
    call: Call, pictures: Path, vit_state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"model": vit_state, "args": Path("x")}, pictures / "w.pt")  # harmless, and more than tensors
    digest = sha256_of_file(pictures / "w.pt")
    options = ("--like", "timm:test_vit", "--name", "vit")
    assert call("checkpoint", "add", "path:w.pt", *options).exit_code == 1
    added = call("checkpoint", "add", "path:w.pt", *options, "--trust-pickle")
    assert added.exit_code == 0, added.stderr
    assert digests(call) == [[digest]]
    for arguments in (("embed", "extract"), ("embed", "extract", "vit")):
        refused = call(*arguments, "--device", "cpu")
        assert refused.exit_code == 1
        assert "expected tensors, found pathlib." in refused.stdout + refused.stderr
    monkeypatch.setenv("CAVEWALL_EMBED_EXTRACT_TRUST_PICKLE", "1")
    assert call("embed", "extract", "--device", "cpu").exit_code == 1
    trust_file(pictures, f'pickles = ["{digest[:-1]}0"]')
    assert call("embed", "extract", "--device", "cpu").exit_code == (0 if digest.endswith("0") else 1)
    assert len(digests(call)) == 1
    trust_file(pictures, f'pickles = ["{digest}"]')
    extracted = call("embed", "extract", "--device", "cpu")
    assert extracted.exit_code == 0, extracted.stderr
    assert digests(call) == [[digest], [digest]]
    trust_file(pictures, "")
    assert call("embed", "extract", "vit", "--replace", "--yes", "--device", "cpu").exit_code == 1
    again = call("embed", "extract", "vit", "--replace", "--yes", "--device", "cpu", "--trust-pickle")
    assert again.exit_code == 0, again.stderr
    assert digests(call) == [[digest]] * 3


def test_a_file_that_is_swapped_for_a_pickle_does_not_run(
    call: Call, pictures: Path, vit_state: dict[str, torch.Tensor]
) -> None:
    torch.save(vit_state, pictures / "w.pt")
    assert call("checkpoint", "add", "path:w.pt", "--like", "timm:test_vit").exit_code == 0
    write_marked(pictures / "w.pt", pictures / "mark", vit_state)
    result = call("embed", "extract", "--device", "cpu", "--trust-pickle")
    assert "has changed since it was registered" in result.stdout
    assert not (pictures / "mark").exists()


def test_a_network_of_ones_own_runs_only_where_it_is_named(call: Call, pictures: Path) -> None:
    save_file(small_state(), pictures / "w.safetensors")
    name = write_module(
        pictures, "from pathlib import Path\nPath(__file__).with_suffix('.mark').touch()\n" + SMALL
    )
    own, mark = f"{name}:plain", pictures / f"{name}.mark"
    added = call("checkpoint", "add", "path:w.safetensors", "--architecture", own, "--name", "small")
    assert added.exit_code == 0, added.stderr
    assert "plain  347 parameters" in added.stdout
    mark.unlink()
    del sys.modules[name]  # as another process would find it
    skipped = call("embed", "extract", "--device", "cpu")
    assert skipped.exit_code == 0
    assert skipped.stdout.startswith(f"skipped  small  its architecture {own} is code of yours")
    for options in ([], ["--architecture", "nets:other"], ["--trust-pickle"]):
        refused = call("embed", "extract", "small", "--device", "cpu", *options)
        assert refused.exit_code == 2
        assert f'entry_points = ["{own}"]' in refused.stderr
    assert not mark.exists()
    assert name not in sys.modules
    trust_file(pictures, f'entry_points = ["{own}"]')
    assert call("embed", "extract", "--device", "cpu").stdout.endswith("added 1\n")
    assert mark.exists()


def test_the_same_weights_have_one_architecture(call: Call, pictures: Path) -> None:
    save_file(small_state(), pictures / "w.safetensors")
    own = f"{write_module(pictures, SMALL + 'other = plain')}:plain"
    assert call("checkpoint", "add", "path:w.safetensors", "--name", "small").exit_code == 0
    learnt = call("checkpoint", "add", "path:w.safetensors", "--architecture", own)
    assert learnt.stdout.startswith("changed  small")
    again = call("checkpoint", "add", "path:w.safetensors", "--architecture", own)
    assert again.stdout.startswith("unchanged  small")
    other = call("checkpoint", "add", "path:w.safetensors", "--architecture", own.replace("plain", "other"))
    assert other.exit_code == 1
    assert "weights have one architecture" in other.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["timm:test_vit", "--architecture", "nets:f"],
        ["path:w.safetensors", "--architecture", "nets:f", "--like", "timm:test_vit"],
        ["path:w.safetensors", "--architecture", "nets"],
        ["path:w.safetensors", "--architecture", "nets_nowhere:f"],
        ["path:w.safetensors", "--architecture", "nets:f", "--modality", "language"],
        ["path:.", "--architecture", "nets:f"],
    ],
)
def test_an_architecture_that_means_nothing_is_wrong_usage(
    call: Call, pictures: Path, arguments: list[str]
) -> None:
    save_file(small_state(), pictures / "w.safetensors")
    result = call("checkpoint", "add", *arguments)
    assert result.exit_code == 2, result.stderr
    assert "Traceback" not in result.stderr


def test_the_real_networks_of_cifar_are_embedded(call: Call, zoo: Registry) -> None:
    data = real_data()
    images, _ = cifar(data)
    assert zoo.settings.folder is not None
    ids = [f"{number:03}" for number in range(100)]
    add_dataset(zoo, "cifar", items_from_arrays(images[:100], ids=ids))
    own = f"{write_module(zoo.settings.folder, documented_module())}:resnet20"
    (path,) = (data / "weights" / "cifar_resnets").glob("resnet20-*.th")
    added = call("checkpoint", "add", f"path:{path}", "--architecture", own, "--name", "resnet20")
    assert added.exit_code == 0, added.stderr
    assert "269,722 parameters" in added.stdout
    assert "unwrapped state_dict, module." in added.stdout
    shown = json.loads(call("checkpoint", "show", "resnet20", "--format", "json").stdout)["data"]
    assert shown["attributes"] == {"unwrapped": ["state_dict", "module."]}
    extracted = call("embed", "extract", "--architecture", own, "--device", "cpu")
    assert extracted.stdout.endswith("added 1\n"), extracted.stderr
    (line,) = json.loads(call("embed", "list", "--format", "json").stdout)["data"]
    assert (line["layer_count"], line["widest"]) == (10, 64)
