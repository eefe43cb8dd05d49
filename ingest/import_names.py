"""From what a file calls a model to a registered checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select

from ingest.checkpoints import add_checkpoint
from ingest.embedding_files.model_names import Meant, platonic_reference
from ingest.embedding_files.parts import Part
from ingest.externals import ensure_external, external_name
from ingest.references import safe_name
from registry.errors import InputError, NotFoundError, UsageError
from registry.handle import Registry
from registry.lookup import current_names, find_checkpoint
from registry.tables import Checkpoint, Dataset

SCHEMES = ("timm", "hf", "path", "baseline")


class Namer:
    """Finds the checkpoint of a part, and registers what a reference names; `met` are the names in files."""

    def __init__(
        self,
        registry: Registry,
        dataset: Dataset,
        model: str | None,
        mapping: Mapping[str, str],
        *,
        has_no_weights: bool,
        modality: str | None,
    ) -> None:
        self.registry, self.dataset, self.model, self.mapping = registry, dataset, model, mapping
        self.has_no_weights, self.modality = has_no_weights, modality
        self.met: set[str] = set()

    def checkpoint_id(self, path: Path, part: Part, file_format: str) -> int:
        """Return the id of a part's checkpoint, which is registered where a reference names it.

        Raises:
            InputError: what the file calls it could mean several things, or nothing that is registered.
            RegistryError: the reference cannot be registered.
        """
        meant = self._meant(path, part, file_format)
        if meant.reference is None:
            raise InputError(
                f"{path.name}: '{part.name}' needs a name, {meant.question}",
                hint=f"--map '{part.name}=REFERENCE'   (or --map-file names.csv)",
            )
        return self._registered(meant.reference, part)

    def never_met(self) -> list[str]:
        """Return the mapped names that no file had: a typing error would otherwise pass in silence."""
        return sorted(set(self.mapping) - self.met) if self.met else []

    def _meant(self, path: Path, part: Part, file_format: str) -> Meant:
        given = self.mapping.get(part.name) or self.mapping.get(path.stem) or self.model
        if given is not None:
            return Meant(given)
        if file_format == "platonic-rep":
            return platonic_reference(part.name, is_timm_model(part.name), self._known())
        name = safe_name(part.name)
        with self.registry.read() as session:
            if name in current_names(session):
                return Meant(name)
        if self.has_no_weights:
            return Meant(f"external:{name}")
        return Meant(None, f"no checkpoint is called '{name}', and nothing says what else it is")

    def _known(self) -> set[str]:
        with self.registry.read() as session:
            live = select(Checkpoint.reference).where(Checkpoint.retired_at.is_(None))
            return {*session.scalars(live), *current_names(session)}

    def _registered(self, reference: str, part: Part) -> int:
        name = external_name(reference)
        if name is not None:
            with self.registry.write() as session:
                row, _ = ensure_external(session, name, self._modality(part, name))
                return row.id
        try:
            with self.registry.read() as session:
                return find_checkpoint(session, reference).id
        except NotFoundError:
            if reference.partition(":")[0] not in SCHEMES:
                raise
        modality = self.modality or part.facts.get("modality")
        return add_checkpoint(self.registry, reference, modality=modality).checkpoint_id

    def _modality(self, part: Part, name: str) -> str:
        said = self.modality or part.facts.get("modality")
        if said is not None:
            return str(said)
        with self.registry.read() as session:
            key = Checkpoint.reference == f"external:{name}"
            known = session.scalar(select(Checkpoint.modality).where(key))
        if known is not None:
            return known
        if len(self.dataset.modalities) == 1:
            return self.dataset.modalities[0]
        raise UsageError(
            f"nothing says whether {name} reads pictures or texts", hint="add --modality vision or language"
        )


def is_timm_model(name: str) -> bool:
    """Return whether timm knows weights of exactly that name."""
    from ingest.models_extra import require_models

    require_models("reading names of platonic-rep's files")
    import timm

    from ingest.sources.timm_catalogue import find_entry

    if not timm.is_model(name.partition(".")[0]):
        return False
    try:
        find_entry(name)
    except InputError:
        return False
    return True
