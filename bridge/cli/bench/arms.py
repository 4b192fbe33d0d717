"""The stacks that are measured by turns in one run, each with variables of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge.cli.bench.simulated import apart, simulation, topology_text
from bridge.cli.stack import Stack
from bridge.client import stream_url
from bridge.errors import GatewayError

PLAIN = "Name the gateway itself, such as http://127.0.0.1:8000."
START = "Start a gateway, speechbridge up, or leave the address out: then one is started."
REACH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Arm:
    """What is measured: `name` and a stroke stand before its figures, if it has a name.

    `engines_ms` are the times set, None for real engines; `stack` is None where others started it.
    """

    name: str
    url: str
    engines_ms: Mapping[str, int] | None
    stack: Stack | None

    def figure(self, name: str) -> str:
        """A figure's name with that of the arm."""
        return f"{self.name}/{name}" if self.name else name

    @property
    def pids(self) -> frozenset[int]:
        """The processes of the stack."""
        return frozenset(self.stack.pids().values()) if self.stack is not None else frozenset()


@contextmanager
def arms(
    variants: Mapping[str, Mapping[str, str]],
    engines_ms: Mapping[str, int] | None,
    sessions: int,
    url: str = "",
) -> Iterator[list[Arm]]:
    """A stack for each of `variants`, by name, with engines that take `engines_ms` or with those in force.

    Simulated engines have a thread for each of `sessions`, 64 at most. With `url` the gateway there is
    all there is, as it is. Raises BridgeError as `Stack` does, GatewayError where no gateway answers.
    """
    if url:
        _reach(url)
        yield [Arm("", url, None, None)]
        return
    with ExitStack() as stacks:
        common: Mapping[str, str] = {}
        if engines_ms is not None:
            made = simulation(engines_ms, topology_text(max(2, sessions)), connections=sessions + 10)
            common = stacks.enter_context(made)
        private = engines_ms is not None or len(variants) > 1
        yield [
            Arm(name, stack.url, engines_ms, stack)
            for name, variables in variants.items()
            for stack in [stacks.enter_context(apart({**common, **variables}, private=private))]
        ]


def _reach(url: str) -> None:
    parts = urlsplit(stream_url(url))
    if parts.scheme == "wss":
        raise GatewayError(f"{url} is behind TLS, which sessions of a benchmark do not speak.", PLAIN)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), REACH_SECONDS).close()
    except OSError as error:
        raise GatewayError(f"Nobody answers at {url}: {error.strerror or error}.", START) from None
