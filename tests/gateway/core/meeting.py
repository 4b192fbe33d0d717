"""A room of several people at one gateway or several, whose journal and workers are given by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.audio import Resampler
from bridge.types import SAMPLE_BYTES, Attendant, Decision, Entry, Event, Presence
from gateway.core import effects, inputs
from gateway.core.effects import Effect, For, Play, Say, Submit
from gateway.core.participant import Participant
from gateway.core.quiet import WINDOW
from gateway.core.room import Room
from gateway.core.seat import Role, Seat
from gateway.core.speaker import Speaker
from gateway.core.tuning import Tuning
from tests.gateway.core.bench import LOOK_MS, NOW, PATIENCE, SILENT, VOICED, terms
from tests.gateway.events import START

ROOM = "room"
LANGUAGES = ("ar", "ca", "cs", "da", "de", "el", "es", "fi", "fr", "hu", "it", "nl", "pl", "pt", "sv", "tr")


class Gateway:
    """One gateway that serves the room: who is held here, and what each way of listening was told."""

    def __init__(self, name: str, meeting: Meeting) -> None:
        self.name = name
        self.meeting = meeting
        self.room = Room(Resampler, PATIENCE.total)
        self.room.offered = lambda: {(a, b) for a in ("en", "es", "fr") for b in (*LANGUAGES, "en") if a != b}
        self.seats: dict[str, Seat] = {}
        self.told: dict[Tuning, list[Effect]] = {}
        self.effects: list[Effect] = []
        for entry in meeting.entries:
            self.room.handle(entry, meeting.now)

    def enter(
        self,
        session: str,
        role: Role,
        source: str | None = "en",
        target: str = "es",
        *,
        partials: bool = False,
    ) -> Tuning:
        """Somebody comes in, who may want to read what is said while it is said; returns how they listen."""
        number = self.meeting.number()
        wanted = replace(terms(target, source=source, partials=partials), floor="voice")
        seat = Seat(session, ROOM, role, wanted, number, session.title())
        self.admit(seat)
        if seat.speaks:
            self.done([For(session, self.room.here[session].join(self.meeting.now))])
        self.attend()
        return seat.tuning

    def admit(self, seat: Seat, fence: int = 0) -> Participant:
        """The same for one who may have been elsewhere before."""
        ledger = self.room.ledger(seat.session, new=not fence)
        speaker = (
            Speaker(
                seat.session,
                ROOM,
                seat.terms,
                ledger,
                PATIENCE,
                8,
                self.room.audience,
                self.room.watched,
                LOOK_MS,
            )
            if seat.speaks
            else None
        )
        who = Participant(seat.session, speaker, seat.number, seat.name, fence)
        self.room.here[seat.session] = who
        self.room.tune(seat.tuning)
        self.seats[seat.session] = seat
        return who

    def leave(self, session: str) -> None:
        seat = self.seats.pop(session)
        self.room.here.pop(session, None)
        if all(other.tuning != seat.tuning for other in self.seats.values()):
            self.room.listeners.pop(seat.tuning)
        self.attend()

    def attend(self) -> None:
        """The others are told who is here."""
        hearing = [seat.terms.targets[0].language for seat in self.seats.values() if seat.hears]
        speakers = tuple(
            Attendant(seat.number, seat.name, seat.terms.source or "auto")
            for seat in self.seats.values()
            if seat.speaks
        )
        counts = {language: hearing.count(language) for language in hearing}
        reading = {
            seat.terms.targets[0].language
            for seat in self.seats.values()
            if seat.hears and seat.terms.partials
        }
        self.meeting.write(Presence(self.name, counts, speakers, tuple(sorted(reading))))

    def says(self, session: str, windows: int = VOICED) -> list[Effect]:
        """Somebody says a sentence, up to the silence that ends it."""
        probabilities = (*[0.9] * windows, *[0.0] * SILENT)
        pcm = bytes([len(session)]) * (len(probabilities) * WINDOW * SAMPLE_BYTES)
        before = len(self.effects)
        self.done(self.room.handle(inputs.Windows(pcm, probabilities), self.meeting.now, session))
        return self.effects[before:]

    def reads(self, entry: Entry) -> None:
        self.done(self.room.handle(entry, self.meeting.now))

    def done(self, found: Sequence[For]) -> None:
        """Keeps what is told, writes what is decided."""
        for each in found:
            if isinstance(each.whom, Tuning):
                self.told.setdefault(each.whom, []).extend(each.effects)
                continue
            self.effects += each.effects
            for effect in each.effects:
                if isinstance(effect, effects.Append):
                    self.meeting.write(effect.decision)
                elif isinstance(effect, effects.Report):
                    self.meeting.write(effect.event)

    def sent(self) -> list[tuple[str, list[str]]]:
        """What was sent to engines: the first stage, and the languages."""
        found = [effect for effect in self.effects if isinstance(effect, Submit)]
        return [(each.stage, [target.language for target in each.targets]) for each in found]


class Meeting:
    """The journal that all gateways read."""

    def __init__(self) -> None:
        self.now = NOW
        self.entries: list[Entry] = []
        self.gateways: list[Gateway] = []
        self._numbers = 0

    def gateway(self, name: str = "g") -> Gateway:
        made = Gateway(name, self)
        self.gateways.append(made)
        return made

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def write(self, *items: Event | Decision | Presence, after: float = 0.0) -> None:
        """Items, `after` seconds later."""
        self.now += after
        for item in items:
            entry = Entry(f"{round((START + self.now - NOW) * 1000)}-{len(self.entries)}", item)
            self.entries.append(entry)
            for gateway in self.gateways:
                gateway.reads(entry)

    def work(self, session: str, segment: int, *targets: str, language: str = "en") -> None:
        """All that workers say of a segment in the given languages; with none, what stt says."""
        said = f"{session} {segment}"
        self.write(Event("text", "stt", session, segment, text=said, language=language))
        self.translate(session, segment, *targets)

    def translate(self, session: str, segment: int, *targets: str) -> None:
        """What the two later stages say."""
        said = f"{session} {segment}"
        for target in targets:
            self.write(
                Event("text", "translation", session, segment, target=target, text=f"{target}: {said}")
            )
            pcm = said.encode().ljust(64, b"\0") * 30
            self.write(
                Event("audio", "tts", session, segment, target=target, pcm=pcm, rate=24_000, last=True),
                Event("done", "tts", session, segment, target=target, index=1, rate=24_000),
            )


def story(found: Sequence[Effect]) -> list[str]:
    """What somebody was told, in few words: captions as they are, speech as its language."""
    told: list[str] = []
    for effect in found:
        if isinstance(effect, Say):
            match effect.what:
                case effects.Transcript(text=text, name=name):
                    told.append(f"{name}: {text}")
                case effects.Translation(text=text):
                    told.append(text)
                case effects.SpeechBegins(target=target, floor=floor):
                    told.append(f"<{'floor' if floor else target}")
                case effects.SpeechEnds():
                    told.append(">")
                case effects.Failed(code=code):
                    told.append(f"failed: {code}")
    return told


def numbers(found: Sequence[Effect]) -> list[int]:
    return [effect.seq for effect in found if isinstance(effect, Say | Play)]


def sound(found: Sequence[Effect]) -> bytes:
    return b"".join(effect.pcm for effect in found if isinstance(effect, Play))
