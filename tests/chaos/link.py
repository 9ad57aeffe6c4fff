"""The network between a command and its server: a TCP port that passes everything on, until it is cut or stalls."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

_PIECE = 65536


class Link:
    """A port on loopback before a server's socket, whose place is asked anew for each connection.

    Parameters
    ----------
    behind
        Returns the path of the socket as it is now.
    """

    def __init__(self, behind: Callable[[], str]) -> None:
        self._behind = behind
        self._down_until = self._still_until = 0.0
        self._open: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self, seconds: float, *, server_notices_after: float = 0.0) -> None:
        """Reset all connections of clients and refuse new ones for a while; the server's side ends now or later."""
        self._down_until = time.monotonic() + seconds
        self._call(self._reset(server_notices_after))
        time.sleep(seconds)

    def stall(self, seconds: float) -> None:
        """Let nothing pass for a while; nobody is told."""
        self._still_until = time.monotonic() + seconds
        time.sleep(seconds)

    def close(self) -> None:
        """End the port and all connections."""
        self._call(self._reset(0.0))
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if time.monotonic() < self._down_until:
            _reset(writer)
            return
        try:
            from_server, to_server = await asyncio.open_unix_connection(self._behind())
        except OSError:
            _reset(writer)
            return
        pair = writer, to_server
        self._open.add(pair)
        try:
            await asyncio.gather(self._pass(reader, to_server), self._pass(from_server, writer))
        except OSError:
            pass
        finally:
            if pair in self._open:
                self._open.discard(pair)
                to_server.close()
                writer.close()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while piece := await source.read(_PIECE):
            await asyncio.sleep(max(0.0, self._still_until - time.monotonic()))
            target.write(piece)
            await target.drain()
        target.close()

    async def _reset(self, server_notices_after: float) -> None:
        pairs, self._open = self._open, set()
        for client, server in pairs:
            _reset(client)
            self._loop.call_later(server_notices_after, server.transport.abort)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection as a machine does that knows nothing of it."""
    found = writer.get_extra_info("socket")
    if found is not None and found.fileno() >= 0:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
