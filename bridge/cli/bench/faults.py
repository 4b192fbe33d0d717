"""What `bench resume` does to connections: resets of their own, gateways that are killed or replaced."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import struct
import time
from typing import Any

from bridge.cli.bench.processes import children
from bridge.cli.bench.witness import Witness
from bridge.cli.network import converse
from bridge.cli.stack import Stack
from bridge.client.connection import Client
from bridge.errors import BridgeError, GatewayError

KINDS = ("reset", "outage", "kill", "restart")
OTHER = "other"
OUTAGES = 0.2
"""Of the resets so many leave no network for a while."""
OUTAGE_SECONDS = (0.1, 4.0)
RESET_SECONDS = (0.2, 5.0)
"""Between two resets of a session."""
GATEWAY_SECONDS = (1.0, 6.0)
"""Of peace, with all gateways there, between two faults of a gateway."""
BLAMED_SECONDS = 8.0
"""After a fault of a gateway a lost connection is put down to it."""
SERVING_SECONDS = 30.0
TRIES = 16
"""Connections in one look at the gateways behind the port: the kernel chooses which one answers."""

_LINGER_NOT = struct.pack("ii", 1, 0)


class Droppable(Client):
    """A client that notes when its connection is lost and carried on."""

    def __init__(self, witness: Witness, faults: Faults | None, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named, on_change=self._changed)
        self.witness = witness
        self._faults = faults
        self._broken: str | None = None
        self._network_at = 0.0

    def reset(self, outage: float = 0.0) -> None:
        """Breaks its connection with a TCP reset; then there is no network for `outage` seconds."""
        self._broken = "outage" if outage else "reset"
        self._network_at = time.monotonic() + outage
        transport = self._socket.transport
        found: socket.socket = transport.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()

    def _changed(self, error: GatewayError | None) -> None:
        now = time.monotonic()
        if error is None:
            self.witness.resume(now)
        elif self._broken is not None:
            self.witness.lose(self._broken, self._network_at)
            self._broken = None
        else:
            self.witness.lose(*(self._faults.blamed(now) if self._faults else (OTHER, now)))

    @property
    def connected(self) -> bool:
        return not self.witness.away and self._broken is None

    async def _resume(self) -> None:
        if time.monotonic() < self._network_at:
            raise GatewayError("There is no network.", code="no_gateway", retryable=True)
        await super()._resume()


class Faults:
    """Disconnects at random, the same ones for the same `seed`, as far as time allows."""

    def __init__(self, stack: Stack, gateways: int, seed: int) -> None:
        self.kills = 0
        self.restarts = 0
        self._stack = stack
        self._gateways = gateways
        self._chance = random.Random(seed)
        self._last: tuple[str, float] = (OTHER, float("-inf"))

    def blamed(self, now: float) -> tuple[str, float]:
        """The fault of a gateway by which a connection was lost, and when that was."""
        return self._last if now - self._last[1] < BLAMED_SECONDS else (OTHER, now)

    async def reset(self, client: Droppable) -> None:
        """Resets the connection of one session again and again."""
        chance = random.Random(self._chance.random())
        while True:
            await asyncio.sleep(chance.uniform(*RESET_SECONDS))
            outage = chance.uniform(*OUTAGE_SECONDS) if chance.random() < OUTAGES else 0.0
            if client.connected:
                client.reset(outage)

    async def replace(self) -> None:
        """Kills a gateway, or replaces all one after the other, again and again, by turns."""
        while True:
            await self._peace()
            self._strike("kill", signal.SIGKILL, self._chance.choice(sorted(gateways())))
            self.kills += 1
            await self._peace()
            for pid in sorted(gateways()):
                self._strike("restart", signal.SIGTERM, pid)
                self.restarts += 1
                await self._serving(without=pid)

    def _strike(self, kind: str, number: signal.Signals, pid: int) -> None:
        self._last = (kind, time.monotonic())
        os.kill(pid, number)

    async def _peace(self) -> None:
        await self._serving()
        await asyncio.sleep(self._chance.uniform(*GATEWAY_SECONDS))

    async def _serving(self, without: int = 0) -> None:
        """Waits until all gateways answer, and none of them is `without`. Raises BridgeError."""
        until = time.monotonic() + SERVING_SECONDS
        while without in gateways() or not await asyncio.to_thread(self._all_answer):
            if time.monotonic() > until:
                raise BridgeError(f"A gateway that was ended is not back after {SERVING_SECONDS:g} s.")
            await asyncio.sleep(0.1)

    def _all_answer(self) -> bool:
        there = gateways()
        heard: set[int] = set()
        for _ in range(TRIES * self._gateways):
            answers = converse(self._stack.host, self._stack.port, "/healthz")
            heard |= {json.loads(answers[0][1])["pid"]} if answers else set()
            if len(there) == self._gateways and there <= heard:
                return True
        return False


def gateways() -> set[int]:
    """The processes of gateways that this one started."""
    return {pid for pid, role in children(os.getpid()).items() if role == "gateway"}
