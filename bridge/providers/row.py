"""A row of the table of engines: where its class is, what installs it, what it is."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, cast

from bridge.types import Stage

Kind = Literal["local", "server", "cloud"]
"""Where the engine runs: in the worker, on a server of one's own, or at a vendor who wants a key."""


@dataclass(frozen=True, slots=True)
class Row:
    """One provider: where its class is, which extra installs it, under which licence the engine is, where it
    runs, and for which `key`, a variable, a vendor asks."""

    stage: Stage
    name: str
    path: str
    extra: str
    licence: str
    about: str
    kind: Kind = "local"
    key: str = ""

    def cls(self) -> type[Any]:
        module, _, name = self.path.partition(":")
        return cast(type[Any], getattr(import_module(module), name))
