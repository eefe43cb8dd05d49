"""The Python interface: what the command line does, on arrays and with results as objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cavewall.opening import settings_of
from cavewall.zoo_scores import Scores
from registry.errors import UsageError

if TYPE_CHECKING:
    from analysis.answers import Answer
    from analysis.discoveries import Discoveries
    from analysis.matrix import AlignmentMatrix
    from analysis.snapshot import Built
    from compute.runner import RunSummary
    from compute.targets import AddedTarget
    from ingest.checkpoints import Added
    from ingest.embedding import Embedded
    from registry.handle import Registry
    from registry.tables import Target


def open_zoo(address: str | Path = ".") -> Zoo:
    """Return the zoo of a folder or of a database address.

    Raises:
        ConfigurationError: there is none.
        SchemaVersionError: its schema is older or newer than this version needs.
    """
    from registry.handle import open_registry

    return Zoo(open_registry(settings_of(str(address))))


class Zoo(Scores):
    """An open zoo. It closes itself at the end of a `with`, or by `close`."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def __repr__(self) -> str:
        return f"Zoo({self.registry.engine.url.render_as_string(hide_password=True)!r})"

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
            layers: an `(n, d)` array for each layer, in order of depth; extracted where it is None.
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
            from ingest.recording import record_embedding

            return record_embedding(
                self.registry, checkpoint_id, dataset_id, layers, ids=ids, replace=replace
            )
        from ingest.embedding import embed_checkpoint

        chosen = device or self.registry.settings.device
        return embed_checkpoint(self.registry, checkpoint_id, dataset_id, device=chosen, replace=replace)

    def target(self, *, dataset: str | None = None, name: str | None = None, **rule: Any) -> AddedTarget:
        """Register which pairs ought to exist; the same again changes nothing.

        Args:
            dataset: its name; None where there is only one.
            name: what to call it.
            **rule: `metric`, `k`, `recipe`, `reducer`, `pairs`, and of the null `draws`, `alpha`, `seed`,
                `scheme` (`items`, `groups` or `within:COVARIATE`), where they are not the default.
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

    def snapshot(self) -> Built:
        """Write the next snapshot if the registry has changed, and return which is current.

        Raises:
            LockBusy: another run holds the lock.
        """
        from analysis.snapshot import build_snapshot

        return build_snapshot(self.registry)

    def sql(
        self, question: str, parameters: Mapping[str, Any] | None = None, *, snapshot: str | int | None = None
    ) -> Answer:
        """Return the answer to a question, with `.df()`, `.pl()`, `.arrow()` and DuckDB's `.relation`.

        Args:
            question: one statement in DuckDB's SQL over the public views.
            parameters: values for `$name` in it.
            snapshot: a number or a name; the newest where it is None.

        Raises:
            NotFoundError: there is no snapshot yet, or not that one.
            UsageError: it is not one question, or DuckDB refuses it.
        """
        from analysis.answers import ask

        return ask(self.registry, question, parameters, snapshot=snapshot)

    def alignment(
        self,
        target: str | None = None,
        *,
        dataset: str | None = None,
        metric: str | None = None,
        snapshot: str | int | None = None,
    ) -> AlignmentMatrix:
        """Return a target's scores as one labelled square matrix, as a snapshot has them.

        Args:
            target: its name; or say which by data set and metric.
            dataset: the name of its data set.
            metric: the name of its metric.
            snapshot: a number or a name; the newest where it is None.

        Raises:
            UsageError: not exactly one target is meant.
            NotFoundError: there is no such target or snapshot.
        """
        from analysis.matrix import alignment_matrix

        return alignment_matrix(self.registry, self._target(target, dataset, metric).id, snapshot=snapshot)

    def discoveries(
        self,
        target: str | None = None,
        checkpoint: str | None = None,
        *,
        modalities: tuple[str, str] | None = ("vision", "language"),
        q: float = 0.05,
        snapshot: str | int | None = None,
    ) -> Discoveries:
        """Return which pairs of one question are aligned above chance, and what the answer rests on.

        The family is what is asked about: all pairs of two modalities, or the partners of one checkpoint.

        Args:
            target: its name; None where there is only one.
            checkpoint: whose partners; None for all pairs.
            modalities: of which two modalities; None for any.
            q: share of the discoveries that may be false.
            snapshot: a number or a name; the newest where it is None.

        Raises:
            UsageError: q is no share, or not exactly one target is meant.
            NotFoundError: there is no such target, checkpoint or snapshot.
        """
        from analysis.discoveries import find_discoveries
        from registry.lookup import find_checkpoint

        target_id = self._target(target, None, None).id
        checkpoint_id = None
        if checkpoint is not None:
            with self.registry.read() as session:
                checkpoint_id = find_checkpoint(session, checkpoint).id
        return find_discoveries(
            self.registry,
            target_id,
            checkpoint_id=checkpoint_id,
            modalities=modalities,
            q=q,
            snapshot=snapshot,
        )

    def _pair(self, checkpoint: str, dataset: str | None) -> tuple[int, int]:
        from registry.lookup import find_checkpoint, find_dataset

        with self.registry.read() as session:
            return find_checkpoint(session, checkpoint).id, find_dataset(session, dataset).id

    def _target(self, name: str | None, dataset: str | None, metric: str | None) -> Target:
        from registry.listings import list_targets
        from registry.lookup import find_target

        with self.registry.read() as session:
            if name is not None:
                return find_target(session, name)
            found = [
                line.name
                for line in list_targets(session)
                if dataset in (None, line.dataset) and metric in (None, line.metric)
            ]
            if len(found) != 1:
                raise UsageError(
                    f"{len(found)} targets are meant, expected one",
                    hint=f"name it: {', '.join(found)}" if found else "make one: cavewall target add",
                )
            return find_target(session, found[0])
