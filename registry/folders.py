"""What a folder must be before a registry or a store lives in it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from registry.errors import ConfigurationError, StoreError

NETWORK_FILESYSTEMS = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2",
        "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs", "virtiofs",
    }
)  # fmt: skip


def filesystem_of(path: Path, mounts: str) -> str:
    """Return the type of the file system that holds a path, or '' if no mount covers it.

    Args:
        path: an absolute path with no symbolic link in it.
        mounts: the text of /proc/mounts; the last mount of the longest covering folder wins.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        folder = Path(fields[1].encode().decode("unicode_escape"))
        if (path == folder or folder in path.parents) and len(folder.parts) >= best:
            best, kind = len(folder.parts), fields[2]
    return kind


def refuse_network_filesystem(path: Path) -> None:
    """Raise where an SQLite database would lie on a network file system, whose locks cannot be trusted."""
    table = Path("/proc/mounts")
    if not table.exists():
        return
    kind = filesystem_of(path.resolve(), table.read_text())
    if kind in NETWORK_FILESYSTEMS:
        raise ConfigurationError(
            f"{path} is on a network file system ({kind}), where SQLite's locks do not hold",
            hint="keep the registry on a local disk, or give a PostgreSQL address with --db",
        )


def require_writable(folder: Path, *, what: str) -> None:
    """Raise a StoreError unless a file can be made in the folder, which is created where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".writable-")
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        raise StoreError(
            f"{what} {folder} is not writable: {error.strerror}",
            hint="change its permissions, or set another folder in cavewall.toml",
        ) from error
