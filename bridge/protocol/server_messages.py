"""What the server says in the native protocol `bridge.v1`, as types: one class for each message."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from bridge.protocol.client_messages import Part, Segment, announce
from bridge.protocol.parts import Effective, Limits
from bridge.types import Stage

Participant = Annotated[int, Field(ge=1, lt=4096)]


class _FromServer(Part):
    """`seq` counts the frames of captions and speech sent to one client, audio included; answers to it alone
    carry the number of the frame before. `t_ms` is time since the connection was opened."""

    model_config = ConfigDict(json_schema_extra=announce)
    seq: int = Field(0, ge=0)
    t_ms: float = Field(0.0, ge=0)


class SessionStarted(_FromServer):
    """The session runs, or goes on where it is `resumed`: `samples` is the place in the client's audio from
    which the server wants it. A token is good once; where `resume_window_s` is 0 there is none.

    `participant` is the number by which the others in the room know this one.
    """

    type: Literal["session.started"] = "session.started"
    session_id: str
    resume_token: str = ""
    resume_window_s: float = 0
    resumed: bool = False
    samples: int = Field(0, ge=0)
    participant: Participant | None = None
    limits: Limits
    config: Effective
    providers: dict[Stage, str]


class SessionUpdated(_FromServer):
    """What a session.update led to; `config` holds from the next segment on."""

    type: Literal["session.updated"] = "session.updated"
    config: Effective


class AudioAck(_FromServer):
    """Audio before `samples` is safe: the client need not keep it for a resume."""

    type: Literal["audio.ack"] = "audio.ack"
    samples: int = Field(ge=0)


class Speaker(Part):
    """Somebody who may speak in the room; `away` for a moment, it may come back."""

    id: Participant
    name: str = ""
    language: str
    away: bool = False


class RoomUpdated(_FromServer):
    """Who is there: the speakers, and how many listen in each language."""

    type: Literal["room.updated"] = "room.updated"
    speakers: tuple[Speaker, ...]
    listeners: dict[str, int]


class _OfSegment(_FromServer):
    """In a room `speaker` is who speaks; `segment` is one number for each segment of the whole room."""

    segment: Segment
    speaker: Participant | None = None


class SpeechStarted(_OfSegment):
    """It is certain that somebody speaks."""

    type: Literal["speech.started"] = "speech.started"
    name: str | None = None


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
    name: str | None = None


class TranscriptPartial(_Caption):
    """Words so far; replaced by the next one, in which the first `stable` characters are the same."""

    type: Literal["transcript.partial"] = "transcript.partial"
    stable: int = Field(0, ge=0)


class TranscriptFinal(_Caption):
    """What was said, as `provider` heard it; empty where no words were found."""

    type: Literal["transcript.final"] = "transcript.final"
    provider: str | None = None


class _Translated(_OfSegment):
    target: str
    text: str
    name: str | None = None


class TranslationPartial(_Translated):
    """Translation so far; replaced by the next one, in which the first `stable` characters are the same."""

    type: Literal["translation.partial"] = "translation.partial"
    stable: int = Field(0, ge=0)


class TranslationFinal(_Translated):
    """What will be spoken in `target`, by `provider`; `confidence` from 0 to 1 where the engine has one."""

    type: Literal["translation.final"] = "translation.final"
    confidence: float | None = None
    provider: str | None = None


class AudioStart(_OfSegment):
    """Binary frames with this `segment` and target `index` follow; `floor`: in the speaker's own voice."""

    type: Literal["audio.start"] = "audio.start"
    target: str
    index: Annotated[int, Field(ge=0, lt=256)]
    rate: int
    floor: bool | None = None


class AudioEnd(_OfSegment):
    """The speech of this segment in `target` is whole."""

    type: Literal["audio.end"] = "audio.end"
    target: str
    rate: int
    duration_ms: float


class Timings(Part):
    """Milliseconds; a field is missing where its stage did not run. docs/protocol.md names the instants."""

    endpoint: float | None = None
    draft: float | None = None
    queue: float | None = None
    stt: float | None = None
    translation: float | None = None
    tts: float | None = None
    first_audio: float | None = None
    total: float | None = None


class SegmentDone(_OfSegment):
    """The last word on a segment. `drafts_dropped` drafts of it were in vain; none where it is missing."""

    type: Literal["segment.done"] = "segment.done"
    timings_ms: Timings
    drafts_dropped: int | None = None


class SegmentFailed(_OfSegment):
    """A segment, or its speech in one target, will not come."""

    type: Literal["segment.failed"] = "segment.failed"
    target: str | None = None
    stage: Stage
    code: str
    message: str
    retryable: bool = False


class _Obeyed(_FromServer):
    """Done, `latency_ms` after the wish arrived; of `barge_in`, the listener's own speech was the wish."""

    latency_ms: float
    reason: Literal["barge_in"] | None = None


class PlaybackPaused(_Obeyed):
    type: Literal["playback.paused"] = "playback.paused"


class PlaybackResumed(_Obeyed):
    type: Literal["playback.resumed"] = "playback.resumed"


class PlaybackStopped(_Obeyed):
    type: Literal["playback.stopped"] = "playback.stopped"


class PlaybackSkipped(_FromServer):
    """The connection was too slow: speech of `segments` segments, `ms` in all, was left out."""

    type: Literal["playback.skipped"] = "playback.skipped"
    segments: int
    ms: float


class Warning(_FromServer):
    """Something asked for has no effect, or not all of it can be served now, until the same comes with
    `over`; the session goes on."""

    type: Literal["warning"] = "warning"
    code: str
    message: str
    hint: str = ""
    over: bool | None = None


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


ServerMessage = Annotated[
    SessionStarted
    | SessionUpdated
    | AudioAck
    | RoomUpdated
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
    | PlaybackSkipped
    | Warning
    | Error
    | SessionEnded
    | Pong,
    Field(discriminator="type"),
]
