"""What a client says in the native protocol `bridge.v1`, as types: one class for each message.

Unknown fields are ignored on both sides. docs/protocol.md tells the same in words.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bridge.types import Rate

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


def announce(schema: dict[str, Any]) -> None:
    """Marks as required what every frame carries although the code need not spell it out."""
    carried = {"type", "seq", "t_ms"} & schema["properties"].keys()
    schema["required"] = sorted(carried | set(schema.get("required", [])))


class Part(BaseModel):
    """What messages are made of."""

    # Errors are logged, and the input may be what was said.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)


class _FromClient(Part):
    model_config = ConfigDict(json_schema_extra=announce)


Name = Annotated[str, Field(min_length=1, max_length=64)]
BargeIn = Literal["off", "pause", "stop"]
Pacing = Literal["burst", "realtime"]
Role = Literal["speaker", "listener", "both"]
Features = Annotated[tuple[Name, ...], Field(max_length=16, fail_fast=True)]
Segment = Annotated[int, Field(ge=0, lt=2**32)]


Among = Annotated[
    tuple[Annotated[str, Field(max_length=35), AfterValidator(_tag)], ...], Field(min_length=2, max_length=2)
]


class Source(Part):
    """The language that is spoken, or "auto"; with `among`, one of just these, found for each segment."""

    language: Annotated[
        str, Field(max_length=35), AfterValidator(lambda tag: tag if tag == AUTO else _tag(tag))
    ]
    among: Among | None = None


class TargetChoice(Part):
    """A language to listen in, and the voice wanted."""

    language: Annotated[str, Field(max_length=35), AfterValidator(_tag)]
    voice: Name | None = None


Targets = Annotated[
    tuple[TargetChoice, ...],
    Field(min_length=1, max_length=16, fail_fast=True),
    AfterValidator(_distinct),
]


class Output(Part):
    """Audio to the client: PCM s16le mono at `rate` Hz, as soon as it is there (`burst`) or as it is heard
    (`realtime`); what is left out is the server's default."""

    rate: Rate | None = None
    pacing: Pacing | None = None


class Vad(Part):
    """How speech is cut; a field left out keeps the server's setting. Bounds as in Settings."""

    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    aggressiveness: Annotated[int, Field(ge=0, le=3)] | None = None
    min_speech_ms: Annotated[int, Field(ge=32, le=5_000)] | None = None
    min_silence_ms: Annotated[int, Field(ge=32, le=10_000)] | None = None
    padding_ms: Annotated[int, Field(ge=0, le=2_000)] | None = None
    max_segment_ms: Annotated[int, Field(ge=1_000, le=60_000)] | None = None


class Heard(Part):
    """How much of the speech in one target arrived: `seq` of its last frame (`audio.start`, audio or
    `audio.end`), and the samples of the segment up to the end of that one."""

    target: Annotated[str, Field(max_length=35), AfterValidator(_tag)]
    seq: Annotated[int, Field(ge=0)]
    samples: Annotated[int, Field(ge=0)] = 0


class Resume(Part):
    """Which session to go on with, the last `seq` that arrived, and the first sample of its audio that the
    client still holds. Where speech is sent in realtime, `last_seq` is of what is no speech, and `heard` has
    the targets of which speech arrived."""

    session_id: Name
    token: Annotated[str, Field(min_length=1, max_length=256)]
    last_seq: Annotated[int, Field(ge=0)]
    samples: Annotated[int, Field(ge=0)] = 0
    heard: Annotated[tuple[Heard, ...], Field(max_length=16, fail_fast=True)] | None = None


class SessionStart(_FromClient):
    """The first frame of a client. In a `room` a listener, as who names no role is, speaks nothing and names
    one target; a speaker names none: it speaks to whoever listens."""

    type: Literal["session.start"] = "session.start"
    protocol: Literal[1]
    source: Source | None = None
    targets: Targets | None = None
    output: Output = Output()
    room: Name | None = None
    role: Role | None = None
    secret: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    name: Name | None = None
    vad: Vad | None = None
    barge_in: BargeIn | None = None
    features: Features | None = None
    resume: Resume | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        role = "both" if self.room is None else self.role or "listener"
        if role != "listener" and self.source is None:
            raise ValueError("source is missing, the language that is spoken")
        if role != "speaker" and self.targets is None:
            raise ValueError("targets is missing, the language to listen in")
        return self


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
    """At the moment of sending, `played_ms` of the segment's audio have been heard, and `backlog_ms` of
    speech wait to be heard."""

    type: Literal["playback.mark"] = "playback.mark"
    segment: Segment
    played_ms: Annotated[float, Field(ge=0)]
    backlog_ms: Annotated[float, Field(ge=0)] | None = None


class Ping(_FromClient):
    type: Literal["ping"] = "ping"


class SessionEnd(_FromClient):
    """Nothing more will be said: translate what is left, then `session.ended` and close."""

    type: Literal["session.end"] = "session.end"


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
