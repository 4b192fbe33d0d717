"""What the command line of `translate` asks for, and where its files go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.client import RoomLink, Seat

LONGEST_NAME = 64
ANSWER = ("output", "json", "realtime", "resume", "jobs", "room", "name")
"""What does not change the files that are made."""


@dataclass(frozen=True, slots=True)
class Order:
    """The options in the order of the help text."""

    source: str
    targets: Sequence[str]
    output: Path | None = None
    srt: bool = False
    vtt: bool = False
    dub: bool = False
    json: bool = False
    realtime: bool = False
    track: int | None = None
    resume: bool = False
    jobs: int | None = None
    room: RoomLink | None = None
    name: str | None = None

    @property
    def writes(self) -> bool:
        """Whether there will be files."""
        return self.output is not None or self.srt or self.vtt or self.dub

    def seat(self, file: Path) -> Seat | None:
        """The place in the room from which a recording is spoken, under a name that the others see."""
        from bridge.client import Seat

        if self.room is None:
            return None
        name = (self.name or file.stem)[:LONGEST_NAME].strip()
        return Seat(self.room.room, self.room.secret, "speaker", name or None)

    def folder(self, file: Path) -> Path:
        """Where what becomes of a recording is written: beside it, unless -o names a folder."""
        return self.output or file.parent

    def wanted(self) -> dict[str, Any]:
        """What decides on the content of the files, as JSON."""
        told = {name: value for name, value in asdict(self).items() if name not in ANSWER}
        return told | {"targets": list(self.targets), "wav": self.output is not None}
