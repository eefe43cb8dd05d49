"""From what a reader found to rows: a batch, its scores, and what it refused, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.benchmarks import BenchmarkDescription, ensure_benchmark
from ingest.rows import get_or_add
from ingest.score_files.claims import FoundClaim, ParsedFile, Reading, RefusedRow, clean, is_word
from ingest.score_files.formats import find_format
from ingest.score_files.matching import Matches, match_names
from ingest.score_files.writing import add_links, add_rejects, add_scores, conflicts_of
from ingest.score_sources import OWN, SourceDescription, ensure_source
from ingest.scores import fault_of, score_key
from registry.clock import now
from registry.errors import ConflictError, UsageError
from registry.handle import Registry
from registry.keys import content_key
from registry.tables import Benchmark, Checkpoint, ImportBatch, Source

KIND = "scores"
_PAPER = ("doi:", "arxiv:")


@dataclass(frozen=True)
class Request:
    """What is imported, and how: all of it but the mapping's other names is what a batch is.

    Attributes:
        path: the file as the user named it.
        sha256: the digest of its bytes.
        parsed: what a reader found in it.
        reading: how it was read.
        source: who says what stands in it.
        mapping: which checkpoint some names are.
        on_conflict: whether a claim that contradicts one that is there is kept, or stops the import.
    """

    path: str
    sha256: str
    parsed: ParsedFile
    reading: Reading
    source: SourceDescription
    mapping: Mapping[str, str] = field(default_factory=dict)
    on_conflict: Literal["keep", "error"] = "keep"


@dataclass(frozen=True)
class Imported:
    """What an import did.

    `missing` are the names that no checkpoint has, `ambiguous` those that several have, `twin` the path of
    an import of the same bytes under another name.
    """

    import_id: int
    format: str
    row_count: int
    claim_count: int
    matched_count: int
    added: int
    unchanged: int
    rejected: int
    conflicts: tuple[str, ...]
    missing: tuple[str, ...]
    ambiguous: tuple[str, ...]
    twin: str | None


def source_of(parsed: ParsedFile, said: SourceDescription | None) -> SourceDescription:
    """Return who says what stands in a file: whom the user names, else the harness that wrote the format.

    Raises:
        UsageError: the format has no harness, and nobody is named; or it would be this program.
    """
    known = find_format(parsed.format)
    if said is None:
        if known.default_source is None:
            raise UsageError(
                f"nothing says where the scores in a {parsed.format} table come from",
                hint='add --source, for example --source "doi:10.…"',
            )
        return SourceDescription(known.default_source, known.source_kind)
    if said.name == OWN:
        raise UsageError(f"the source '{OWN}' is what this program measures itself", hint="name who says so")
    if not is_word(said.name):
        raise UsageError("the name of the source is empty, too long or does not print", hint="write another")
    if said.kind is None and said.name.casefold().startswith(_PAPER):
        return replace(said, kind="paper")
    return said


def import_scores(registry: Registry, request: Request) -> Imported:
    """Write what a file claims about checkpoints that are registered, and return what that did.

    The same again adds nothing; names that have become known since then add theirs. Claims that contradict
    others are kept beside them.

    Raises:
        UsageError: the source is new and nothing says what it is.
        ConflictError: the batch was retired, a benchmark or a source is registered otherwise, or a claim
            contradicts one that is there and `on_conflict` is 'error'.
        NotFoundError: the mapping names a checkpoint that is not registered.
    """
    with registry.write() as session:
        return _import(session, request)


def _import(session: Session, request: Request) -> Imported:
    parsed = request.parsed
    matches = match_names(session, (found.name for found in parsed.claims), request.mapping)
    source = _source(session, request)
    batch = _batch(session, request, source)
    claims = [found for found in parsed.claims if found.name in matches.checkpoint_ids]
    benchmarks = _benchmarks(session, claims, request)
    refused = [*parsed.refused, *_ambiguous(parsed.claims, matches.ambiguous)]
    sound: list[FoundClaim] = []
    for found in claims:
        reason = fault_of(found.claim, benchmarks[found.benchmark])
        if reason is None:
            sound.append(found)
        else:
            refused.append(RefusedRow(found.line, found.content, f"{found.claim.value!r}: {reason}"))
    rows = _score_rows(session, sound, matches, benchmarks, source)
    ids, added = add_scores(session, list(rows.values()))
    conflicts = conflicts_of(session, list(rows.values()), {row.id: row for row in benchmarks.values()})
    if conflicts and request.on_conflict == "error":
        raise ConflictError(
            f"{request.path}: {len(conflicts)} claims contradict others, the first: {conflicts[0]}",
            hint="nothing was written; --on-conflict keep keeps all of them",
        )
    add_links(session, batch.id, ids)
    add_rejects(session, batch.id, refused)
    _count(batch, parsed, matches, len(ids), len(refused))
    return Imported(
        batch.id, parsed.format, parsed.row_count, len(parsed.claims), len(matches.checkpoint_ids), added,
        len(ids) - added, len(refused), tuple(conflicts), matches.missing,
        tuple(matches.ambiguous), _twin(session, request),
    )  # fmt: skip


def _source(session: Session, request: Request) -> Source:
    said = request.source
    kind = said.kind
    if kind is None and session.scalar(select(Source.id).where(Source.name == said.name)) is None:
        kind = find_format(request.parsed.format).source_kind
    return ensure_source(
        session, said.name, kind, trust=said.trust, url=said.url, published_at=said.published_at
    )


def _batch(session: Session, request: Request, source: Source) -> ImportBatch:
    names = {found.name for found in request.parsed.claims}
    reading = asdict(request.reading)
    options = reading | {"columns": dict(request.reading.columns), "ignored": sorted(request.reading.ignored)}
    key = content_key(
        "import_batch",
        {
            "kind": KIND,
            "format": request.parsed.format,
            "sha256": request.sha256,
            "source": source.name,
            "options": options,
            "file": request.parsed.claims[0].benchmark.task if _is_named_by_file(request) else None,
            "names": {name: ours for name, ours in request.mapping.items() if name in names},
        },
    )
    batch = get_or_add(
        session,
        ImportBatch,
        ImportBatch.content_key == key,
        lambda: ImportBatch(
            content_key=key,
            kind=KIND,
            format=request.parsed.format,
            path=clean(request.path),
            sha256=request.sha256,
            source_id=source.id,
            counts={},
            imported_at=now(),
        ),
    )
    if batch.retired_at is not None:
        raise ConflictError(
            f"{request.path} was imported as {batch.id}, and that import is retired: {batch.retired_reason}",
            hint=f"bring it back: cavewall score restore --import {batch.id}",
        )
    return batch


def _twin(session: Session, request: Request) -> str | None:
    here = Path(request.path).absolute()
    statement = select(ImportBatch.path).where(ImportBatch.sha256 == request.sha256, ImportBatch.kind == KIND)
    paths = session.scalars(statement.order_by(ImportBatch.id))
    return next((path for path in paths if Path(path).absolute() != here), None)


def _is_named_by_file(request: Request) -> bool:
    """Return whether the file's own name says what was measured: another name is then another import."""
    is_timm = request.parsed.format == "timm-results"
    return is_timm and request.reading.protocol is None and bool(request.parsed.claims)


