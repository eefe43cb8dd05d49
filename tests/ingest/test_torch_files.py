"""Files of torch.save: unwrapped, refused in one sentence, and never run unless somebody trusts them."""

from __future__ import annotations

import pickle
import struct
import warnings
import zipfile
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from ingest.torch_files import read_torch, shown
from ingest.trust import NO_TRUST, Trust
from registry.errors import InputError
from registry.keys import sha256_of_file
from tests.ingest.pickles import FORMS, STATE, write_marked

torch.set_num_threads(1)


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model"])
@pytest.mark.parametrize("is_zip", [True, False])
def test_what_was_unwrapped_is_said(tmp_path: Path, wrapper: str, is_zip: bool) -> None:
    path = tmp_path / "w.pt"
    state = {f"module.{name}": tensor for name, tensor in STATE.items()}
    torch.save({wrapper: state, "epoch": 3}, path, _use_new_zipfile_serialization=is_zip)
    found = read_torch(path, NO_TRUST)
    assert found.unwrapped == (wrapper, "module.")
    assert torch.equal(found.tensors["a.weight"], STATE["a.weight"])


def test_a_prefix_that_only_some_names_have_stays(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({"module.a": torch.zeros(1), "b": torch.zeros(1)}, path)
    found = read_torch(path, NO_TRUST)
    assert (set(found.tensors), found.unwrapped) == ({"module.a", "b"}, ())


@pytest.mark.parametrize("form", FORMS)
def test_a_pickle_that_runs_code_is_refused_and_nothing_runs(tmp_path: Path, form: str) -> None:
    path = write_marked(tmp_path / "w.pt", tmp_path / "mark", form=form)
    with pytest.raises(InputError, match="cannot be loaded without running code from it") as caught:
        read_torch(path, NO_TRUST)
    assert not (tmp_path / "mark").exists()
    assert "\n" not in caught.value.message
    assert "--trust-pickle" in caught.value.hint
    assert sha256_of_file(path) in caught.value.hint


def test_the_refusal_names_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({"model": STATE, "args": Path("x")}, path)
    with pytest.raises(InputError, match=r"w\.pt .*: expected tensors, found pathlib\.\w+"):
        read_torch(path, NO_TRUST)


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_it_runs_where_its_digest_or_every_pickle_is_trusted(tmp_path: Path, form: str) -> None:
    path = write_marked(tmp_path / "w.pt", tmp_path / "mark", form=form)
    digest = sha256_of_file(path)
    with pytest.raises(InputError, match="without running code"):
        read_torch(path, Trust(pickles=frozenset({"0" * 64, digest[:63]})))
    assert not (tmp_path / "mark").exists()
    for trust in (Trust(pickles=frozenset({digest})), Trust(every_pickle=True)):
        found = read_torch(path, trust)
        assert torch.equal(found.tensors["a.weight"], STATE["a.weight"])
        assert trust.used == [digest]
        (tmp_path / "mark").rmdir()


def test_trust_is_not_used_where_it_is_not_needed(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "w.pt")
    trust = Trust(every_pickle=True)
    assert read_torch(tmp_path / "w.pt", trust).unwrapped == ()
    assert trust.used == []


def test_a_whole_module_gives_its_state_where_it_is_trusted(tmp_path: Path) -> None:
    module = torch.nn.Linear(3, 2)
    torch.save({"model": module, "args": Namespace(lr=1)}, tmp_path / "w.pt")
    found = read_torch(tmp_path / "w.pt", Trust(every_pickle=True))
    assert found.unwrapped == ("model", "Linear")
    assert {name: tuple(t.shape) for name, t in found.tensors.items()} == {"weight": (2, 3), "bias": (2,)}


def test_a_trusted_pickle_of_a_class_that_is_not_here_is_one_sentence(tmp_path: Path) -> None:
    data = pickle.dumps(Namespace(a=1), protocol=2).replace(b"argparse", b"argparsx")
    (tmp_path / "w.pt").write_bytes(data)
    with pytest.raises(InputError, match="even as a full pickle: ModuleNotFoundError"):
        read_torch(tmp_path / "w.pt", Trust(every_pickle=True))


def test_a_compressed_archive_is_not_unfolded(tmp_path: Path) -> None:
    stored, bomb = tmp_path / "stored.pt", tmp_path / "bomb.pt"
    torch.save({"a": torch.zeros(2_000_000)}, stored)
    with zipfile.ZipFile(stored) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert bomb.stat().st_size < 50_000
    with pytest.raises(InputError, match=r"compressed archive: its [\d,]+ bytes unfold to 8,\d+,\d+"):
        read_torch(bomb, NO_TRUST)


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="is a zip archive, but not one that torch"):
        read_torch(tmp_path / "w.pt", NO_TRUST)


def test_a_program_of_torchscript_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that TorchScript is old
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "w.pt"))
    with pytest.raises(InputError, match="found a TorchScript program"):
        read_torch(tmp_path / "w.pt", NO_TRUST)


def test_tensors_without_numbers_are_no_weights(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1_000_000, 1_000_000, device="meta")}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="holds no state dict"):
        read_torch(tmp_path / "w.pt", NO_TRUST)


def test_a_tensor_that_only_claims_its_size_is_no_weight(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(1_000_000_000, 1_000_000)}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="holds no state dict"):
        read_torch(tmp_path / "w.pt", NO_TRUST)


@pytest.mark.parametrize("count", [10**9, 10**12, 2**62])
@pytest.mark.parametrize("is_zip", [True, False])
def test_a_file_that_announces_more_than_it_holds_is_one_sentence(
    tmp_path: Path, count: int, is_zip: bool
) -> None:
    path = tmp_path / "w.pt"
    torch.save({"a": torch.zeros(6)}, path, _use_new_zipfile_serialization=is_zip)
    path.write_bytes(path.read_bytes().replace(b"K\x06", b"\x8a\x08" + struct.pack("<q", count)))
    with pytest.raises(InputError, match="is truncated or damaged"):
        read_torch(path, NO_TRUST)


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1], torch.zeros(3), {"a": 1.0}])
def test_what_is_no_state_dict_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(InputError, match="holds no state dict"):
        read_torch(tmp_path / "w.pt", NO_TRUST)


def test_text_from_a_file_stays_one_short_line() -> None:
    assert shown("a\nb\x1b[0m\ud800") == "a?b?[0m?"
    assert shown("x" * 500) == "x" * 160 + "…"
