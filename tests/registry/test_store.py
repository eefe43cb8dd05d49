from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from registry.errors import EmbeddingMismatch, StoreError
from registry.layers import layer_sha256, read_layers, write_layers
from registry.store import Store, write_exclusively


def written(store: Store, data: bytes) -> tuple[str, str]:
    stored = store.write("things", ".bin", lambda path: path.write_bytes(data) and None)
    return stored.uri, stored.sha256


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_named_by_its_content(tmp_path: Path) -> None:
    store = Store(tmp_path)
    uri, sha256 = written(store, b"some bytes")
    assert uri == f"things/{sha256[:2]}/{sha256}.bin"
    assert store.checked_path(uri, sha256).read_bytes() == b"some bytes"


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert written(store, b"twice") == written(store, b"twice")
    assert len(files(tmp_path)) == 1


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def writer(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="could not take a file: No space left on device"):
        Store(tmp_path).write("things", ".bin", writer)
    assert files(tmp_path) == []


def test_a_full_disk_leaves_no_embedding(tmp_path: Path) -> None:
    """The kernel refuses to let the file grow: the library's error becomes a sentence, and no file stays."""
    code = (
        "import resource, signal, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from registry.errors import StoreError\n"
        "from registry.layers import write_layers\n"
        "from registry.store import Store\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    write_layers(Store(Path(sys.argv[1])), 'embeddings', {'a': np.zeros((100, 100))}, {})\n"
        "except StoreError as error:\n"
        "    print('refused:', error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "refused:" in result.stdout
    assert "could not take a file" in result.stdout
    assert files(tmp_path) == []


def test_a_store_that_is_not_writable_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="is not writable"):
        written(Store(tmp_path / "file" / "store"), b"x")


def test_changed_and_missing_files_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    uri, sha256 = written(store, b"as it was")
    store.path(uri).write_bytes(b"changed")
    with pytest.raises(StoreError, match="was changed or damaged"):
        store.checked_path(uri, sha256)
    store.path(uri).unlink()
    with pytest.raises(StoreError, match="is missing in the store"):
        store.checked_path(uri, sha256)


@pytest.mark.parametrize("uri", ["../outside", "things/../../outside", "/etc/passwd", "."])
def test_an_address_cannot_leave_the_store(tmp_path: Path, uri: str) -> None:
    with pytest.raises(StoreError, match="leads out of the store"):
        Store(tmp_path / "store").path(uri)


def test_a_link_cannot_leave_the_store(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(StoreError, match="leads out of the store"):
        Store(root).path("link/secret")


def test_an_exclusive_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "manifests" / "1"
    write_exclusively(path, b"first")
    with pytest.raises(FileExistsError):
        write_exclusively(path, b"second")
    assert path.read_bytes() == b"first"
    assert files(tmp_path) == ["manifests/1"]


def test_layers_come_back_in_the_order_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    layers = {name: np.random.default_rng(i).normal(size=(5, i + 1)) for i, name in enumerate("cab")}
    stored = write_layers(store, "embeddings", layers, {"order": "x"})
    back = read_layers(store, stored.uri, stored.sha256, ["a", "b", "c"])
    assert all((back[i] == layers[name]).all() for i, name in enumerate("abc"))


def test_a_layer_that_is_not_there_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stored = write_layers(store, "embeddings", {"a": np.zeros((2, 2))}, {})
    with pytest.raises(EmbeddingMismatch, match="a layer that its row names"):
        read_layers(store, stored.uri, stored.sha256, ["b"])


def test_a_layer_is_known_by_type_shape_and_bytes() -> None:
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    digests = {
        layer_sha256(matrix),
        layer_sha256(matrix.reshape(3, 2)),
        layer_sha256(matrix.astype(np.float64)),
        layer_sha256(matrix + 1),
    }
    assert len(digests) == 4
    assert layer_sha256(np.asfortranarray(matrix)) == layer_sha256(matrix)