def _benchmarks(
    session: Session, claims: Sequence[FoundClaim], request: Request
) -> dict[BenchmarkDescription, Benchmark]:
    suite = request.reading.suite or request.source.name
    return {
        described: ensure_benchmark(
            session, described if described.suite else replace(described, suite=suite)
        )
        for described in dict.fromkeys(found.benchmark for found in claims)
    }


def _ambiguous(claims: Sequence[FoundClaim], ambiguous: Mapping[str, str]) -> list[RefusedRow]:
    first = {found.name: found for found in reversed(claims) if found.name in ambiguous}
    return [RefusedRow(found.line, found.content, ambiguous[name]) for name, found in sorted(first.items())]


def _score_rows(
    session: Session,
    claims: Sequence[FoundClaim],
    matches: Matches,
    benchmarks: Mapping[BenchmarkDescription, Benchmark],
    source: Source,
) -> dict[str, dict[str, Any]]:
    """Return the rows of some claims by their content key.

    A claim from a file never shares its row with one that was added by hand or measured here: retiring an
    import then touches what came with it, and nothing else.
    """
    ids = sorted(set(matches.checkpoint_ids.values()))
    checkpoints = _checkpoints(session, ids)
    moment = now()
    rows = {}
    for found in claims:
        checkpoint_id, claim = matches.checkpoint_ids[found.name], found.claim
        row = benchmarks[found.benchmark]
        key = score_key(
            checkpoints[checkpoint_id],
            [row.suite, row.task, row.metric, row.version],
            protocol=claim.protocol,
            source=source.name,
            value=claim.value,
            stderr=claim.stderr,
            item_count=claim.item_count,
            shots=claim.shots,
            split=claim.split,
            is_imported=True,
        )
        facts = {name: getattr(claim, name) for name in _CLAIM}
        rows[key] = facts | {
            "content_key": key,
            "checkpoint_id": checkpoint_id,
            "benchmark_id": row.id,
            "source_id": source.id,
            "details": {"name": found.name, **claim.details},
            "measured_at": found.measured_at or moment,
        }
    return rows


_CLAIM = ("value", "stderr", "item_count", "shots", "protocol", "split", "chance")


def _checkpoints(session: Session, checkpoint_ids: Collection[int]) -> dict[int, Checkpoint]:
    rows: dict[int, Checkpoint] = {}
    wanted = sorted(checkpoint_ids)
    for start in range(0, len(wanted), 500):
        piece = wanted[start : start + 500]
        rows |= {row.id: row for row in session.scalars(select(Checkpoint).where(Checkpoint.id.in_(piece)))}
    return rows


def _count(batch: ImportBatch, parsed: ParsedFile, matches: Matches, scores: int, rejected: int) -> None:
    counts = {
        "rows": parsed.row_count,
        "claims": len(parsed.claims),
        "scores": scores,
        "matched": len(matches.checkpoint_ids),
        "unmatched": len(matches.missing),
        "rejected": rejected,
    }
    if batch.counts != counts:
        batch.counts = counts
