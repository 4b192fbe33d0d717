"""How far a client has come in what a server sends: what it says to be sent the rest, and only that."""

from __future__ import annotations

from bridge.protocol import server_messages, wire
from bridge.protocol.client_messages import Heard
from bridge.types import SAMPLE_BYTES

Numbered = server_messages.ServerMessage | wire.AudioFrame


class Place:
    """One session over all its connections. `paced`: speech comes at the rate of hearing, and captions
    overtake it; each has its own order then."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.paced = False
        self._heard: dict[str, tuple[int, int]] = {}
        self._targets: dict[tuple[int, int], str] = {}

    def note(self, message: Numbered) -> bool:
        """Notes a numbered frame that arrived; False where it had arrived before."""
        target = self._target(message) if self.paced else None
        if target is None:
            new = message.seq > self.last_seq
            self.last_seq = max(self.last_seq, message.seq)
            return new
        end = 0
        if isinstance(message, wire.AudioFrame):
            end = message.offset + len(message.pcm) // SAMPLE_BYTES
        new = (message.seq, end) > self._heard.get(target, (0, 0))
        self._heard[target] = max((message.seq, end), self._heard.get(target, (0, 0)))
        return new

    @property
    def heard(self) -> tuple[Heard, ...] | None:
        """Of the speech in each target, what arrived; None where that follows from `last_seq`."""
        if not self.paced:
            return None
        return tuple(
            Heard(target=target, seq=seq, samples=samples)
            for target, (seq, samples) in sorted(self._heard.items())
        )

    def _target(self, message: Numbered) -> str | None:
        """The target of which speech a frame is; None where it is no speech."""
        match message:
            case wire.AudioFrame():
                return self._targets.get((message.segment, message.target))
            case server_messages.AudioStart():
                self._targets[message.segment, message.index] = message.target
                return message.target
            case server_messages.AudioEnd():
                for of, target in list(self._targets.items()):
                    if of[0] == message.segment and target == message.target:
                        del self._targets[of]
                return message.target
        return None
