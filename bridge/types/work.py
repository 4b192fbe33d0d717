"""The message of one task: what a worker is to do, for whom, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

Stage = Literal["stt", "translation", "tts"]
STAGES: tuple[Stage, ...] = ("stt", "translation", "tts")


Floor = Literal["", "voice", "silent"]
"""What those get who listen in the language that is spoken: the words spoken by tts ("") as in any other
language, the speaker's own voice, or nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """One language that somebody listens in, the voice they asked for, and how many times faster than its own
    pace it speaks."""

    language: str
    voice: str | None = None
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Work:
    """The message of one task: who it is for, what the stage before made, until when it is wanted.

    A few hundred bytes of JSON; the audio stays in Redis under the key `audio` (claim check). `room` is
    the room whose journal hears of it, `sentence` the first one that tts still has to speak. `deadline`
    and `sent` are seconds on the clock of Redis, which is the one that all hosts share. A `source` of None
    is to be detected, `among` these where there are any, `prior` being the one that was found last. Who
    listens in the language that is spoken hears, by `floor`, its words spoken by an engine (""), the
    speaker's own "voice", or nothing ("silent"). A `draft` was begun before the end of the speech is
    certain. A `partial` is a look at the first `index` samples of speech that goes on: only its text is
    wanted. Speech is `speed` times faster than the voice's own. `head` is what the first sentences became,
    the first `skip` characters of what was said: on their way to tts before the rest is translated, which
    follows as `part` 1. `quick` work is done with the least effort that the engine has. Speech that tts has
    not begun by `due`, on the clock of Redis, would come too late (0: it never does). `trace` names the span
    of its segment (a W3C traceparent), "" where nobody traces it. `context` is what the speaker said just
    before, oldest first. `avoid` names the provider that broke off in an attempt before, to be asked last.
    """

    session: str
    segment: int
    room: str = ""
    revision: int = 0
    attempt: int = 0
    draft: bool = False
    partial: bool = False
    index: int = 0
    quick: bool = False
    source: str | None = None
    among: tuple[str, ...] = ()
    prior: str = ""
    target: str | None = None
    voice: str | None = None
    speed: float = 1.0
    floor: Floor = ""
    text: str = ""
    head: str = ""
    skip: int = 0
    part: int = 0
    sentence: int = 0
    audio: str = ""
    rate: int = 24_000
    deadline: float = 0.0
    due: float = 0.0
    sent: float = 0.0
    trace: str = ""
    context: tuple[str, ...] = ()
    avoid: str = ""

    def but(self, **changes: Any) -> Self:
        """The same work with some fields changed."""
        return replace(self, **changes)

    def until(self, stage: Stage) -> float:
        """When it is too late to begin `stage`, in seconds on the clock of Redis; 0: never. Speech that was
        begun is spoken to its end."""
        if stage != "tts" or not self.due or self.sentence:
            return self.deadline
        return min(self.due, self.deadline) if self.deadline else self.due

    def item(self, stage: Stage) -> str:
        """What `item_name` calls this work at `stage`."""
        return item_name(
            self.session, self.segment, self.revision, stage, self.target, self.attempt, self.part
        )

    def message(self) -> dict[str, Any]:
        """As JSON-ready values, for a task's arguments."""
        return asdict(self)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """The work in a task's arguments; fields of a newer release are ignored."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in message.items() if name in known}
        lists = {name: tuple(values.get(name, ())) for name in ("among", "context")}
        return cls(**values | lists)


def item_name(
    session: str, segment: int, revision: int, stage: Stage, target: str | None, attempt: int, part: int = 0
) -> str:
    """How a worker's sign of life names a piece of work that it runs: `session/3.0/tts/es/0`, and the second
    part of it `session/3.0/tts/es/0.1`."""
    name = f"{session}/{segment}.{revision}/{stage}/{target or ''}/{attempt}"
    return f"{name}.{part}" if part else name
