"""What the core wants done for one session, outside of its connection: work, decisions, what Redis keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import inf

import structlog

from bridge import tracing
from bridge.store import keys
from bridge.types import SAMPLE_BYTES
from gateway.core import effects, glimpse, inputs
from gateway.core.flight import Recorded
from gateway.runtime.backend import Backend
from gateway.runtime.hall import Hall
from gateway.runtime.lanes import Job, Told
from gateway.runtime.tally import Tally

log = structlog.get_logger(__name__)


class Hands:
    """Of one session in its room. `tell` takes what became of work. `first` is the first segment whose work
    is still wanted."""

    def __init__(
        self, backend: Backend, session: str, hall: Hall, tell: Callable[[Told | inputs.Skipped], object]
    ) -> None:
        self.first = 0
        self._backend = backend
        self._session = session
        self._room = hall.id
        self._spans = hall.spans
        self._tell = tell
        self._superseded: effects.Supersede | None = None
        self._tally = Tally(measured=backend.settings.metrics)

    def do(self, effect: effects.Effect) -> None:
        """Does it."""
        self._tally.see(effect)
        match effect:
            case effects.Append(decision):
                at = round(self._backend.fleet.at(decision.at), 5)
                self._backend.writer.append(self._room, self._spans.decided(replace(decision, at=at)))
            case effects.Report(event):
                self._backend.writer.append(self._room, event)
            case Recorded(flight):
                self._backend.flights.record(flight)
                self._spans.settled(flight)
            case effects.Free(freed):
                self._backend.dispatcher.free(self._session, freed)
            case effects.Supersede():
                self._superseded = effect
            case glimpse.Landed() | effects.Submit(urgency="partial"):
                self._look(effect)
            case effects.Submit():
                self._submit(effect)
            case effects.Forget(segment, revision, superseded):
                self._forget(segment, revision, superseded)
            case effects.Control() | effects.Cancel() | effects.Drop():
                self._call_off(effect)

    def _call_off(self, effect: effects.Control | effects.Cancel | effects.Drop) -> None:
        sessions, run = self._backend.sessions, partial(self._backend.errands.run, session=self._session)
        match effect:
            case effects.Control(decision):
                run("control", sessions.tell(self._room, decision, self._backend.fleet.now()))
            case effects.Cancel(segment):
                self.first = segment
                run("cancel", sessions.cancel_before(self._session, segment), segment=segment)
            case effects.Drop(segment, revision):
                run("drop draft", sessions.drop(self._session, segment, revision), segment=segment)

    def _forget(self, segment: int, revision: int, superseded: Sequence[inputs.Key]) -> None:
        sessions = self._backend.sessions
        run = partial(self._backend.errands.run, session=self._session, segment=segment)
        name = keys.audio(self._session, segment, revision)
        run("drop audio", sessions.drop_audio(name))
        if superseded:
            fields = [keys.least(number, revision, stage, target) for number, stage, target in superseded]
            run("settle", sessions.settle(self._session, fields))

    def _look(self, effect: glimpse.Landed | effects.Submit) -> None:
        if isinstance(effect, effects.Submit):
            self._backend.partials.submit(self._stamped(effect), self._tell)
        else:
            self._backend.partials.landed(self._session, effect.stage, effect.target)

    def _stamped(self, submit: effects.Submit) -> effects.Submit:
        """With when it is sent, and until when it is wanted."""
        now = self._backend.fleet.now()
        due = now + submit.budget if submit.budget < inf else 0.0
        return replace(submit, work=submit.work.but(sent=now, deadline=now + submit.left, due=due))

    def _submit(self, submit: effects.Submit) -> None:
        submit, tell = self._spans.sent(self._stamped(submit), self._tell)
        work = submit.work
        told = log.bind(session=self._session, segment=work.segment, **tracing.ids(work.trace))
        if work.attempt:
            told.warning("sent again", stage=submit.stage, attempt=work.attempt)
        elif submit.urgency == "final":
            told.info("segment cut", ms=len(submit.pcm) // SAMPLE_BYTES // 16)
        superseded, self._superseded = self._superseded, None
        self._backend.dispatcher.submit(Job(self._session, submit, superseded, tell))
