"""Runs one session: owns its time and its I/O, asks the core what to do, and does it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from bridge.errors import RedisUnavailable
from bridge.types import SAMPLE_BYTES, Attendant
from gateway.core import effects, glimpse, inputs
from gateway.core.backlog import CatchUp
from gateway.core.bargein import BARGE_IN
from gateway.core.participant import Participant
from gateway.core.seat import Seat
from gateway.core.speaker import Speaker
from gateway.core.takeover import Takeover
from gateway.core.terms import Patience, Terms
from gateway.core.warnings import Warn
from gateway.runtime.backend import Backend
from gateway.runtime.bookmark import Bookmark
from gateway.runtime.hall import Hall
from gateway.runtime.hands import Hands
from gateway.runtime.intake import Intake, Ordered
from gateway.runtime.mouth import AWAY, Mouth
from gateway.runtime.waits import Waits
from gateway.runtime.ward import Ward

log = structlog.get_logger(__name__)


class Runner:
    """One session on this gateway."""

    def __init__(self, backend: Backend, hall: Hall, seat: Seat, fence: int = 0) -> None:
        """`fence` counts the gateways that held it before. Its client is away until `attach`."""
        self.id = seat.session
        self.seat = seat
        self.hall = hall
        self.ahead_of_room = 0
        self.fence = fence
        self.gone: Callable[[Runner], None] = lambda runner: None
        self._finished: Callable[[], None] | None = None
        self._backend = backend
        self._mouth: Mouth = AWAY
        self._speaker = self._speaking(fence)
        # Only who hears what is made of speech, and speaks, can send it back.
        guarded = backend.settings.echo_guard and seat.role in ("alone", "both")
        self._ward = Ward(backend.beside, lambda: self.terms.barge_in != "off") if guarded else None
        self._intake = Intake(
            backend.judge,
            backend.settings,
            self._judged,
            self._hungry,
            lambda full: self._mouth.hold(full),
            self._ward,
        )
        self._samples = 0
        self._bookmark = Bookmark(backend, self.id, lambda at: self._mouth.acknowledge(at))
        self._timer: asyncio.TimerHandle | None = None
        self.waits = Waits(backend.flights, backend.fleet.now, hall.spans.leaving(lambda: self.seat.tuning))
        self._hands = Hands(backend, self.id, hall, self.handle)
        self._over = False
        self._taken: asyncio.Future[int] | None = None
        self._loop = asyncio.get_running_loop()
        self._log = log.bind(session=self.id)

    def _speaking(self, fence: int) -> Speaker | None:
        seat, core, settings = self.seat, self.hall.core, self._backend.settings
        speaker = None
        if seat.speaks:
            self._backend.dispatcher.shedding.joined(self.id)
            speaker = Speaker(
                self.id,
                self.hall.id,
                seat.terms,
                core.ledger(self.id, new=not fence),
                Patience.of(settings),
                settings.session_max_segments,
                None if self.hall.alone else core.audience,
                None if self.hall.alone else core.watched,
                settings.partial_ms if settings.partials else 0,
            )
        core.here[self.id] = Participant(
            self.id, speaker, seat.number, seat.name, fence, CatchUp.of(settings), self._begun
        )
        return speaker

    def _begun(self) -> int:
        """The last segment whose speech it began to hear."""
        listener = self.hall.core.listeners.get(self.seat.tuning)
        return listener.begun if listener else -1

    @property
    def first(self) -> int:
        """The first segment whose work is still wanted."""
        return self._hands.first

    @property
    def away(self) -> bool:
        """Whether its client is away for a moment."""
        return self._mouth is AWAY

    @property
    def stopped(self) -> bool:
        """Whether it is over, here."""
        return self._over

    @property
    def samples(self) -> int:
        """Samples of its audio that have come in."""
        return self._samples

    @property
    def seq(self) -> int:
        """The number of the last frame, as its client knows it."""
        return self.hall.core.listeners[self.seat.tuning].seq + self.ahead_of_room

    @property
    def terms(self) -> Terms:
        """What will hold for the next segment."""
        if (update := self._intake.update) is not None:
            return update.terms
        return self._speaker.agreed if self._speaker else self.seat.terms

    @property
    def segments_cut(self) -> int:
        return self._speaker.segments_cut if self._speaker else 0

    @property
    def unheard(self) -> list[tuple[int, int]]:
        """(segment, revision) of its speech that no transcript has replaced yet."""
        return self._speaker.unheard() if self._speaker else []

    def join(self) -> None:
        """It is there from here on."""
        if self.seat.speaks:
            self.do(self.hall.core.here[self.id].join(time.monotonic()))

    async def take(self, takeover: Takeover, memory: bytes) -> None:
        """Takes it from another gateway, with what that one's judge remembered, and waits until the journal
        says so."""
        self._taken = self._loop.create_future()
        self.do(self.hall.core.here[self.id].take(takeover, time.monotonic()))
        self._samples = await self._taken
        self._bookmark.begin(self._samples)
        self._intake.begin(takeover.at, memory)

    def attach(self, mouth: Mouth) -> None:
        """Its client is there, on a connection of its own; whoever had it before is told."""
        before, self._mouth = self._mouth, mouth
        before.taken_over()
        if self._intake.holding:
            mouth.hold(True)
        if before is AWAY:
            self.hall.changed()
        self.pump()

    def detach(self) -> None:
        """Its client is gone, and may come back."""
        self._mouth = AWAY
        self.hall.changed()
        self.pump()

    def expel(self) -> None:
        """Another gateway has it now."""
        self._mouth.taken_over()
        self.gone(self)

    def finish(self, seconds: float, done: Callable[[], None]) -> bool:
        """Lets what was said be heard to its end, for so many seconds at most, and then calls `done`; False
        where nothing is left of it."""
        if self._over or self._finished is not None or self._speaker is None or not self._speaker.busy:
            return False
        self._finished = done
        self.detach()
        self.ordered(inputs.End())
        self._loop.call_later(seconds, done)
        return True

    def stop(self) -> None:
        """Does nothing any more; what Redis keeps of it is not touched."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._taken is not None and not self._taken.done():
            self._taken.set_exception(RedisUnavailable("Another gateway took the session.", "Try again."))
        self._intake.clear()
        self._backend.dispatcher.forget(self.id)
        self._backend.partials.forget(self.id)

    # From the client

    def update(self, terms: Terms) -> None:
        """Other terms for what is said from now on."""
        self.seat = self.seat.but(terms=terms)
        self.ordered(inputs.Update(terms))
        self.hall.changed()

    def audio(self, pcm: bytes) -> None:
        """The next audio, PCM s16le mono 16 kHz, whole samples."""
        if self._over:
            return
        self._samples += len(pcm) // SAMPLE_BYTES
        self.hall.core.here[self.id].handle(inputs.Arrived(self._samples), time.monotonic())
        self._intake.add(pcm)

    def ordered(self, given: Ordered) -> None:
        """What counts from this place in the audio on."""
        self._intake.add(given)

    def handle(self, given: inputs.Input) -> int | None:
        """What counts at once; returns the number of the decision that it led to, if it did."""
        if self._over:
            return None
        decided: int | None = None
        since = time.monotonic()
        try:
            found = self.hall.give(given, self.id)
            made = [effect.decision for effect in found if isinstance(effect, effects.Append)]
            decided = next((decision.number for decision in made), None)
            for decision in made:
                if decision.code == BARGE_IN:
                    self._mouth.asked(decision.number, since)
            self.pump()
        except Exception:
            self._log.exception("session failed; the others go on", input=type(given).__name__)
            self._mouth.broken()
        return decided

    # From the room

    def hear(self, effect: effects.Heard) -> None:
        """What those get who listen as it does."""
        if self._ward is not None and not self.away:
            self._ward.tell(effect, self.seat.terms.rate)
        match effect:
            case effects.Say(seq):
                if isinstance(effect.what, effects.SpeechBegins):
                    self.waits.begins(effect.what)
                self._mouth.say(effect, seq + self.ahead_of_room)
                if self._finished is not None and isinstance(effect.what, effects.Ended):
                    self._loop.call_soon(self._finished)
            case glimpse.Show() | Warn():
                if self.seat.terms.partials or isinstance(effect, Warn):
                    self._mouth.show(effect)
            case effects.Play(seq):
                self._mouth.play(effect, seq + self.ahead_of_room)
            case effects.Purge(before):
                self._mouth.purge(before)

    def told(self, speakers: Sequence[Attendant], listeners: Mapping[str, int]) -> None:
        """Who is in the room."""
        self._mouth.attended(speakers, listeners)

    def broken(self) -> None:
        """A fault of the program."""
        self._mouth.broken()

    # Audio to the core

    def pump(self) -> None:
        """Something may have room again."""
        self._intake.pump()

    def _hungry(self) -> bool:
        # In a room the others do not wait for one who reads slowly.
        full = self.hall.alone and self._mouth.full()
        return not self._over and not full and (self._speaker is None or self._speaker.hungry)

    def _judged(self, given: inputs.Input) -> None:
        self.handle(given)
        if self._speaker is not None:
            self._bookmark.note(self._speaker, self._intake)

    # What the core wants done

    def do(self, wanted: Sequence[effects.Effect]) -> None:
        """Does it."""
        for effect in wanted:
            match effect:
                case effects.Timer(at):
                    self._arm(at)
                case effects.Taken(samples):
                    if self._taken is not None and not self._taken.done():
                        self._taken.set_result(samples)
                case effects.Lost():
                    self._loop.call_soon(self.expel)
                case effects.Closed():
                    self._mouth.room_closed()
                case _:
                    self._hands.do(effect)

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, at - time.monotonic())
        self._timer = self._loop.call_later(delay, self.handle, inputs.Tick())
