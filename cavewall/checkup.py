"""The examination of a zoo and of the machine it is on: everything that `cavewall doctor` looks at."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from cavewall.console import without_password
from cavewall.rendering import shown
from cavewall.surroundings import device, extras, network, versions
from registry.database_health import SUBJECT, examine_database, examine_schema
from registry.errors import NotFoundError, RegistryError
from registry.findings import Finding, guarded, with_first
from registry.handle import Registry, connect
from registry.host_rates import last_device, measured_rates, score_work
from registry.lock import is_lock_free
from registry.run_health import examine_failures, examine_lock, examine_runs
from registry.settings import Settings
from registry.store import Store
from registry.store_health import examine_files, examine_store

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

REFERENCE_ITEMS, REFERENCE_METRIC = 1024, "mutual_knn"
SCORE = score_work("")  # what all kinds of scoring begin with


def examine(settings: Settings, *, deep: bool = False, online: bool = False) -> list[Finding]:
    """Return what there is to say about a zoo and this machine, whatever state they are in.

    Nothing is written but a probe that is removed again, and the network is left alone.

    Args:
        settings: which zoo.
        deep: whether to read every file and compare its digest, too.
        online: whether to try the model hub.
    """
    return [
        *versions(),
        *configuration(settings),
        *_examine_registry(settings, deep=deep),
        *extras(),
        *guarded("device", lambda: device(settings.device)),
        *network(online=online),
    ]


def configuration(settings: Settings) -> Iterator[Finding]:
    """Yield where each value of the configuration comes from."""
    origins: dict[str, list[str]] = {}
    for value in settings.values:
        origins.setdefault(value.origin, []).append(value.key)
    parts = [f"{', '.join(keys)} from {_readable(origin)}" for origin, keys in origins.items()]
    yield Finding("ok", "configuration", "; ".join(parts))


def _readable(origin: str) -> str:
    return {"default": "the defaults", "flag": "a flag"}.get(origin, origin)


def _examine_registry(settings: Settings, *, deep: bool) -> list[Finding]:
    store = Store(settings.store)
    of_store = guarded("store", lambda: examine_store(store))
    try:
        engine = connect(settings)
    except RegistryError as error:
        return [Finding("fail", SUBJECT, without_password(f"{error.message}; {error.hint}")), *of_store]
    try:
        of_database = guarded(SUBJECT, lambda: examine_database(engine))
        is_readable = all(finding.level != "fail" for finding in of_database)
        of_schema = guarded("schema", lambda: examine_schema(engine)) if is_readable else []
        found = [*of_schema, *of_database, *of_store]
        if is_readable and of_schema[0].level == "ok":
            return [*found, *_examine_rows(Registry(settings, engine, store), deep=deep)]
        return [*found, Finding("info", "rows", "not looked at: files, snapshot, lock, runs, failures, rate")]
    finally:
        engine.dispose()


def _examine_rows(registry: Registry, *, deep: bool) -> list[Finding]:
    is_free = is_lock_free(registry.engine)

    def in_session(subject: str, look: Callable[[Session], Iterable[Finding]]) -> list[Finding]:
        def examine_inside() -> list[Finding]:
            with registry.read() as session:  # one each: on PostgreSQL one that failed reads nothing more
                return list(look(session))

        return guarded(subject, examine_inside)

    return [
        *in_session("files", lambda session: examine_files(session, registry.store, deep=deep)),
        *guarded("snapshot", lambda: snapshot(registry)),
        *in_session("lock", lambda session: examine_lock(session, is_free=is_free)),
        *in_session("runs", lambda session: examine_runs(session, is_free=is_free)),
        *in_session("failures", examine_failures),
        *in_session("rate", rate),
    ]


def snapshot(registry: Registry) -> Iterator[Finding]:
    """Yield whether there is a snapshot, whole and as new as the registry."""
    from analysis.snapshot import find_snapshot, is_stale

    try:
        manifest = find_snapshot(registry)
    except NotFoundError:
        yield Finding("info", "snapshot", "none yet: cavewall snapshot build")
        return
    uris = [file.uri for files in manifest.tables.values() for file in files]
    lost = [uri for uri in uris if not registry.store.path(uri).is_file()]
    made = f"{manifest.number} of {shown(manifest.created_at)}"
    if lost:
        missing = with_first(f"{len(lost)} of the {len(uris)} files of {made} are missing", lost)
        yield Finding("fail", "snapshot", f"{missing}; make another: cavewall snapshot build")
    elif is_stale(registry, manifest):
        yield Finding("warn", "snapshot", f"{made}, older than the registry: cavewall snapshot build")
    else:
        yield Finding("ok", "snapshot", f"{made}, current")


def rate(session: Session) -> Iterator[Finding]:
    """Yield how fast this machine scored layer pairs the last time, by mutual-kNN if it did."""
    host = socket.gethostname()
    device = last_device(session, host)
    measured = measured_rates(session, host, device) if device is not None else {}
    scored = {work: found for work, found in measured.items() if work.startswith(SCORE)}
    if not scored:
        yield Finding("info", "rate", "not measured on this machine yet: cavewall align run does")
        return
    work = score_work(REFERENCE_METRIC)
    if work not in scored:
        work = max(scored, key=lambda name: scored[name].measured_at)
    found = scored[work]
    pairs = found.per_second / REFERENCE_ITEMS
    setting = f"{work.removeprefix(SCORE)}, n = {REFERENCE_ITEMS:,}"
    yield Finding(
        "info", "rate", f"about {pairs:,.0f} layer pairs/s at {setting} (run {found.run_id} on {device})"
    )
