"""How far a connection has come: it says what a client may send next."""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    """`WAITING` for session.start, `ENDING` after session.end."""

    WAITING = auto()
    STARTING = auto()
    OPEN = auto()
    ENDING = auto()
    CLOSED = auto()
