"""What a session has agreed on, and the bounds that the operator sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Literal

from bridge.errors import SettingsError
from bridge.settings import Settings
from bridge.types import Floor, Rate, Target, Work
from gateway.core.memory import FORGETFUL, Recall

Audience = Callable[[str | None], tuple[Target, ...]]
"""Who listens at the moment to what is spoken in a language, None for one to be detected."""

Pace = Literal["burst", "realtime"]
"""How speech leaves to a client: as soon as it is there, or as fast as it is heard."""


@dataclass(frozen=True, slots=True)
class SegmenterConfig:
    """The knobs of segmentation; the environment variables VAD_* and DRAFT* say what each one does."""

    threshold: float
    min_speech_ms: int
    min_silence_ms: int
    padding_ms: int
    max_segment_ms: int
    draft_silence_ms: int = 100
    drafts: bool = False
    clause_ms: int = 0
    least_silence_ms: int | None = None

    def __post_init__(self) -> None:
        """Raises SettingsError where no speech could ever become a segment."""
        if self.min_speech_ms >= self.max_segment_ms:
            raise SettingsError(
                f"The shortest speech ({self.min_speech_ms} ms) is not below "
                f"the longest segment ({self.max_segment_ms} ms), so nothing would be heard.",
                "Lower VAD_MIN_SPEECH_MS or raise VAD_MAX_SEGMENT_MS.",
            )

    @property
    def notices(self) -> bool:
        """Whether the first silence matters, and not only the one that ends a segment."""
        return self.drafts or self.least_silence_ms is not None

    @classmethod
    def of(cls, settings: Settings) -> SegmenterConfig:
        """What the environment asks for."""
        return cls(
            threshold=settings.threshold,
            min_speech_ms=settings.vad_min_speech_ms,
            min_silence_ms=settings.vad_min_silence_ms,
            padding_ms=settings.vad_padding_ms,
            max_segment_ms=settings.vad_max_segment_ms,
            draft_silence_ms=settings.draft_silence_ms,
            drafts=settings.drafts,
            clause_ms=settings.clause_ms,
            least_silence_ms=settings.endpoint_least_ms if settings.endpoint == "adaptive" else None,
        )


BargeIn = Literal["off", "pause", "stop"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the segments that begin now. A source of None is to be detected, `among` these two
    where they are named. With `partials` the words are shown while they are spoken.

    `floor` is what those get who listen in the language that is spoken, `barge_in` what the session's own
    speech does to what is spoken to it.
    """

    source: str | None
    targets: tuple[Target, ...]
    rate: Rate
    cutting: SegmenterConfig
    floor: Floor = ""
    among: tuple[str, ...] = ()
    barge_in: BargeIn = "off"
    partials: bool = False
    pacing: Pace = "burst"

    def work(self, session: str, room: str, prior: str) -> Work:
        """What all work of a session has in common; `prior` is the language that was spoken last."""
        return Work(
            session,
            0,
            room,
            source=self.source,
            among=self.among,
            prior=prior if self.among else "",
            floor=self.floor,
            rate=self.rate,
        )


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a segment is waited for, in seconds, how often its stages are sent, and what is remembered.

    `queue`: until a worker takes work that was sent. `run`: since the last sign of its worker. `total`:
    from the cut on. `pause`: before work that failed is sent again, twice as long the next time.
    `resend`: before work that could not be sent is tried again. `lateness`: from the end of live speech until
    its first sound; what has not begun by then is not spoken. `recall`: of what was said before.
    """

    queue: float
    run: float
    total: float
    attempts: int
    pause: float = 0.3
    resend: float = 1.0
    lateness: float = inf
    recall: Recall = FORGETFUL

    @classmethod
    def of(cls, settings: Settings) -> Patience:
        """What the environment asks for."""
        return cls(
            queue=settings.segment_queue_ms / 1000,
            run=settings.segment_run_ms / 1000,
            total=settings.segment_deadline_ms / 1000,
            attempts=settings.segment_attempts,
            lateness=settings.budget or inf,
            recall=Recall(settings.context_segments, settings.context_timeout_seconds),
        )
