"""A TCP port in front of a server, which can be shut: connections are refused then, as where a server has been stopped."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed is reset


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """One thread for all doors; it ends with the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


class Door:
    """Passes connections of its own port on to that port of this machine. Made open."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._passing: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._bound = self._bind(0)
        self.port: int = self._bound.getsockname()[1]
        self.open()

    def open(self) -> None:
        self._do(self._open())

    def shut(self) -> None:
        """Nobody gets in any more, and who was in is put out."""
        self._do(self._shut())

    @staticmethod
    def _do(step: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, _loop()).result(10)

    @staticmethod
    def _bind(port: int) -> socket.socket:
        """A socket that does not listen: it refuses, and the port stays ours."""
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._let_in, sock=self._bound)

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self._bound = self._bind(self.port)
            for connection in self._passing:
                connection.close()

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        except OSError:
            writer.close()
            return
        ways = ((reader, inner_writer), (inner_reader, writer))
        self._passing |= {writer, inner_writer}
        await asyncio.gather(*(self._pass_on(source, sink) for source, sink in ways))
        self._passing -= {writer, inner_writer}

    @staticmethod
    async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except OSError:
            with contextlib.suppress(OSError):
                sink.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            sink.transport.abort()
        sink.close()
