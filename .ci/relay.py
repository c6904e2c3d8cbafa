"""Passes connections on, between TCP ports of 127.0.0.1 (numbers) and Unix sockets (paths), which network namespaces share."""

from __future__ import annotations

import asyncio
import contextlib

End = int | str


async def relay(behind: End, here: End) -> None:
    """Listens `here` and passes every connection on to `behind`."""

    async def let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await _open(behind)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))

    if isinstance(here, int):
        await asyncio.start_server(let_in, "127.0.0.1", here)
    else:
        await asyncio.start_unix_server(let_in, here)


async def _open(end: End) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(end, int):
        return await asyncio.open_connection("127.0.0.1", end)
    return await asyncio.open_unix_connection(end)


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()
