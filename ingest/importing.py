"""Import files of embeddings: each file and each model in it on its own, twice without harm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ingest.embedding_files import Kind, Part, ReadOptions, format_of
from ingest.embedding_files.batches import Refused, put_batch
from ingest.import_checks import checked_part
from ingest.import_facts import record_facts
from ingest.import_names import Namer
from ingest.import_places import GivenFile, given_file, place_of_file, refuse_address
from ingest.imported_rules import imported_rule
from ingest.recording import InPlace, Origin, ready_embedding, record_embedding
from ingest.row_warnings import row_warnings
from registry.errors import ConflictError, RegistryError, UsageError
from registry.handle import Registry
from registry.lookup import current_name, find_dataset
from registry.runs import recorded_run
from registry.tables import Alignment, Checkpoint, Dataset, Embedding, Extraction, Slot


@dataclass(frozen=True)
class ImportWish:
    """What the user says about some files.

    Attributes:
        dataset: on which items; None where there is only one data set.
        file_format: of all files; what the suffix says where it is None.
        kind: what a layer is.
        model: the one checkpoint that they are of; what their names say where it is None.
        mapping: names in the files, and the references that they mean.
        has_no_weights: whether names that are not registered stand for something without weights.
        modality: what these read.
        pooling: how tokens became rows; what the file says where it is None.
        ids: the items of the rows, in the files' order.
        axes: of arrays.
        layers: which arrays are layers.
        layer: what to call the only layer.
        id_column: of tables.
        replace: whether other content that is ready is superseded.
        in_place: whether files stay where they are.
    """

    dataset: str | None = None
    file_format: str | None = None
    kind: Kind = "features"
    model: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    has_no_weights: bool = False
    modality: str | None = None
    pooling: str | None = None
    ids: Sequence[str] | None = None
    axes: str | None = None
    layers: str | None = None
    layer: str | None = None
    id_column: str | None = None
    replace: bool = False
    in_place: bool = False


@dataclass(frozen=True)
class Imported:
    """What became of one model of a file; `detail` is the reason where it failed."""

    outcome: str
    file: str
    part: str
    checkpoint: str | None = None
    pooling: str | None = None
    shape: str = ""
    layers: int | None = None
    detail: str = ""
    hint: str = ""


Report = Callable[[str, int, int], None]


def import_embeddings(
    registry: Registry,
    paths: Sequence[Path | str],
    wish: ImportWish,
    report: Report = lambda _what, _done, _total: None,
) -> list[Imported]:
    """Import files and return what became of every model in them.

    Args:
        registry: where.
        paths: of the files, or addresses in a declared place.
        wish: what the user says about them.
        report: called with what is done, how many files are, and how many there are.

    Raises:
        NotFoundError: there is no such data set.
        UsageError: there is no such format, an option means nothing for several files, or an address is
            not allowed.
    """
    with registry.read() as session:
        dataset = find_dataset(session, wish.dataset)
    for path in paths:
        refuse_address(path)
        format_of(Path(path), wish.file_format)
    lines: list[Imported] = []
    with recorded_run(registry, "embed import") as run:
        importer = _Importer(registry, dataset, wish, run.id)
        for index, path in enumerate(paths):
            report("import", index, len(paths))
            lines += importer.import_file(path)
        report("import", len(paths), len(paths))
        lines += [
            Imported(
                "failed", "--map", name, detail="no file holds a model of that name", hint="correct the name"
            )
            for name in importer.namer.never_met()
        ]
        run.counts["embeddings"] = sum(line.outcome not in ("failed", "unchanged") for line in lines)
        run.counts["failed"] = sum(line.outcome == "failed" for line in lines)
    return lines


class _Importer:
    """One import: what holds for all its files, and which files it has seen."""

    def __init__(self, registry: Registry, dataset: Dataset, wish: ImportWish, run_id: int) -> None:
        self.registry, self.dataset, self.wish, self.run_id = registry, dataset, wish, run_id
        self.namer = Namer(
            registry,
            dataset,
            wish.model,
            wish.mapping,
            has_no_weights=wish.has_no_weights,
            modality=wish.modality,
        )
        self.seen: dict[str, Path] = {}

    def import_file(self, named: Path | str) -> list[Imported]:
        stem = Path(named).stem
        self.namer.met.add(stem)
        try:
            given = given_file(self.registry, named, in_place=self.wish.in_place)
        except RegistryError as error:
            return [Imported("failed", str(named), stem, detail=error.message, hint=error.hint)]
        path, digest = given.path, given.sha256
        twin = self.seen.setdefault(digest, path)
        try:
            lines = [self._import_part(given, part) for part in self._parts(given)]
        except RegistryError as error:
            lines = [Imported("failed", str(path), path.stem, detail=error.message, hint=error.hint)]
        if twin != path:
            note = f"the same bytes as {twin}"
            lines = [replace(line, detail="; ".join(filter(None, (line.detail, note)))) for line in lines]
        self._put_batch(path, digest, lines)
        return lines

    def _parts(self, given: GivenFile) -> list[Part]:
        wish, path = self.wish, given.path
        options = ReadOptions(
            self.dataset.item_count, wish.kind, wish.axes, wish.layers, wish.layer, wish.id_column
        )
        parts = given.parts(format_of(path, wish.file_format), options)
        if wish.model is not None and len(parts) > 1:
            raise UsageError(
                f"--model names one checkpoint, {path} holds {len(parts)}: "
                f"{', '.join(part.name for part in parts[:4])} …",
                hint="say which is which: --map 'NAME=REFERENCE', or --map-file names.csv",
            )
        return parts

    def _import_part(self, given: GivenFile, part: Part) -> Imported:
        path = given.path
        self.namer.met.add(part.name)
        pooling = self.wish.pooling or part.pooling
        shape = shape_text(part)
        line = Imported("failed", str(path), part.name, None, pooling, shape, len(part.layers))
        try:
            part = checked_part(self.registry, self.dataset, path, part, self.wish.kind, self.wish.ids)
            place = place_of_file(self.registry, given, part) if self.wish.in_place else None
            checkpoint_id = self.namer.checkpoint_id(path, part, format_of(path, self.wish.file_format))
            with self.registry.read() as session:
                checkpoint = session.get_one(Checkpoint, checkpoint_id)
                line = replace(line, checkpoint=current_name(session, checkpoint_id))
                again = self._pairs_at_stake(session, checkpoint, pooling)
            return self._record(line, checkpoint, path, given.sha256, part, again, place)
        except RegistryError as error:
            return replace(line, detail=error.message, hint=error.hint)

    def _record(
        self,
        line: Imported,
        checkpoint: Checkpoint,
        path: Path,
        digest: str,
        part: Part,
        again: int,
        place: InPlace | None,
    ) -> Imported:
        wish = self.wish
        try:
            done = record_embedding(
                self.registry,
                checkpoint.id,
                self.dataset.id,
                part.layers,
                ids=part.ids,
                rule=imported_rule(checkpoint.modality, line.pooling),
                replace=wish.replace,
                origin=Origin(
                    {
                        "computed_by": "somebody else",
                        "file": path.name,
                        "file_sha256": digest,
                        "part": part.name,
                    }
                ),
                run_id=self.run_id,
                kind=wish.kind,
                in_place=place,
            )
        except ConflictError as error:
            hint = f"supersede it with --replace: {again:,} pairs are computed again"
            return replace(line, detail=f"CHANGED: {error.message}", hint=hint)
        details = [record_facts(self.registry, checkpoint.id, self.dataset, part, path, digest, self.run_id)]
        if done.outcome == "replaced":
            details.append(f"{again:,} pairs are computed again")
        if wish.kind == "features":
            details.append(row_warnings(part.layers))
        return replace(line, outcome=done.outcome, detail="; ".join(filter(None, details)))

    def _pairs_at_stake(self, session: Session, checkpoint: Checkpoint, pooling: str | None) -> int:
        """Return how many pairs the embedding has that other content would supersede."""
        key = imported_rule(checkpoint.modality, pooling).content_key
        extraction = session.scalar(select(Extraction.id).where(Extraction.content_key == key))
        ready = (
            None
            if extraction is None
            else ready_embedding(session, checkpoint.id, self.dataset.id, extraction)
        )
        return 0 if ready is None else pair_count(session, ready)

    def _put_batch(self, path: Path, digest: str, lines: Sequence[Imported]) -> None:
        failed = [line for line in lines if line.outcome == "failed"]
        how = asdict(self.wish) | {"dataset": self.dataset.content_key, "file": path.name}
        for transient in ("replace", "in_place", "file_format"):
            how.pop(transient)
        with self.registry.write() as session:
            put_batch(
                session,
                "embeddings",
                format_of(path, self.wish.file_format),
                path,
                digest,
                how,
                run_id=self.run_id,
                counts={"embeddings": len(lines) - len(failed), "failed": len(failed)},
                refused=[Refused(0, line.part, line.detail) for line in failed],
            )


def pair_count(session: Session, embedding: Embedding) -> int:
    """Return how many pairs of an embedding's live slots are written."""
    touches = or_(Alignment.row_slot == Slot.slot, Alignment.column_slot == Slot.slot)
    statement = (
        select(func.count())
        .select_from(Slot)
        .join(Alignment, (Alignment.target_id == Slot.target_id) & touches)
        .where(Slot.embedding_id == embedding.id, Slot.is_live)
    )
    return int(session.scalar(statement) or 0)


def shape_text(part: Part) -> str:
    """Return items x layers x width of a part, or the widths' range where layers are ragged."""
    widths = sorted({(0, *layer.shape)[-1] for layer in part.layers.values()})
    rows = (*next(iter(part.layers.values())).shape, 0)[0]
    width = str(widths[0]) if len(widths) == 1 else f"{widths[0]}..{widths[-1]}"
    return f"{rows}x{len(part.layers)}x{width}"
