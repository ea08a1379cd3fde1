"""A proxy in front of PostgreSQL's socket: forwards bytes, and cuts or holds connections when told to.

It knows just enough of the protocol to cut at a telling moment: before a COMMIT reaches the server (the transaction is
lost), after it (the transaction stands and its client does not know), and after any statement.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CHUNK_BYTES = 64 * 1024


def is_commit(message: bytes) -> bool:
    """Whether a client ends a transaction."""
    return message.startswith(b"Q") and b"COMMIT" in message[:16]


def is_statement(message: bytes) -> bool:
    """Whether a client runs a statement with parameters, as all of the product's are."""
    return message[:1] in {b"P", b"B"}


@dataclass
class Trap:
    """Cuts the connection of the first message that fits, after `skip` others have passed.

    `after`: the message still reaches the server, and its answer is what gets lost.
    """

    fits: Callable[[bytes], bool]
    after: bool = False
    skip: int = 0
    sprung: threading.Event = field(default_factory=threading.Event)

    def takes(self, message: bytes) -> bool:
        """Whether this message springs the trap."""
        if self.sprung.is_set() or not self.fits(message):
            return False
        self.skip -= 1
        if self.skip < 0:
            self.sprung.set()
            return True
        return False


@dataclass(eq=False)
class _Link:
    """One client and its connection to the server. `doomed`: cut when the server answers next."""

    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    doomed: bool = False

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


class Proxy:
    """Listens on a port of loopback and forwards to a server's socket; all methods may be called from any thread."""

    def __init__(self, upstream: Path) -> None:
        self._upstream = upstream
        self._links: set[_Link] = set()
        self._trap: Trap | None = None
        self._flowing = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self.port = 0

    def cut_all(self) -> None:
        """Cut every connection now."""
        self._loop.call_soon_threadsafe(self._cut_links)

    def set_trap(self, trap: Trap | None) -> None:
        """Lay a trap, or take it away."""
        self._trap = trap

    def hold(self) -> None:
        """Let no byte through from now on; connections stay open."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def release(self) -> None:
        """Let everything through again."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Serve from a thread until the block ends."""
        started = threading.Event()
        thread = threading.Thread(target=self._run, args=(started,), name="postgres-proxy", daemon=True)
        thread.start()
        started.wait()
        try:
            yield self
        finally:
            self.release()
            self._loop.call_soon_threadsafe(self._stopping.set)
            thread.join()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))
        self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self._stopping = asyncio.Event()
        self._flowing.set()
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stopping.wait()
        server.close()
        self._cut_links()
        while self._links:
            await asyncio.sleep(0.01)

    def _cut_links(self) -> None:
        for link in list(self._links):
            link.cut()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(str(self._upstream))
        except OSError:
            writer.transport.abort()
            return
        link = _Link((writer, server_writer))
        self._links.add(link)
        try:
            await asyncio.gather(
                self._pump(link, reader, server_writer, from_client=True),
                self._pump(link, server_reader, writer, from_client=False),
            )
        finally:
            self._links.discard(link)

    async def _pump(
        self, link: _Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        with suppress(OSError):
            while message := await source.read(CHUNK_BYTES):
                await self._flowing.wait()
                if not from_client and link.doomed:
                    break
                if from_client and (trap := self._trap) is not None and trap.takes(message):
                    if not trap.after:
                        break
                    link.doomed = True
                sink.write(message)
                await sink.drain()
        link.cut()
