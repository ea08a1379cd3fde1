"""A relay in front of a server's TCP port: forwards bytes until it is told to be out of order."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Listens on a port of loopback, in front of a port or of a PostgreSQL server's folder of sockets.

    `break_off` ends every connection and turns new ones away, `stand_still` takes everything and answers nothing; both
    until `mend`.
    """

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._links: set[socket.socket] = set()
        self._broken = threading.Event()
        self._moving = threading.Event()
        self._moving.set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])

    @contextmanager
    def running(self) -> Iterator["Relay"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._accept, name="relay", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.break_off()
            self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            thread.join()

    def break_off(self) -> None:
        """Be out of order from now on."""
        self._broken.set()
        self._moving.set()
        for link in list(self._links):
            self._end(link)

    def stand_still(self) -> None:
        """Pass nothing on from now on, as a server whose machine hangs."""
        self._moving.clear()

    def mend(self) -> None:
        """Work again."""
        self._broken.clear()
        self._moving.set()

    def _connect(self) -> socket.socket:
        host, port = self._upstream
        if not host.startswith("/"):
            return socket.create_connection(self._upstream, 5)
        link = socket.socket(socket.AF_UNIX)
        link.connect(f"{host}/.s.PGSQL.{port}")
        return link

    def _end(self, link: socket.socket) -> None:
        self._links.discard(link)
        with suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
        link.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if self._broken.is_set():
                client.close()
                continue
            try:
                server = self._connect()
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._links |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._moving.wait()
                sink.sendall(data)
        self._end(source)
        self._end(sink)
