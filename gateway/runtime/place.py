"""How far a client has come in what it was sent: one number, or where speech is paced one for each target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bridge.types import SAMPLE_BYTES
from gateway.core.effects import Play, Say, SpeechBegins, SpeechEnds

BEGIN = (1, 0)


@dataclass(frozen=True, slots=True)
class Place:
    """`last` is the number of the last frame that arrived. Where captions overtake speech it is the last of
    those, and `heard` has of the speech in each target the number of its last frame, and the samples of that
    segment that arrived; None where a client does not tell."""

    last: int
    heard: Mapping[str, tuple[int, int]] | None = None

    def numbered(self, shift: int, lanes: bool) -> Place:
        """The same in numbers `shift` higher; `lanes`: whether captions overtake speech."""
        if not lanes or self.heard is None:
            return Place(self.last + shift)
        heard = {target: (seq + shift, samples) for target, (seq, samples) in self.heard.items()}
        return Place(self.last + shift, {"": (BEGIN[0] + shift, 0), **heard})

    def rest(self, frame: Say | Play) -> Say | Play | None:
        """What of a frame has not arrived; None where all has."""
        if self.heard is None:
            return frame if frame.seq > self.last else None
        if isinstance(frame, Play):
            return self._rest(frame)
        if isinstance(frame.what, SpeechBegins | SpeechEnds):
            return frame if frame.seq > self._of(frame.what.target)[0] else None
        return frame if frame.seq > self.last else None

    def _rest(self, sound: Play) -> Play | None:
        seq, samples = self._of(sound.language)
        if sound.seq != seq:
            return sound if sound.seq > seq else None
        arrived = samples - sound.offset
        if arrived * SAMPLE_BYTES >= len(sound.pcm):
            return None
        return replace(sound, offset=sound.offset + arrived, pcm=sound.pcm[arrived * SAMPLE_BYTES :])

    def _of(self, target: str) -> tuple[int, int]:
        assert self.heard is not None
        return self.heard.get(target, self.heard[""])
