"""When each thing happened to a segment, from named instant to named instant.

Zero is the true end of speech: the arrival of the last voiced sample, not the moment of the cut. Up to the
cut the gateway's clock measures, which says as well when that was on the clock of the journal, whose entries
tell the rest.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bridge.types import SPEECH_RATE, STAGES, Decision, Event, Stage

STEP = SPEECH_RATE // 100
"""Samples between two marks at least: 10 ms, so that tiny frames take no more memory than others."""
KEPT = 120 * SPEECH_RATE
"""Samples whose arrival is remembered: more than the longest segment with the silence that ends it, and
more than may wait ahead of the segmenter."""
AHEAD = 2 * SPEECH_RATE
"""Samples ahead, of the segmenter and of time, from which a sender counts as a recording, not a voice."""
ON_ITS_WAY = 10.0
"""Seconds that a decision may take into the journal: a Redis that is away for longer comes back empty."""
FRESH = 1.0
"""Seconds since its arrival within which audio is cut as it is spoken."""


def in_ms(seconds: float) -> float:
    """Seconds as milliseconds, as exact as a journal needs them."""
    return round(seconds * 1000, 2)


class Arrivals:
    """When each sample of a session's audio arrived; times in seconds. `samples` have arrived."""

    def __init__(self) -> None:
        self.samples = 0
        self._began: float | None = None
        self._piled_up = False
        self._marks: deque[tuple[int, float]] = deque()

    def note(self, samples: int, now: float) -> None:
        """The session has `samples` samples since `now`."""
        if self._began is None:
            self._began = now
        self.samples = samples
        if not self._marks or samples >= self._marks[-1][0] + STEP:
            self._marks.append((samples, now))
            self.forget_before(samples - KEPT)

    def recorded(self, now: float) -> bool:
        """Whether the audio came faster than anybody speaks."""
        spoken = (now - (self._began or now)) * SPEECH_RATE
        return self.samples - spoken > AHEAD

    def pile_up(self, at: int, now: float) -> bool:
        """Whether it did, and waits to be cut behind sample `at`. So does the rest of that audio, up to its
        end."""
        piled_up = self.samples - at > AHEAD and self.recorded(now)
        self._piled_up = piled_up or (self._piled_up and now - self.at(at) > FRESH)
        return self._piled_up

    def at(self, sample: int) -> float:
        """When the sample before position `sample` arrived."""
        for samples, when in self._marks:
            if samples >= sample:
                return when
        return self._marks[-1][1] if self._marks else 0.0

    def forget_before(self, sample: int) -> None:
        """Positions before `sample` will not be asked for any more."""
        while len(self._marks) > 1 and self._marks[0][0] < sample:
            self._marks.popleft()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where speech comes from: segment `segment` of `session` was said until `said_at` and cut at `cut_at`,
    in seconds on the journal's clock. For what was `recorded` nobody waits as for a speaker."""

    session: str
    segment: int
    said_at: float
    cut_at: float
    recorded: bool = False


def decided_at(decision: Decision, at: float) -> float:
    """When a decision was made that was written at `at`. A gateway that does not know the journal's clock yet
    may say anything of it."""
    return decision.at if 0 < at - decision.at < ON_ITS_WAY else at


@dataclass(slots=True)
class Timeline:
    """The instants of one segment: `cut` and `first_audio` are times of journal entries, in seconds. The cut
    was decided `on_its_way` seconds before its entry was written."""

    endpoint_ms: float
    cut: float
    draft_ms: float = 0.0
    on_its_way: float = 0.0
    first_audio: float | None = None
    waited: dict[tuple[Stage, str | None], float] = field(default_factory=dict)
    ran: dict[tuple[Stage, str | None], float] = field(default_factory=dict)

    @classmethod
    def of(cls, cut: Decision, at: float) -> Timeline:
        """Of a segment whose cut was written at `at`."""
        return cls(cut.endpoint_ms, at, cut.draft_ms, at - decided_at(cut, at))

    def origin(self, cut: Decision) -> Origin:
        """Where what is heard of the segment comes from; `cut` is its cut."""
        cut_at = self.cut - self.on_its_way
        said_at = cut_at - self.endpoint_ms / 1000
        return Origin(cut.session, cut.segment, said_at, cut_at, cut.recorded)

    def note(self, event: Event) -> None:
        """Takes over what a worker says of its own durations: each stage up to its first result."""
        key = (event.stage, event.target)
        if event.kind == "started":
            self.waited.setdefault(key, event.queued_ms)
        elif event.kind in ("head", "text", "audio"):
            self.ran.setdefault(key, event.running_ms)

    def timings_ms(self, now: float) -> dict[str, float | None]:
        """The `timings_ms` of segment.done; of several targets, the slowest counts. None: did not happen.

        endpoint: true end of speech to the cut. draft: the same to the draft that was cut so; its stages ran
        beside the rest of the endpoint. queue: waits for the three stages, in the gateway and in
        their queues. stt, translation, tts: engine time to the stage's first result. first_audio, total:
        from the true end of speech.
        """
        first = self.first_audio
        times: dict[str, float | None] = {
            "endpoint": self.endpoint_ms,
            "draft": self.draft_ms or None,
            "queue": sum(self._slowest(self.waited, stage) or 0.0 for stage in STAGES),
            **{stage: self._slowest(self.ran, stage) for stage in STAGES},
            "first_audio": None if first is None else self._since(first),
            "total": self._since(now),
        }
        return {name: None if value is None else round(value, 1) for name, value in times.items()}

    def _since(self, at: float) -> float:
        return self.endpoint_ms + (at - self.cut + self.on_its_way) * 1000

    def _slowest(self, times: dict[tuple[Stage, str | None], float], stage: str) -> float | None:
        return max((ms for (of, _), ms in times.items() if of == stage), default=None)
