"""The Python interface: what the command line does, on arrays and with results as objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cavewall.opening import settings_of
from cavewall.zoo_questions import Questions
from cavewall.zoo_scores import Scores

if TYPE_CHECKING:
    from compute.runner import RunSummary
    from compute.targets import AddedTarget
    from ingest.checkpoints import Added
    from ingest.datasets import AddedDataset
    from ingest.embedding import Embedded
    from registry.handle import Registry


def open_zoo(address: str | Path = ".") -> Zoo:
    """Return the zoo of a folder or of a database address.

    Raises:
        ConfigurationError: there is none.
        SchemaVersionError: its schema is older or newer than this version needs.
    """
    from registry.handle import open_registry

    return Zoo(open_registry(settings_of(str(address))))


def create_zoo(folder: str | Path, database: str | None = None) -> Zoo:
    """Make a zoo in a folder and return it.

    Raises:
        ConfigurationError: the folder holds a zoo, or lies on a network file system.
        StoreError: the folder is not writable.
    """
    from registry.handle import create_registry

    return Zoo(create_registry(Path(folder), database))


class Zoo(Questions, Scores):
    """An open zoo. It closes itself at the end of a `with`, or by `close`."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def __repr__(self) -> str:
        from cavewall.rendering import plural
        from registry.errors import RegistryError

        address = self.registry.engine.url.render_as_string(hide_password=True)
        try:
            held = ", ".join(plural(count, what) for what, count in self._held().items())
        except RegistryError:  # the database is gone, and a repr raises nothing
            return f"<Zoo {address}: not readable>"
        return f"<Zoo {address}: {held}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from html import escape

        address = self.registry.engine.url.render_as_string(hide_password=True)
        rows = "".join(f"<tr><th>{what}s</th><td>{count:,}</td></tr>" for what, count in self._held().items())
        return f"<table><caption>Zoo {escape(address)}</caption>{rows}</table>"

    def _held(self) -> dict[str, int]:
        """Return how much of what the zoo holds."""
        from registry.census import take_census
        from registry.database import translated_errors

        with translated_errors("the registry"), self.registry.read() as session:
            census = take_census(session)
        return {
            "checkpoint": census.checkpoints,
            "data set": census.datasets,
            "embedding": census.embeddings,
            "target": census.targets,
            "score": census.scores,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self.registry.close()

    def add(self, reference: str, **options: Any) -> Added:
        """Register a checkpoint and return which it is; the same again changes nothing.

        Args:
            reference: `timm:`, `hf:`, `path:` or `baseline:`.
            **options: as `ingest.checkpoints.add_checkpoint` takes them: `name`, `like`, `series`, `step`,
                `family`, `seed`, `attributes` and more.

        Raises:
            RegistryError: the reference means nothing, or contradicts what is registered.
        """
        from ingest.checkpoints import add_checkpoint

        return add_checkpoint(self.registry, reference, **options)

    def dataset(
        self,
        name: str,
        images: Any = None,
        *,
        texts: Sequence[str | Sequence[str]] | None = None,
        ids: Sequence[str] | None = None,
        groups: Sequence[object] | None = None,
        covariates: Mapping[str, Sequence[object]] | None = None,
        **options: Any,
    ) -> AddedDataset:
        """Register a data set of arrays of yours and return which it is; the same again changes nothing.

        Args:
            name: what to call it.
            images: `(n, h, w, 3)` of uint8, or a sequence of such pictures or of encoded ones.
            texts: one text, or several captions, per item.
            ids: one per item; the position where it is None.
            groups: the group of every item.
            covariates: one value per item, by name.
            **options: `licence`, `credit`, and where it comes from: `revision`, `parent`, `relation`.

        Raises:
            RegistryError: an item is broken, the items do not fit the parent's, or the name is taken.
        """
        from ingest.datasets import Origin, add_dataset
        from ingest.items_from_files import items_from_arrays

        shown = {key: options.pop(key) for key in ("licence", "credit") if key in options}
        items = items_from_arrays(images, ids=ids, texts=texts, groups=groups, covariates=covariates)
        return add_dataset(self.registry, name, items, **shown, origin=Origin(**options))

    def embed(
        self,
        checkpoint: str,
        layers: Mapping[str, Any] | None = None,
        *,
        dataset: str | None = None,
        ids: Sequence[str] | None = None,
        replace: bool = False,
        device: str | None = None,
    ) -> Embedded:
        """Record a checkpoint's answer to a data set: arrays of yours, or extracted here.

        Args:
            checkpoint: a name, a reference, or `series@step=N`.
            layers: an `(n, d)` array of floats for each layer, in order of depth, of numpy, torch or what
                converts to numpy, of any precision; kept as float32. Extracted where it is None.
            dataset: its name; None where there is only one.
            ids: the items of your rows; refused where they are not the data set's, in its order.
            replace: whether other content that is ready is superseded.
            device: where to extract; the configuration's where it is None.

        Raises:
            EmbeddingMismatch: rows or ids are not the data set's.
            RegistryError: nothing is registered under a name, or the extraction failed.
        """
        checkpoint_id, dataset_id = self._pair(checkpoint, dataset)
        if layers is not None:
            from cavewall.arrays import plain_layers
            from ingest.recording import record_embedding

            plain = plain_layers(layers)
            return record_embedding(self.registry, checkpoint_id, dataset_id, plain, ids=ids, replace=replace)
        from ingest.embedding import embed_checkpoint

        chosen = device or self.registry.settings.device
        return embed_checkpoint(self.registry, checkpoint_id, dataset_id, device=chosen, replace=replace)

    def target(self, *, dataset: str | None = None, name: str | None = None, **rule: Any) -> AddedTarget:
        """Register which pairs ought to exist; the same again changes nothing.

        Args:
            dataset: its name; None where there is only one.
            name: what to call it.
            **rule: what is not the default: `metric`, `k`, the metric's other `parameters` by name, `recipe`,
                `reducer`, `pairs`, and of the null `draws`, `alpha`, `seed`, `scheme` (`items`, `groups`
                or `within:COVARIATE`).
        """
        from cavewall.rules import extraction_ids
        from compute.targets import NullRule, TargetRule, add_target

        chosen = extraction_ids(self.registry, dataset, ())
        null = NullRule(**{key: rule.pop(key) for key in ("draws", "alpha", "seed", "scheme") if key in rule})
        return add_target(self.registry, dataset, chosen, TargetRule(null=null, **rule), name=name)

    def align(self, *targets: str, device: str | None = None, budget: float | None = None) -> RunSummary:
        """Compute every pair that is missing, of some targets or of all, and return what was done.

        Args:
            *targets: names.
            device: where; the configuration's where it is None.
            budget: seconds after which no further unit begins.

        Raises:
            LockBusy: another run holds the lock.
        """
        from compute.runner import RunOptions, run_targets

        options = RunOptions(device=device or self.registry.settings.device, budget=budget)
        return run_targets(self.registry, targets or None, options)

    def _pair(self, checkpoint: str, dataset: str | None) -> tuple[int, int]:
        from registry.lookup import find_checkpoint, find_dataset

        with self.registry.read() as session:
            return find_checkpoint(session, checkpoint).id, find_dataset(session, dataset).id
