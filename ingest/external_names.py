"""The checkpoints of a list of models that somebody else's results are of."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.checkpoints import add_checkpoint
from registry.errors import NotFoundError
from registry.handle import Registry
from registry.lookup import find_checkpoint

SCHEMES = ("timm", "hf", "path", "baseline")


def checkpoint_ids(registry: Registry, names: Sequence[str]) -> list[int]:
    """Return the checkpoint of every name; a reference that is not registered is registered.

    A hub's id, which alone has a slash, needs no `hf:`.

    Raises:
        NotFoundError: a name is neither registered nor a reference.
        RegistryError: a reference cannot be registered.
    """
    return [_checkpoint_id(registry, name.strip()) for name in names]


def _checkpoint_id(registry: Registry, name: str) -> int:
    is_bare = ":" not in name and name.count("/") == 1
    reference = f"hf:{name}" if is_bare else name
    with registry.read() as session:
        for text in dict.fromkeys((name, reference)):
            try:
                return find_checkpoint(session, text).id
            except NotFoundError:
                if text == reference and reference.partition(":")[0] not in SCHEMES:
                    raise
    return add_checkpoint(registry, reference).checkpoint_id
