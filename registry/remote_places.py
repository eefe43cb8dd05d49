"""Files behind an address like `s3://bucket/folder`: which addresses are allowed, and reading them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.errors import MissingExtra, StoreError

PROTOCOLS = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}  # and the package that reads each
PIECE_BYTES = 8 * 2**20
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://(.*)", re.DOTALL)
# What those packages raise that is no OSError; looked up only where their module is loaded.
_OWN_ERRORS = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("gcsfs.retry", "HttpError"),
    ("azure.core.exceptions", "AzureError"),
)


class FileMissing(StoreError):
    """A file is not where its row says."""


class FileUnreachable(StoreError):
    """Whether a file is there cannot be found out: its place is not declared here, or does not answer."""


@dataclass(frozen=True)
class RemotePlace:
    """A folder behind an address, without a slash at its end."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def protocol(self) -> str:
        """The part of the address that says how to read it."""
        return self.url.partition("://")[0]

    def address(self, uri: str) -> str:
        """Return the address of a file in this place.

        Raises:
            StoreError: it would lead out of the place.
        """
        address = f"{self.url}/{uri}"
        if not uri or address_fault(address) is not None:
            raise StoreError(
                f"'{uri}' leads out of the place {self.url}",
                hint="run 'cavewall verify' to find what wrote it",
            )
        return address


Place = Path | RemotePlace


def address_fault(text: str) -> str | None:
    """Return what is wrong with an address, or None; what may be a secret is not repeated."""
    if re.search(r"://[^/]*@", text):
        return "holds credentials"
    if "://" in text and "?" in text:
        return "has a query, in which credentials may stand"
    if "::" in text:
        return f"is a chained address, {text}"
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return f"is no address, {text}"
    protocol, rest = match.groups()
    if protocol not in PROTOCOLS:
        return f"has the unknown protocol '{protocol}', expected {', '.join(['file', *PROTOCOLS])}"
    if {"", ".", ".."} & set(rest.removesuffix("/").split("/")) or not text.isprintable():
        return f"is no plain path, {text!r}"
    return None


def pieces(place: RemotePlace, uri: str) -> Iterator[bytes]:
    """Yield the bytes of a file behind an address, from its beginning to its end.

    Raises:
        MissingExtra: the package that reads this protocol is not installed.
        FileMissing: there is no such file.
        FileUnreachable: the place does not answer, refuses, or breaks off.
        StoreError: the address leads out of the place.
    """
    address = place.address(uri)
    count = 0
    try:
        with _filesystem(place).open(address, "rb") as file:
            size = getattr(file, "size", None)
            while piece := file.read(PIECE_BYTES):
                count += len(piece)
                yield piece
    except FileNotFoundError as error:
        raise FileMissing(
            f"{uri} is missing in the place {place}", hint="bring it back there, or import it again"
        ) from error
    except _reading_errors() as error:
        raise _unreachable(address, " ".join(str(error).split()) or type(error).__name__) from error
    if size is not None and count != size:
        raise _unreachable(address, f"it ended after {count:,} of {size:,} bytes")


def _unreachable(address: str, reason: str) -> FileUnreachable:
    return FileUnreachable(
        f"{address} cannot be read: {reason}",
        hint="check the network, and the credentials in the environment, then run the same command again",
    )


def _filesystem(place: RemotePlace) -> Any:
    import fsspec

    try:
        return fsspec.filesystem(place.protocol)
    except ImportError as error:
        package = PROTOCOLS[place.protocol]
        raise MissingExtra(
            f"{place} is read by {package}, which is not installed", hint=f"pip install {package}"
        ) from error


def _reading_errors() -> tuple[type[Exception], ...]:
    loaded = [getattr(sys.modules.get(module), name, None) for module, name in _OWN_ERRORS]
    return (OSError, ValueError, *(each for each in loaded if each is not None))
