"""One room on this gateway: its journal is read once, folded once, and told to all who are here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from bridge.audio import Resampler
from bridge.store.journal import BEGIN, Journal
from bridge.types import Attendant, Entry, Presence
from gateway.core import inputs
from gateway.core.effects import Effect, For, Heard
from gateway.core.listener import Listener
from gateway.core.room import Room
from gateway.core.seat import Seat
from gateway.core.tuning import Tuning
from gateway.runtime.guest import Guest
from gateway.runtime.replay import Replay, replayed
from gateway.runtime.spans import UNTRACED, Untraced

log = structlog.get_logger(__name__)

T = TypeVar("T")

TELL_SECONDS = 1.0


class Hall:
    """`after` is the entry that was folded last; `coming` are on their way in, `announcing`: the others are
    being told who is here."""

    def __init__(
        self, room: str, journal: Journal, patience: float, attended: Callable[[], None] | None
    ) -> None:
        """`attended` is called when who is here has changed, None in a room of one."""
        self.id = room
        self.core = Room(Resampler, patience)
        self.guests: dict[str, Guest] = {}
        self.after = BEGIN
        self.coming = 0
        self.announcing = False
        self._speakers: list[Guest] = []
        self._journal = journal
        self.patience = patience
        self.spans: Untraced = UNTRACED
        self._attended = attended
        self._ears: dict[Tuning, list[Guest]] = {}
        self._replays: dict[Tuning, Replay] = {}
        self._known: object = None
        self._tell_at = 0.0
        self._telling: asyncio.TimerHandle | None = None

    @property
    def alone(self) -> bool:
        """Whether it is a room of one."""
        return self._attended is None

    # Who is here

    def seat(self, guest: Guest) -> None:
        """Somebody listens here from now on; `listener` says beforehand how."""
        self.guests[guest.id] = guest
        if guest.seat.speaks:
            self._speakers.append(guest)
        self._ears.setdefault(guest.seat.tuning, []).append(guest)
        self.changed()

    def leave(self, guest: Guest) -> None:
        """Somebody is not here any more."""
        if self.guests.get(guest.id) is guest:  # it may have come back already
            del self.guests[guest.id]
            self.spans.parted(guest.id)
            self.core.here.pop(guest.id, None)
        if guest in self._speakers:
            self._speakers.remove(guest)
        self._unhear(guest.seat.tuning, guest)
        self.changed()

    def retune(self, guest: Guest, seat: Seat) -> None:
        """Somebody listens otherwise from now on."""
        self._unhear(guest.seat.tuning, guest)
        guest.seat = seat
        self._ears.setdefault(seat.tuning, []).append(guest)
        self.changed()

    def changed(self) -> None:
        """Who is here has changed, or is away."""
        if self._attended is not None:
            self._attended()

    def presence(self, gateway: str) -> Presence:
        """Who is here. Those who are away for a moment count: what is said meanwhile is for them as well."""
        languages: dict[str, int] = {}
        partials = set()
        speakers = []
        for guest in self.guests.values():
            seat = guest.seat
            if seat.hears:
                language = seat.terms.targets[0].language
                languages[language] = languages.get(language, 0) + 1
                if seat.terms.partials:
                    partials.add(language)
            if seat.speaks:
                spoken = seat.terms.source or "auto"
                speakers.append(Attendant(seat.number, seat.name, spoken, guest.away))
        return Presence(gateway, languages, tuple(speakers), tuple(sorted(partials)))

    def _unhear(self, tuning: Tuning, guest: Guest) -> None:
        ears = self._ears.get(tuning, [])
        if guest in ears:
            ears.remove(guest)
        if not ears:
            self._ears.pop(tuning, None)
            self.unheard(tuning)

    # From the relay

    @property
    def firsts(self) -> dict[str, int]:
        """The sessions whose work is kept alive, and from which segment on it is wanted."""
        return {guest.id: guest.first for guest in self._speakers}

    def deliver(self, entry: Entry) -> None:
        """The next entry of the journal."""
        self.after = entry.id
        self.spans.read(entry)
        self._handle(entry)
        if isinstance(entry.item, Presence):
            self.tell()

    async def catch_up(self) -> None:
        """Folds what the journal holds. Raises RedisUnavailable."""
        while page := await self._journal.history(self.id, self.after):
            for entry, _ in page:
                self.deliver(entry)

    def handle(self, given: inputs.Input) -> None:
        """What concerns everybody."""
        if isinstance(given, inputs.Looked) and not self.core.works:
            return  # four times a second for each room: nobody here waits for a worker
        self._handle(given)
        if isinstance(given, inputs.Attended):
            self.tell()

    def lost(self) -> None:
        """Redis came back without this room."""
        self.after = BEGIN
        self._handle(inputs.Lost())
        self.changed()

    def _handle(self, given: inputs.Input) -> None:
        try:
            self._do(self.core.handle(given, time.monotonic()), self.after)
        except Exception:
            log.exception("room failed; the others go on", room=self.id, input=type(given).__name__)
            for guest in list(self.guests.values()):
                guest.broken()
            return
        for guest in self._speakers:
            guest.pump()

    def greet(self, guest: Guest) -> None:
        """Tells one who came in who is in the room."""
        if not self.alone:
            guest.told(self.core.roster.speakers, self.core.roster.listeners)

    def tell(self) -> None:
        """Tells everybody who is in the room, if that is new; once a second at most."""
        if self._telling is not None:
            return
        loop = asyncio.get_running_loop()
        if (wait := self._tell_at - loop.time()) > 0:
            self._telling = loop.call_later(wait, self._tell)
        else:
            self._tell()

    def _tell(self) -> None:
        self._telling = None
        known = (self.core.roster.speakers, self.core.roster.listeners)
        if known != self._known:
            self._known = known
            self._tell_at = asyncio.get_running_loop().time() + TELL_SECONDS
            for guest in self.guests.values():
                guest.told(*known)

    # From a session

    def give(self, given: inputs.Input, session: str) -> list[Effect]:
        """What a session is told or wants; returns what it led to for that session."""
        found = self.core.handle(given, time.monotonic(), session)
        self._do(found, self.after)
        return [effect for each in found if each.whom == session for effect in each.effects]

    def _do(self, found: Sequence[For], entry: str) -> None:
        for each in found:
            if isinstance(each.whom, str):
                if (guest := self.guests.get(each.whom)) is not None:
                    _spared(guest, guest.do, each.effects)
                continue
            self.spans.released(each.whom, each.effects, entry)
            if (replay := self._replays.get(each.whom)) is not None:
                replay.add(entry, each.effects)
            ears = list(self._ears.get(each.whom, ()))
            for effect in each.effects:
                if isinstance(effect, Heard):
                    for ear in ears:
                        _spared(ear, ear.hear, effect)

    # What was said before

    async def listener(self, tuning: Tuning) -> Listener:
        """Who listens in this way, as if it had done so all along. Raises RedisUnavailable."""
        if tuning not in self.core.listeners:
            if self.after == BEGIN:
                self.core.tune(tuning)
            else:
                self._let_go(tuning, await self.replay(tuning))
        return self.core.listeners[tuning]

    async def replay(self, tuning: Tuning) -> Replay:
        """What those who listen in this way were sent, and are sent from now on; it lasts until `forget`.

        Raises RedisUnavailable.
        """
        replay = self._replays.get(tuning)
        while replay is not None:
            replay.users += 1  # before it waits: whoever has it already may be done with it first
            try:
                if await replay.ready():
                    return replay
            except BaseException:
                self.forget(tuning, replay)
                raise
            replay = self._replays.get(tuning)
        return await self._replayed(tuning)

    async def _replayed(self, tuning: Tuning) -> Replay:
        replay = self._replays[tuning] = Replay()
        replay.users = 1
        try:
            listener, sent = await replayed(self._journal, self.id, tuning, self.patience, lambda: self.after)
        except BaseException as error:
            del self._replays[tuning]
            replay.fail(error)
            raise
        ahead = self.core.listeners.setdefault(tuning, listener).seq - listener.seq
        replay.begin(sent, ahead)
        return replay

    def forget(self, tuning: Tuning, replay: Replay) -> None:
        """One who asked for a replay has it."""
        self._let_go(tuning, replay)
        self.unheard(tuning)

    def unheard(self, tuning: Tuning) -> None:
        """Listens no more in this way where nobody does."""
        if tuning not in self._ears and tuning not in self._replays:
            self.core.listeners.pop(tuning, None)

    def _let_go(self, tuning: Tuning, replay: Replay) -> None:
        replay.users -= 1
        if not replay.users and self._replays.get(tuning) is replay:
            del self._replays[tuning]


def _spared(guest: Guest, told: Callable[[T], None], what: T) -> None:
    """Tells a guest; a fault of the program ends its session and no other."""
    try:
        told(what)
    except Exception:
        log.exception("session failed; the others go on", session=guest.id)
        guest.broken()
