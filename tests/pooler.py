"""A pooler in transaction mode before a PostgreSQL server, as small as it can be: what must not hold a lock.

A client's session is the pooler's; each of its transactions goes to whichever connection to the server was
free last. That is what PgBouncer does in this mode, down to the process number that it makes up.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

SOCKET_NAME = ".s.PGSQL.5432"
REFUSED_REQUESTS = (80877103, 80877104)  # to encrypt the connection
MADE_UP_PROCESS = 4_242_424


@dataclass
class Pooler:
    """Listens on a socket in a folder, and speaks to the server that listens in another."""

    server: Path
    free: list[socket.socket] = field(default_factory=list)
    greeting: bytes = b""

    def serve(self, client: socket.socket) -> None:
        """Answer one client until it leaves."""
        with client, suppress(OSError, EOFError):
            startup = self._startup(client)
            if not self.greeting:
                self.free.append(self._backend(startup))
            client.sendall(self.greeting)
            while (request := _request(client)) is not None:
                backend = self.free.pop() if self.free else self._backend(startup)
                backend.sendall(request)
                while not self._answered(backend, client):
                    follow = _request(client)
                    if follow is None:
                        return
                    backend.sendall(follow)
                self.free.append(backend)

    def _startup(self, client: socket.socket) -> bytes:
        while True:
            head = _exactly(client, 8)
            size, code = struct.unpack("!ii", head)
            if code not in REFUSED_REQUESTS:
                return head + _exactly(client, size - 8)
            client.sendall(b"N")

    def _backend(self, startup: bytes) -> socket.socket:
        """Return a new connection to the server, which has said that it is ready."""
        backend = socket.socket(socket.AF_UNIX)
        backend.connect(str(self.server / SOCKET_NAME))
        backend.sendall(startup)
        said, kind = b"", b""
        while kind != b"Z":
            kind, message = _message(backend)
            said += b"K" + struct.pack("!iii", 12, MADE_UP_PROCESS, 1) if kind == b"K" else message
        self.greeting = said
        return backend

    def _answered(self, backend: socket.socket, client: socket.socket) -> bool:
        """Pass on what the server says to one request, and return whether its transaction is over."""
        while True:
            kind, message = _message(backend)
            client.sendall(message)
            if kind == b"Z":
                return message[-1:] == b"I"


def _request(client: socket.socket) -> bytes | None:
    """Return the messages of a client up to where it waits for an answer; None where it leaves."""
    said = b""
    while True:
        kind, message = _message(client)
        if kind == b"X":
            return None
        said += message
        if kind in (b"Q", b"S"):
            return said


def _message(peer: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(peer, 5)
    return head[:1], head + _exactly(peer, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(peer: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = peer.recv(count - len(found))
        if not part:
            raise EOFError
        found += part
    return found


@contextmanager
def transaction_pooler(server: Path, folder: Path) -> Iterator[Pooler]:
    """Run a pooler whose socket is in a folder, before the server whose socket is in another."""
    pooler = Pooler(server)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / SOCKET_NAME))
        listener.listen()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=pooler.serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield pooler
        listener.shutdown(socket.SHUT_RDWR)
    for backend in pooler.free:
        backend.close()
