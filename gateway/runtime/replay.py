"""What listeners were sent before: the journal folded anew, and then followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.audio import Resampler
from bridge.store.journal import BEGIN, Journal
from gateway.core.effects import Effect, Play, Purge, Say
from gateway.core.listener import Listener
from gateway.core.room import Room, effects_of
from gateway.core.tuning import Tuning
from gateway.runtime.place import Place

Frame = Say | Play
Sent = tuple[str, Frame | Purge]
"""What was sent, or dropped, and the entry that it came of."""


class Replay:
    """The frames of those who listen in one way, each with the entry that it came of, in their numbers."""

    def __init__(self) -> None:
        self.users = 0
        self.frames: list[tuple[str, Frame]] = []
        self._dropped: set[int] = set()
        self._before = 1
        self._ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def begin(self, sent: Sequence[Sent], ahead: int) -> None:
        """All that was sent up to now, in numbers that are `ahead` of those of the fold."""
        for entry, effect in sent:
            shifted = effect if isinstance(effect, Purge) else replace(effect, seq=effect.seq + ahead)
            self._note(entry, shifted)
        self._before = 1 + ahead
        self._ready.set_result(True)

    def fail(self, error: BaseException) -> None:
        """It could not be read."""
        if isinstance(error, asyncio.CancelledError):
            self._ready.set_result(False)  # whoever waits was not cancelled, and reads it anew
            return
        self._ready.set_exception(error)
        self._ready.exception()  # whoever waits gets it too

    async def ready(self) -> bool:
        """Waits until `begin`; False where whoever read it was called off."""
        return await asyncio.shield(self._ready)

    def add(self, entry: str, effects: Sequence[Effect]) -> None:
        """More frames that come of `entry`."""
        if self._ready.done():
            for effect in effects:
                if isinstance(effect, Frame | Purge):
                    self._note(entry, effect)

    def _note(self, entry: str, effect: Frame | Purge) -> None:
        if isinstance(effect, Purge):
            stopped = (it for _, it in self.frames if isinstance(it, Play) and it.segment < effect.segment)
            self._dropped.update(it.seq for it in stopped)
        else:
            self.frames.append((entry, effect))

    def since(self, place: Place) -> list[Frame]:
        """What is missing at a client that has come to `place`, but for speech that was stopped since."""
        missing = (place.rest(frame) for _, frame in self.frames if frame.seq not in self._dropped)
        return [frame for frame in missing if frame is not None]

    def number_at(self, entry: str) -> int:
        """The number of the last frame that came of `entry` or of one before."""
        number = self._before
        for of, frame in self.frames:
            if moment(of) > moment(entry):
                break
            number = frame.seq
        return number


async def replayed(
    journal: Journal, room: str, tuning: Tuning, patience: float, until: Callable[[], str]
) -> tuple[Listener, list[Sent]]:
    """Folds a journal from its start up to the entry that `until` names when it gets there.

    Returns the listener as it is then, and all that it was sent, or dropped. Raises RedisUnavailable.
    """
    shadow = Room(Resampler, patience)
    listener = shadow.tune(tuning)
    sent: list[Sent] = []
    after = BEGIN
    while True:
        asked = until()
        page = await journal.history(room, after)
        end = moment(until())
        due = [entry for entry, _ in page if moment(entry.id) <= end]
        for entry in due:
            found = effects_of(shadow.handle(entry, 0.0))
            sent += [(entry.id, effect) for effect in found if isinstance(effect, Frame | Purge)]
            after = entry.id
        # What others have written since is not folded here yet: the relay brings it to all at once. What it
        # brought while the page was on its way is missing from that one.
        if len(due) < len(page) or (not page and until() == asked):
            return listener, sent


def moment(entry: str) -> tuple[int, int]:
    """An id of a journal as something that can be compared."""
    at, _, count = entry.partition("-")
    return int(at), int(count or 0)
