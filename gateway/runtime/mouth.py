"""How a session speaks to its client, whatever the protocol; and what it does while the client is away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bridge.types import Attendant
from gateway.core import effects, glimpse
from gateway.core.warnings import Warn


class Mouth(Protocol):
    """The protocol that this session speaks. All calls return at once."""

    def say(self, said: effects.Say, seq: int) -> None:
        """`seq` is the number that this client knows it by."""

    def asked(self, number: int, since: float) -> None:
        """The wish that became decision `number` came at `since`, in seconds of time.monotonic()."""

    def show(self, shown: glimpse.Show | Warn) -> None:
        """What is said at the moment, if the client can be told at once, or what it is warned of."""

    def play(self, sound: effects.Play, seq: int) -> None: ...

    def purge(self, before: float) -> None: ...

    def acknowledge(self, samples: int) -> None:
        """Audio before this place is safe."""

    def attended(self, speakers: Sequence[Attendant], listeners: Mapping[str, int]) -> None:
        """Who is in the room."""

    def full(self) -> bool:
        """Whether the client reads too slowly for more to be begun."""

    def hold(self, holding: bool) -> None:
        """The budget of audio is used up (True), or has room again: read no further until then."""

    def broken(self) -> None:
        """A fault of the program ended the session."""

    def taken_over(self) -> None:
        """Another connection has the session now."""

    def room_closed(self) -> None:
        """The room is over."""


class Away:
    """The mouth of a session whose client is away: what is said meanwhile stands in the journal."""

    def say(self, said: effects.Say, seq: int) -> None: ...

    def asked(self, number: int, since: float) -> None: ...

    def show(self, shown: glimpse.Show | Warn) -> None: ...

    def play(self, sound: effects.Play, seq: int) -> None: ...

    def purge(self, before: float) -> None: ...

    def acknowledge(self, samples: int) -> None: ...

    def attended(self, speakers: Sequence[Attendant], listeners: Mapping[str, int]) -> None: ...

    def full(self) -> bool:
        return False

    def hold(self, holding: bool) -> None: ...

    def broken(self) -> None: ...

    def taken_over(self) -> None: ...

    def room_closed(self) -> None: ...


AWAY = Away()
