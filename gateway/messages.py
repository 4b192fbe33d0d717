"""The messages of the native protocol `bridge.v1` as types: one class for each, grouped by direction.

Unknown fields are ignored on both sides. docs/protocol.md tells the same in words.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bridge.settings import Rate
from bridge.types import Stage

AUTO = "auto"

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def _tag(value: str) -> str:
    if not _TAG.fullmatch(value):
        raise ValueError("Input should be a language tag such as en or pt-BR")
    return value


def _distinct(targets: tuple[TargetChoice, ...]) -> tuple[TargetChoice, ...]:
    languages = [target.language.casefold() for target in targets]
    for language in languages:
        if languages.count(language) > 1:
            raise ValueError(f"Input should name each language once; {language} stands there twice")
    return targets


def _announce(schema: dict[str, Any]) -> None:
    """Marks as required what every frame carries although the code need not spell it out."""
    carried = {"type", "seq", "t_ms"} & schema["properties"].keys()
    schema["required"] = sorted(carried | set(schema.get("required", [])))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _FromClient(_Part):
    model_config = ConfigDict(json_schema_extra=_announce)


class _FromServer(_Part):
    """`seq` counts the frames sent to one client, audio included; `t_ms` is time since the start."""

    model_config = ConfigDict(json_schema_extra=_announce)
    seq: int = Field(0, ge=0)
    t_ms: float = Field(0.0, ge=0)


Name = Annotated[str, Field(min_length=1, max_length=64)]
BargeIn = Literal["off", "pause", "stop"]
Role = Literal["speaker", "listener"]
Features = Annotated[tuple[Name, ...], Field(max_length=16)]
Segment = Annotated[int, Field(ge=0, lt=2**32)]


class Source(_Part):
    """The language that is spoken, or "auto"."""

    language: Annotated[
        str, Field(max_length=35), AfterValidator(lambda tag: tag if tag == AUTO else _tag(tag))
    ]


class TargetChoice(_Part):
    """A language to listen in, and the voice wanted."""

    language: Annotated[str, Field(max_length=35), AfterValidator(_tag)]
    voice: Name | None = None


Targets = Annotated[tuple[TargetChoice, ...], Field(min_length=1, max_length=16), AfterValidator(_distinct)]


class Output(_Part):
    """Audio to the client: PCM s16le mono at `rate` Hz; without a rate the server's default."""

    rate: Rate | None = None


class Vad(_Part):
    """How speech is cut; a field left out keeps the server's setting. Bounds as in Settings."""

    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    aggressiveness: Annotated[int, Field(ge=0, le=3)] | None = None
    min_speech_ms: Annotated[int, Field(ge=32, le=5_000)] | None = None
    min_silence_ms: Annotated[int, Field(ge=32, le=10_000)] | None = None
    padding_ms: Annotated[int, Field(ge=0, le=2_000)] | None = None
    max_segment_ms: Annotated[int, Field(ge=1_000, le=60_000)] | None = None


class Resume(_Part):
    """Which session to go on with, and the last `seq` that arrived."""

    session_id: Name
    token: Annotated[str, Field(min_length=1, max_length=256)]
    last_seq: Annotated[int, Field(ge=0)]


class SessionStart(_FromClient):
    """The first frame of a client."""

    type: Literal["session.start"] = "session.start"
    protocol: Literal[1]
    source: Source
    targets: Targets
    output: Output = Output()
    room: Name | None = None
    role: Role | None = None
    vad: Vad | None = None
    barge_in: BargeIn | None = None
    features: Features | None = None
    resume: Resume | None = None


class SessionUpdate(_FromClient):
    """Changes what it names, from the next segment on; what is left out stays."""

    type: Literal["session.update"] = "session.update"
    source: Source | None = None
    targets: Targets | None = None
    vad: Vad | None = None
    barge_in: BargeIn | None = None
    features: Features | None = None


class SegmentCommit(_FromClient):
    """Cut the running segment here."""

    type: Literal["segment.commit"] = "segment.commit"


class PlaybackPause(_FromClient):
    """Hold back audio until `playback.resume`."""

    type: Literal["playback.pause"] = "playback.pause"


class PlaybackResume(_FromClient):
    """Go on with the audio held back."""

    type: Literal["playback.resume"] = "playback.resume"


class PlaybackStop(_FromClient):
    """Drop all audio not yet sent."""

    type: Literal["playback.stop"] = "playback.stop"


class PlaybackMark(_FromClient):
    """At the moment of sending, `played_ms` of the segment's audio have been heard."""

    type: Literal["playback.mark"] = "playback.mark"
    segment: Segment
    played_ms: Annotated[float, Field(ge=0)]


class Ping(_FromClient):
    type: Literal["ping"] = "ping"


class SessionEnd(_FromClient):
    """Nothing more will be said: translate what is left, then `session.ended` and close."""

    type: Literal["session.end"] = "session.end"


