"""What is known of one segment that is not over."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.types import Decision, Event
from gateway.core.facts import Fact
from gateway.core.voice import Voice


@dataclass(slots=True)
class State:
    """A segment. `original` is its sound, `given_up` whether no transcript will come. Of a `draft`, `held` is
    what its listeners will be told when it is promoted."""

    cut: Decision
    voices: dict[str, Voice]
    transcript: Event | None = None
    original: Event | None = None
    given_up: bool = False
    attempts: int = 0
    draft: bool = False
    held: list[Fact] = field(default_factory=list)

    @property
    def spoken(self) -> str | None:
        """The language that was spoken, None as long as it is not known."""
        return self.transcript.language if self.transcript else self.cut.source
