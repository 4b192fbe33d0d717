"""A network between a client and a server that a test can tear, or silence."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on between clients and the server at `upstream`; lives in the loop of the test.

    `tear_when` is asked before bytes of the server go to a client, with how many went so far on this
    connection. While `silent`, which a new connection ends, nothing gets through.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self._open: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server
        self.accepted = 0
        self.silent = False
        self.tear_when: Callable[[int], bool] = lambda _: False

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.tear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tear(self) -> None:
        """Resets all connections, as a network that changed does."""
        for writer in self._open:
            with suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        self._open.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        self.silent = False
        self._open.append(writer)
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        except OSError:
            writer.transport.abort()
            return
        self._open.append(up_writer)
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(
                self._pass(reader, up_writer, None), self._pass(up_reader, writer, self.tear_when)
            )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, torn: Callable[[int], bool] | None
    ) -> None:
        passed = 0
        try:
            while data := await reader.read(4096):
                if self.silent:
                    continue
                if torn is not None and torn(passed):
                    self.tear()
                    return
                passed += len(data)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
