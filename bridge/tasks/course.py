"""How one piece of work went: what its worker notes meanwhile, and measures once it is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any, Literal, get_args

from bridge.providers.call import Call
from bridge.store.work import Taken
from bridge.types import SAMPLE_BYTES, SPEECH_RATE, Event, Stage, Work

Outcome = Literal["ok", "failed", "late", "gone", "superseded", "taken", "cancelled", "partial"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(slots=True)
class Course:
    """Seconds, and what was made. `queued` and `first` are None where there is no such time: work that was
    not taken, or without a result. `engine` is the time in the engine alone. It was taken `at`, on the clock
    of Redis, and `since`, on this process's own. `call` knows which engines were asked."""

    stage: Stage
    work: Work
    outcome: Outcome = "failed"
    code: str = ""
    at: float = 0.0
    since: float = 0.0
    queued: float | None = None
    first: float | None = None
    ran: float = 0.0
    engine: float = 0.0
    heard: float = 0.0
    spoken: float = 0.0
    characters: int = 0
    confidence: float | None = None
    call: Call = field(default_factory=Call)

    def __post_init__(self) -> None:
        self.call.avoid = self.work.avoid

    def took(self, taken: Taken) -> None:
        """A worker asked for it, and got it unless it was not wanted any more."""
        self.at, self.since = taken.at, monotonic()
        if taken.verdict != "wanted":
            self.outcome = taken.verdict
        if taken.at and self.work.sent:
            self.queued = max(0.0, taken.at - self.work.sent)
        self.heard = len(taken.pcm or b"") / SAMPLE_BYTES / SPEECH_RATE

    def asked(self, results: Any) -> Any:
        """The next of the results. Raises StopIteration, and what the engine raises."""
        since = perf_counter()
        try:
            return next(results)
        finally:
            self.engine += perf_counter() - since

    def told(self, event: Event, seconds: float) -> None:
        """A result stands in the journal, so many seconds after the work was taken."""
        self.ran = seconds
        if event.rate:
            self.spoken += len(event.pcm) / SAMPLE_BYTES / event.rate
        if self.first is None and (event.pcm or event.kind in ("head", "text")):
            self.first = seconds
        if event.kind == "head":
            self.characters = event.skip
        elif event.kind == "text":
            self.characters += len(self.work.text) - event.skip
            self.confidence = event.confidence
