"""What a session is in its room, all that another gateway must know to go on with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

from gateway.core.terms import Terms
from gateway.core.tuning import Tuning

Role = Literal["alone", "speaker", "listener", "both"]


@dataclass(frozen=True, slots=True)
class Seat:
    """`terms` hold for the next segment; in a room its only target is what a listener hears. `number` and
    `name` are what the room knows the session by, 0 in a room of one.

    `apart`: a listener who does not hear what all others hear, because they paused or stopped it.
    """

    session: str
    room: str
    role: Role
    terms: Terms
    number: int = 0
    name: str = ""
    apart: bool = False

    @property
    def speaks(self) -> bool:
        return self.role != "listener"

    @property
    def hears(self) -> bool:
        """Whether the others of the room are heard."""
        return self.role in ("listener", "both")

    @property
    def tuning(self) -> Tuning:
        """How the session listens."""
        rate = self.terms.rate
        if self.role == "alone":
            return Tuning("itself", "", rate, self.session)
        if self.role == "speaker":
            return Tuning("nobody", "", rate, self.session)
        own = self.session if self.role == "both" or self.apart else ""
        return Tuning("others", self.terms.targets[0].language, rate, own)

    def but(self, **changes: object) -> Self:
        """The same with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]
