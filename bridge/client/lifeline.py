"""What a session needs to outlive a connection: its place and token, what to say again, when to give up."""

from __future__ import annotations

import random
from collections.abc import Callable

from bridge.client.place import Place
from bridge.client.spool import Spool
from bridge.protocol import client_messages, server_messages, wire

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 0.8
"""So that it goes on within a second after the network is back."""
STEADY_SECONDS = 10.0
"""A connection that carried nothing and lasted less was none: attempts to go on are not counted anew."""
READ_SHARE = 0.8
"""Of what a server takes before it stops reading, pings included."""

_ANSWERS = {
    "playback.pause": "playback.paused",
    "playback.resume": "playback.resumed",
    "playback.stop": "playback.stopped",
    "ping": "pong",
}
_AT_ONCE = {*_ANSWERS, "playback.mark"}
_UNNUMBERED = (
    server_messages.SessionStarted
    | server_messages.SessionUpdated
    | server_messages.AudioAck
    | server_messages.RoomUpdated
    | server_messages.PlaybackSkipped
    | server_messages.Warning
    | server_messages.Error
    | server_messages.Pong
)
"""Answers carry the number of a frame that may not have arrived yet."""

Heard = server_messages.ServerMessage | wire.AudioFrame


class Lifeline:
    """One session over all its connections. Times are arguments, in seconds of time.monotonic().

    `chance` gives numbers from 0 to 1, by which those who were dropped together come back apart.
    """

    def __init__(self, wanted: bool = True, chance: Callable[[], float] = random.random) -> None:
        self._wanted = wanted
        self._chance = chance
        self._spool = Spool()
        self._urgent: list[client_messages.ClientMessage] = []
        self._unsent = 0
        self._started: server_messages.SessionStarted | None = None
        self._place = Place()
        self._began = 0.0
        self._until = 0.0
        self._attempts = 0
        self._carried = False
        self._over = False

    # The session

    @property
    def resumable(self) -> bool:
        """Whether the server keeps the session when its connection is lost."""
        started = self._started
        return (
            self._wanted
            and not self._over
            and started is not None
            and started.resume_window_s > 0
            and bool(started.resume_token)
        )

    def begin(self, started: server_messages.SessionStarted, now: float) -> None:
        """A connection carries the session from `now` on, the first one or one that goes on."""
        again, self._started = self._started is not None, started
        self._began, self._carried = now, not again
        self._spool.keeps = self.resumable
        if again:
            self._spool.rewind(started.samples)
            self._unsent = len(self._urgent)
        else:
            self._place.last_seq = started.seq
            self._place.paced = started.config.output.pacing == "realtime"

    def end(self) -> None:
        """Nothing more will come of the session, nor is anything kept."""
        self._over = True
        self._spool.keeps = False

    # To the server

    @property
    def full(self) -> bool:
        """Whether no more audio should be added until the server has acknowledged some."""
        return self._spool.full

    def yield_room(self) -> None:
        """Makes room without a receipt: the oldest audio could not be said again."""
        self._spool.yield_room()

    @property
    def read(self) -> bool:
        """Whether the server reads what is sent, so that one which does not answer is not there any more."""
        assert self._started is not None
        return self._spool.seconds < self._started.limits.max_ahead_s * READ_SHARE

    def add_audio(self, pcm: bytes) -> None:
        """Adds PCM s16le mono 16 kHz."""
        self._spool.add_audio(pcm)

    def add(self, message: client_messages.ClientMessage) -> None:
        """Adds a message: behind the audio so far, or ahead of all that waits if it holds at once."""
        if message.type in _AT_ONCE:
            self._urgent.append(message)
            self._unsent += 1
        else:
            self._spool.add(wire.encode(message))

    def take(self) -> str | bytes | None:
        """The next frame to be sent; None where all is."""
        if self._unsent:
            at = len(self._urgent) - self._unsent
            message = self._urgent[at]
            self._unsent -= 1
            if not self.resumable or message.type not in _ANSWERS:
                del self._urgent[at]
            return wire.encode(message)
        assert self._started is not None
        return self._spool.take(self._started.limits.max_message_bytes)

    # From the server

    def hear(self, message: Heard) -> bool:
        """Notes what arrived; False where it is not for the user: a frame that came before, or a receipt."""
        self._carried = True
        if isinstance(message, server_messages.AudioAck):
            self._spool.free(message.samples)
            return False
        if isinstance(message, server_messages.SessionEnded):
            self.end()
        elif not isinstance(message, _UNNUMBERED) and not self._place.note(message) and self.resumable:
            return False
        if not isinstance(message, wire.AudioFrame):
            self._answered(message.type)
        return True

    def _answered(self, kind: str) -> None:
        sent = self._urgent[: len(self._urgent) - self._unsent]
        for message in sent:
            if _ANSWERS.get(message.type) == kind:
                self._urgent.remove(message)
                return

    # Without a connection

    def lose(self, now: float) -> None:
        """The connection was lost."""
        assert self._started is not None
        if self._carried or now - self._began > STEADY_SECONDS:
            self._until = now + self._started.resume_window_s
            self._attempts = 0

    def pause(self, now: float, least: float = 0.0) -> float | None:
        """Seconds until the next attempt to go on, at least as long as the server asked; None: give up."""
        left = self._until - now
        if left <= 0:
            return None
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**self._attempts)
        self._attempts += 1
        return min(max(longest * (1 + self._chance()) / 2, least), left)

    def resume(self) -> client_messages.Resume:
        """What is said to go on."""
        assert self._started is not None
        return client_messages.Resume(
            session_id=self._started.session_id,
            token=self._started.resume_token,
            last_seq=self._place.last_seq,
            samples=self._spool.first,
            heard=self._place.heard,
        )