class Limits(_Part):
    """The bounds of this session."""

    max_message_bytes: int
    max_segments: int
    max_targets: int = 16
    idle_s: float


class Effective(_Part):
    """The configuration in force, defaults filled in."""

    source: Source
    targets: Targets
    output: Output
    vad: Vad
    room: str | None = None
    role: Role = "speaker"
    barge_in: BargeIn = "off"
    features: tuple[str, ...] = ()


class SessionStarted(_FromServer):
    """The session runs. While `resume_window_s` is 0 the token is empty and nothing can be resumed."""

    type: Literal["session.started"] = "session.started"
    session_id: str
    resume_token: str = ""
    resume_window_s: float = 0
    limits: Limits
    config: Effective
    providers: dict[Stage, str]


class _OfSegment(_FromServer):
    segment: Segment


class SpeechStarted(_OfSegment):
    """It is certain that somebody speaks."""

    type: Literal["speech.started"] = "speech.started"


class SpeechStopped(_OfSegment):
    """The segment is cut."""

    type: Literal["speech.stopped"] = "speech.stopped"


class _Caption(_OfSegment):
    """`start_ms` and `end_ms` are places in the client's audio; `end_ms` is the end of the speech."""

    text: str
    language: str
    start_ms: float
    end_ms: float
    confidence: float | None = None


class TranscriptPartial(_Caption):
    """Words so far; replaced by the next one."""

    type: Literal["transcript.partial"] = "transcript.partial"


class TranscriptFinal(_Caption):
    """What was said; empty where no words were found."""

    type: Literal["transcript.final"] = "transcript.final"


class _Translated(_OfSegment):
    target: str
    text: str


class TranslationPartial(_Translated):
    """Translation so far; replaced by the next one."""

    type: Literal["translation.partial"] = "translation.partial"


class TranslationFinal(_Translated):
    """What will be spoken in `target`."""

    type: Literal["translation.final"] = "translation.final"


class AudioStart(_OfSegment):
    """Binary frames with this `segment` and target `index` follow."""

    type: Literal["audio.start"] = "audio.start"
    target: str
    index: Annotated[int, Field(ge=0, lt=256)]
    rate: int


class AudioEnd(_OfSegment):
    """The speech of this segment in `target` is whole."""

    type: Literal["audio.end"] = "audio.end"
    target: str
    rate: int
    duration_ms: float


class Timings(_Part):
    """Milliseconds; a field is missing where its stage did not run. docs/protocol.md names the instants."""

    endpoint: float | None = None
    queue: float | None = None
    stt: float | None = None
    translation: float | None = None
    tts: float | None = None
    first_audio: float | None = None
    total: float | None = None


class SegmentDone(_OfSegment):
    """The last word on a segment."""

    type: Literal["segment.done"] = "segment.done"
    timings_ms: Timings


class SegmentFailed(_OfSegment):
    """A segment, or its speech in one target, will not come."""

    type: Literal["segment.failed"] = "segment.failed"
    target: str | None = None
    stage: Stage
    code: str
    message: str
    retryable: bool = False


class _Obeyed(_FromServer):
    """Done, `latency_ms` after the wish arrived."""

    latency_ms: float


class PlaybackPaused(_Obeyed):
    type: Literal["playback.paused"] = "playback.paused"


class PlaybackResumed(_Obeyed):
    type: Literal["playback.resumed"] = "playback.resumed"


class PlaybackStopped(_Obeyed):
    type: Literal["playback.stopped"] = "playback.stopped"


class Warning(_FromServer):
    """Something asked for has no effect; the session goes on."""

    type: Literal["warning"] = "warning"
    code: str
    message: str
    hint: str = ""


class Error(_FromServer):
    """Something failed; where `fatal`, the connection closes next with `close_code`."""

    type: Literal["error"] = "error"
    code: str
    message: str
    hint: str = ""
    fatal: bool = False
    retryable: bool = False
    retry_after_ms: int | None = None
    close_code: int | None = None


class SessionEnded(_FromServer):
    """The last frame of a session."""

    type: Literal["session.ended"] = "session.ended"
    code: str = "done"
    message: str = ""
    hint: str = ""


class Pong(_FromServer):
    type: Literal["pong"] = "pong"


ClientMessage = Annotated[
    SessionStart
    | SessionUpdate
    | SegmentCommit
    | PlaybackPause
    | PlaybackResume
    | PlaybackStop
    | PlaybackMark
    | Ping
    | SessionEnd,
    Field(discriminator="type"),
]
ServerMessage = Annotated[
    SessionStarted
    | SpeechStarted
    | SpeechStopped
    | TranscriptPartial
    | TranscriptFinal
    | TranslationPartial
    | TranslationFinal
    | AudioStart
    | AudioEnd
    | SegmentDone
    | SegmentFailed
    | PlaybackPaused
    | PlaybackResumed
    | PlaybackStopped
    | Warning
    | Error
    | SessionEnded
    | Pong,
    Field(discriminator="type"),
]
