"""The part of the Python interface that asks: snapshots, SQL, matrices, trends, the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.errors import UsageError

if TYPE_CHECKING:
    from analysis.answers import Answer
    from analysis.discoveries import Discoveries
    from analysis.matrix import AlignmentMatrix
    from analysis.snapshot import Built
    from analysis.trends.lines import VtabTrend
    from cavewall.reporting import Written
    from registry.handle import Registry
    from registry.score_listings import ScoreLine
    from registry.tables import Target


class Questions:
    """What a zoo is asked; all but `scores` is read from a snapshot."""

    registry: Registry

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

    def scores(self, *checkpoints: str, benchmark: str | None = None) -> list[ScoreLine]:
        """Return the scores of some checkpoints or of all, in the order in which they were recorded.

        Args:
            *checkpoints: names, globs over them, references.
            benchmark: a glob over `suite/task`; all where it is None.

        Raises:
            NotFoundError: nothing is registered under a name.
        """
        from cavewall.selecting import choose_checkpoints
        from registry.lookup import find_benchmarks
        from registry.score_listings import list_scores

        with self.registry.read() as session:
            ids = [row.id for row in choose_checkpoints(session, checkpoints)] if checkpoints else None
            tasks = None if benchmark is None else [row.id for row in find_benchmarks(session, benchmark)]
            return list_scores(session, checkpoint_ids=ids, benchmark_ids=tasks)

    def trend(self, **question: Any) -> VtabTrend:
        """Return whether checkpoints that solve more tasks align more.

        Args:
            **question: as `analysis.trends.vtab.vtab_trend` takes it: `battery`, `target`, `bins`, `edges`,
                `solved_at`, `modality`, `reference`, `group`, `predictor`, `snapshot`.

        Raises:
            UsageError: battery or target must be chosen, or fewer than two checkpoints have every task.
            NotFoundError: there is no snapshot, no score, or nothing of a name that is given.
        """
        from analysis.trends.vtab import vtab_trend

        return vtab_trend(self.registry, **question)

    def report(
        self,
        path: str | Path = "report.html",
        *,
        targets: Sequence[str] = (),
        snapshot: str | int | None = None,
        figures: str | Path | None = None,
    ) -> Written:
        """Write the zoo as one HTML file that needs no network, and return what is in it.

        Args:
            path: the file; it is replaced as a whole.
            targets: names of the matrices to show; all if empty.
            snapshot: a number or a name; the newest where it is None.
            figures: a folder for each figure as PNG.

        Raises:
            NotFoundError: there is no such snapshot, or no such target in it.
            UsageError: a file cannot be written there.
        """
        from cavewall.reporting import write_report

        folder = None if figures is None else Path(figures)
        return write_report(self.registry, Path(path), targets=targets, snapshot=snapshot, figures=folder)

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
