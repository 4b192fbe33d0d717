"""A room of one whose time, workers and journal are given by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bridge.audio import Resampler
from bridge.types import SAMPLE_BYTES, STAGES, Decision, Event, Stage, Target
from gateway.core import effects, inputs
from gateway.core.backlog import NEVER, CatchUp
from gateway.core.effects import Append, Effect, Submit
from gateway.core.inputs import Key
from gateway.core.participant import Participant
from gateway.core.quiet import WINDOW
from gateway.core.room import Room, effects_of
from gateway.core.speaker import Speaker
from gateway.core.terms import Patience, Terms
from gateway.core.tuning import Tuning
from tests.gateway.events import RATE, SESSION, Journal
from tests.gateway.speech import CONFIG

PATIENCE = Patience(queue=30, run=10, total=60, attempts=3)
NOW = 100.0
"""The runner's clock when a session begins."""
VOICED, SILENT = 12, 11
"""Windows of one segment with the silence that ends it."""
DRAFTED = 4
"""Windows of silence after which there is a draft."""


LOOK_MS = 512
"""Between two looks at the words of speech that goes on, where somebody reads them: 16 windows."""


def terms(
    *targets: str,
    source: str | None = "en",
    drafts: bool = False,
    partials: bool = False,
    clause_ms: int = 0,
    least_ms: int | None = None,
) -> Terms:
    cutting = replace(CONFIG, drafts=drafts, clause_ms=clause_ms, least_silence_ms=least_ms)
    return Terms(source, tuple(map(Target, targets or ("es",))), RATE, cutting, partials=partials)


def alone(session: str, terms: Terms, patience: Patience, most: int = 8, catch_up: CatchUp = NEVER) -> Room:
    """A room of one that nothing has happened in."""
    room = Room(Resampler, patience.total)
    listener = room.tune(Tuning("itself", "", terms.rate, session))
    ledger = room.ledger(session, new=True)
    speaker = Speaker(session, session, terms, ledger, patience, most, look_ms=LOOK_MS)
    room.here[session] = Participant(session, speaker, catch_up=catch_up, begun=lambda: listener.begun)
    return room


def lengths(segment: int) -> tuple[int, ...]:
    """Marks in each sentence that the world's engines make of a segment."""
    return (8,) * (1 + segment % 3)


class Bench:
    """A room of one whose time, workers and journal are given by hand.

    What is decided stands in the journal at once, unless `echo` is False: then it is in `unwritten`.
    """

    def __init__(
        self,
        *targets: str,
        patience: Patience = PATIENCE,
        most: int = 8,
        echo: bool = True,
        drafts: bool = False,
        partials: bool = False,
        clause_ms: int = 0,
        least_ms: int | None = None,
        catch_up: CatchUp = NEVER,
    ) -> None:
        self.now = NOW
        self.catch_up = catch_up
        self.journal = Journal()
        self.record: list[tuple[inputs.Input, float, list[Effect]]] = []
        self.echo = echo
        self.unwritten: list[Decision] = []
        self.samples = 0
        self.terms = terms(*targets, drafts=drafts, partials=partials, clause_ms=clause_ms, least_ms=least_ms)
        self.patience = patience
        self.most = most
        self.room = self.fresh()
        self.begun = self.participant.join(self.now)
        self.do(self.begun)

    def fresh(self) -> Room:
        """Another room of the same session, of which nothing is known yet."""
        return alone(SESSION, self.terms, self.patience, self.most, self.catch_up)

    @property
    def participant(self) -> Participant:
        return self.room.here[SESSION]

    @property
    def speaker(self) -> Speaker:
        assert self.participant.speaker is not None
        return self.participant.speaker

    def give(self, given: inputs.Input, now: float | None = None) -> list[Effect]:
        """What an input brings about, with what its decisions bring about."""
        self.now = self.now if now is None else now
        found = effects_of(self.room.handle(given, self.now, SESSION))
        self.record.append((given, self.now, found))
        return [*found, *self.do(found)]

    def do(self, found: Sequence[Effect]) -> list[Effect]:
        """Writes the decisions."""
        decisions = [effect.decision for effect in found if isinstance(effect, effects.Append)]
        if self.echo:
            return self.says(*decisions)
        self.unwritten += decisions
        return []

    def says(self, *items: Event | Decision, now: float | None = None) -> list[Effect]:
        """What the journal says, and what that brings about."""
        self.now = self.now if now is None else now
        return [
            effect
            for item in items
            for entry in self.journal.write(item, at=self.now)
            for effect in self.give(entry)
        ]

    def hears(self, *parts: tuple[int, float], now: float | None = None) -> list[Effect]:
        """So many windows of such a probability of speech."""
        probabilities = tuple(p for windows, p in parts for _ in range(windows))
        self.samples += len(probabilities) * WINDOW
        found = self.give(inputs.Arrived(self.samples), now)
        pcm = bytes(len(probabilities) * WINDOW * SAMPLE_BYTES)
        return [*found, *self.give(inputs.Windows(pcm, probabilities))]

    def segment(self, now: float | None = None) -> list[Effect]:
        """One segment, from its first word to its cut."""
        return self.hears((VOICED, 0.9), (SILENT, 0.0), now=now)

    def sent(self, segment: int, stage: Stage = "stt", target: str | None = None, **queues: str) -> None:
        """The dispatcher tells that it sent work; `queues` names those of its stages."""
        spoken = [target] if target else [each.language for each in self.terms.targets]
        keys: dict[Key, str] = {
            (segment, of, name): queue
            for of in STAGES
            if (queue := queues.get(of))
            for name in ([None] if of == "stt" else spoken)
        }
        self.give(inputs.Sent(segment, stage, target, keys))


def decisions(found: Iterable[Effect], *kinds: str) -> list[Decision]:
    made = [effect.decision for effect in found if isinstance(effect, Append)]
    return [decision for decision in made if not kinds or decision.kind in kinds]


def submits(found: Iterable[Effect]) -> list[Submit]:
    return [effect for effect in found if isinstance(effect, Submit)]


def drafting(*targets: str) -> Bench:
    """Segment 0 has been said and drafted; nothing came of it yet."""
    made = Bench(*targets, drafts=True)
    made.hears((VOICED, 0.9), (DRAFTED, 0.0))
    return made


def bench(segments: int = 1, *targets: str, sent: bool = True, **changes: float) -> Bench:
    """So many segments cut at NOW and sent: to the queues `stt.a`, `translation.a` and `tts.a`."""
    made = Bench(*targets, patience=replace(PATIENCE, **changes))  # type: ignore[arg-type]
    for segment in range(segments):
        made.segment()
        if sent:
            made.sent(segment, stt="stt.a", translation="translation.a", tts="tts.a")
    return made
