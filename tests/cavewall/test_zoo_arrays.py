from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cavewall
from cavewall.arrays import plain_layers
from cavewall.zoo import Zoo
from registry.errors import ConfigurationError, ConflictError, EmbeddingMismatch, InputError, NotFoundError
from registry.handle import Registry
from registry.items import read_items
from registry.layers import read_layers
from registry.lookup import find_dataset
from registry.tables import Embedding

FEATURES = np.random.default_rng(4).standard_normal((24, 5)).astype(np.float16)


def of_bfloat16() -> Any:
    return torch.from_numpy(FEATURES.astype(np.float32)).to(torch.bfloat16)


def stored(zoo: Zoo, embedding_id: int) -> np.ndarray[Any, Any]:
    with zoo.registry.read() as session:
        row = session.get_one(Embedding, embedding_id)
    (layer,) = read_layers(zoo.registry.store, row.uri, row.sha256, row.layer_names)
    return layer


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (FEATURES, FEATURES),
        (FEATURES.astype(np.float64), FEATURES),
        (np.asfortranarray(FEATURES), FEATURES),
        (FEATURES.tolist(), FEATURES),
        (torch.from_numpy(FEATURES), FEATURES),
        (torch.from_numpy(FEATURES.astype(np.float32)).requires_grad_(), FEATURES),
        (torch.from_numpy(FEATURES.T.copy()).T, FEATURES),
        (torch.nn.Parameter(torch.from_numpy(FEATURES)), FEATURES),
        (of_bfloat16(), of_bfloat16().float().numpy()),
    ],
    ids=["half", "double", "columns", "list", "tensor", "gradient", "view", "parameter", "bfloat16"],
)
def test_any_matrix_of_floats_is_kept_as_float32(small_zoo: Registry, array: Any, expected: Any) -> None:
    with cavewall.open() as zoo:
        done = zoo.embed("pixels", {"only": array}, replace=True)
        kept = stored(zoo, done.embedding_id)
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept, np.asarray(expected, np.float32))


def test_bfloat16_of_numpy_is_kept_too() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    (layer,) = plain_layers({"only": FEATURES.astype(ml_dtypes.bfloat16)}).values()
    assert layer.dtype == np.float32


@pytest.mark.parametrize(
    "array",
    [torch.zeros(24, 5, dtype=torch.int64), torch.zeros(24, dtype=torch.bfloat16), np.zeros((24, 5), bool)],
    ids=["integers", "one axis", "booleans"],
)
def test_what_is_no_matrix_of_floats_is_refused(small_zoo: Registry, array: Any) -> None:
    with cavewall.open() as zoo, pytest.raises(InputError, match=r"expected a matrix \(n, d\) of floats"):
        zoo.embed("pixels", {"only": array}, replace=True)


def test_layers_without_names_are_refused(small_zoo: Registry) -> None:
    layers: Any = [FEATURES]
    with cavewall.open() as zoo, pytest.raises(InputError, match="expected layers by name, found list"):
        zoo.embed("pixels", layers, replace=True)


def test_first_row_of_another_order_is_named(small_zoo: Registry) -> None:
    with cavewall.open() as zoo:
        with zoo.registry.read() as session:
            ids = read_items(zoo.registry.store, find_dataset(session, "tiny")).ids
        ids[4], ids[9] = ids[9], ids[4]
        with pytest.raises(EmbeddingMismatch, match="row 4 is 'item09', expected 'item04'") as refused:
            zoo.embed("pixels", {"only": FEATURES}, ids=np.array(ids), replace=True)  # type: ignore[arg-type]
    assert refused.value.hint == "reorder the rows by the data set's ids"


def test_point_of_a_series_is_added_and_embedded_by_its_step(small_zoo: Registry, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"weight": FEATURES}, tmp_path / "step_2000.safetensors")
    with cavewall.open() as zoo:
        reference = f"path:{tmp_path / 'step_2000.safetensors'}"
        said: dict[str, Any] = {
            "series": "r8",
            "step": 2000,
            "modality": "vision",
            "attributes": {"lr": 3e-4},
        }
        assert zoo.add(reference, **said).outcome == "added"
        assert zoo.add(reference, **said).outcome == "unchanged"
        assert zoo.embed("r8@step=2000", {"blocks.0": FEATURES}).outcome == "added"
        with pytest.raises(ConflictError):
            zoo.embed("r8@step=2000", {"blocks.0": FEATURES[::-1]})
        with pytest.raises(NotFoundError):
            zoo.embed("r8@step=3000", {"blocks.0": FEATURES})


def test_zoo_says_what_it_holds(small_zoo: Registry) -> None:
    zoo = cavewall.open()
    assert repr(zoo).startswith("<Zoo sqlite:///")
    held = "registry.sqlite: 3 checkpoints, 1 data set, 3 embeddings, 1 target, 0 scores>"
    assert repr(zoo).endswith(held)
    assert "<tr><th>checkpoints</th><td>3</td></tr>" in zoo._repr_html_()
    zoo.close()


def test_zoo_that_is_gone_says_so(small_zoo: Registry) -> None:
    assert small_zoo.settings.folder is not None
    with cavewall.open() as zoo:
        zoo.close()
        (small_zoo.settings.folder / ".cavewall" / "registry.sqlite").write_bytes(b"no database" * 1000)
        assert repr(zoo).endswith("registry.sqlite: not readable>")


def test_zoo_is_made_once(nowhere: Path) -> None:
    with cavewall.create("zoo") as zoo:
        assert "0 checkpoints" in repr(zoo)
    with pytest.raises(ConfigurationError, match="already holds a zoo") as refused:
        cavewall.create("zoo")
    assert refused.value.hint
    with cavewall.open("zoo") as zoo:
        assert zoo.add("baseline:pixels").outcome == "added"
