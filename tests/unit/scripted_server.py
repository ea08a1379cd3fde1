"""An HTTP server whose answers a test writes byte by byte, for what well-behaved servers do not do."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Behaviour = Callable[[socket.socket, "Request"], bool | None]
"""What to do with a request; True keeps the connection for the next one."""


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """Listens on loopback; does `behaviours` one after another, the last one again and again."""

    behaviours: list[Behaviour]
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._accepting = threading.Thread(target=self._accept)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            thread.start()
            self._threads.append(thread)

    def _serve(self, accepted: socket.socket) -> None:
        try:
            connection = self.tls.wrap_socket(accepted, server_side=True) if self.tls else accepted
        except OSError:
            accepted.close()
            return
        with connection:
            while True:
                try:
                    request = _read(connection)
                except OSError:
                    return
                if request is None:
                    return
                with self._lock:
                    self.requests.append(request)
                    behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
                try:
                    if not behaviour(connection, request):
                        return
                except OSError:
                    return


def _read(connection: socket.socket) -> Request | None:
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return None
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    headers = {name.lower(): text.strip() for name, _, text in (row.partition(":") for row in rest)}
    while len(body) < int(headers.get("content-length", "0")):
        part = connection.recv(65536)
        if not part:
            return None
        body += part
    return Request(line, headers, body)


def answering(body: bytes, status: str = "200 OK", **headers: str) -> Behaviour:
    """Answer well; header names in keyword form (`retry_after`)."""

    def behave(connection: socket.socket, request: Request) -> bool:
        rows = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in headers.items())
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{rows}\r\n"
        connection.sendall(head.encode() + body)
        return True

    return behave


def closing(connection: socket.socket, request: Request) -> None:
    """Close without an answer."""


def resetting(connection: socket.socket, request: Request) -> None:
    """Reset the connection without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(connection: socket.socket, request: Request) -> None:
    """Say nothing until the other side gives up."""
    connection.recv(1)


def dripping(head: bytes) -> Behaviour:
    """Send the head, then a byte now and then, for ever."""

    def behave(connection: socket.socket, request: Request) -> None:
        connection.sendall(head)
        connection.settimeout(0.02)
        while True:
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                connection.sendall(b"x")

    return behave
