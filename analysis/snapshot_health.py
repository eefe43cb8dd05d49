"""Whether the snapshots have all their files, and which files those are."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.manifests import Manifest, manifest_uri, numbers, read_manifest, views_uri
from registry.errors import RegistryError, StoreError
from registry.findings import Finding, with_first
from registry.keys import sha256_of_bytes
from registry.store import Store


def named_in_snapshots(store: Store) -> set[str]:
    """Return the address of every file that a snapshot names, the manifests' own files with them.

    Raises:
        StoreError: a manifest cannot be read, so that nobody knows what it names.
    """
    named: set[str] = set()
    for number in numbers(store):
        manifest = read_manifest(store, number)
        named |= {manifest_uri(number), views_uri(number)}
        named |= {file.uri for files in manifest.tables.values() for file in files}
    return named


def examine_snapshots(store: Store) -> Iterator[Finding]:
    """Yield whether every file of every snapshot is what its manifest says; each file is read once."""
    known: dict[str, bool] = {}
    wrong: list[str] = []
    count = 0
    for number in numbers(store):
        count += 1
        try:
            manifest = read_manifest(store, number)
        except RegistryError as error:
            wrong.append(f"snapshot {number}: {error.message}")
            continue
        wrong += [f"snapshot {number}: {uri}" for uri in _damaged(store, manifest, known)]
    if wrong:
        whole = with_first("files of snapshots are missing or damaged", wrong)
        yield Finding("fail", "snapshots", f"{whole}; make another: cavewall snapshot build")
    elif count:
        yield Finding("ok", "snapshots", f"{count} with {len(known)} files, digests equal")
    else:
        yield Finding("info", "snapshots", "none yet: cavewall snapshot build")


def _damaged(store: Store, manifest: Manifest, known: dict[str, bool]) -> Iterator[str]:
    for file in (file for files in manifest.tables.values() for file in files):
        if file.uri not in known:
            try:
                store.checked_path(file.uri, file.sha256)
                known[file.uri] = True
            except StoreError:
                known[file.uri] = False
        if not known[file.uri]:
            yield file.uri
    views = store.path(views_uri(manifest.number))
    if not views.is_file() or sha256_of_bytes(views.read_bytes()) != manifest.views_sha256:
        yield views_uri(manifest.number)
