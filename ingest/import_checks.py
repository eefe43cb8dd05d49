"""What a part must be before anything of it is registered: layers of these items, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ingest.embedding_files.parts import Kind, Part
from ingest.layer_checks import checked_layers, require_order
from ingest.matrix_checks import checked_matrices
from registry.handle import Registry
from registry.items import read_items
from registry.keys import order_fingerprint
from registry.tables import Dataset


def checked_part(
    registry: Registry, dataset: Dataset, path: Path, part: Part, kind: Kind, ids: Sequence[str] | None
) -> Part:
    """Return a part whose layers are what will be stored.

    Args:
        registry: where the data set's items lie.
        dataset: on whose items.
        path: the file, for sentences.
        part: as it was read.
        kind: what a layer is.
        ids: the items of the rows, as the user says; as the file says where that is None.

    Raises:
        InputError: a layer is no matrix of finite numbers, or no kernel, or no distances.
        EmbeddingMismatch: rows are not the items, or are in another order.
    """
    what = path.name if part.name in (path.stem, "") else f"{path.name}, {part.name}"
    said = part.ids if ids is None else ids
    if said is not None and order_fingerprint(map(str, said)) != dataset.order_fingerprint:
        require_order(said, read_items(registry.store, dataset).ids, what=what, dataset=dataset.name)
    n = dataset.item_count
    if kind == "features":
        layers = checked_layers(part.layers, what=what, dataset=dataset.name, item_count=n)
    else:
        layers = checked_matrices(part.layers, kind=kind, what=what, dataset=dataset.name, item_count=n)
    return replace(part, layers=layers, ids=said)
