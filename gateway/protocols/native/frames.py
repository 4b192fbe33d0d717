"""The core's nouns as messages of `bridge.v1`."""

from __future__ import annotations

from bridge.protocol import server_messages as messages
from gateway.core import effects, glimpse
from gateway.core.tuning import NUMBERED
from gateway.core.warnings import Shortage, Warn


class Press:
    """Prints each frame once, however many clients are told it one after the other."""

    def __init__(self) -> None:
        self._said: effects.Say | glimpse.Show | None = None
        self._body = ""

    def body(self, said: effects.Say | glimpse.Show) -> str:
        """What all clients are told alike: the frame from behind its number and time on."""
        if said is not self._said:
            self._said, self._body = said, body(message(said.what, 0.0))
        return self._body


def body(what: messages.ServerMessage) -> str:
    """A frame without its opening brace, its number and its time."""
    return what.model_dump_json(exclude_none=True, exclude={"seq", "t_ms"})[1:]


Noun = effects.Noun | glimpse.PartialTranscript | glimpse.PartialTranslation


def message(what: Noun, latency_ms: float) -> messages.ServerMessage:
    """The message that says `what`; `latency_ms` is how long after a wish it was obeyed."""
    match what:
        case effects.Transcript() | effects.Translation():
            return _caption(what)
        case glimpse.PartialTranscript() | glimpse.PartialTranslation():
            return _partial(what)
        case effects.SpeechStarted(segment, name):
            return messages.SpeechStarted(segment=segment, speaker=_speaker(segment), name=name or None)
        case effects.SpeechStopped(segment):
            return messages.SpeechStopped(segment=segment, speaker=_speaker(segment))
        case effects.SpeechBegins() | effects.SpeechEnds():
            return _speech(what)
        case effects.Failed():
            return messages.SegmentFailed(
                segment=what.segment,
                speaker=_speaker(what.segment),
                target=what.target,
                stage=what.stage,
                code=what.code,
                message=what.message,
                retryable=what.retryable,
            )
        case effects.Done(segment, timings, dropped):
            times = messages.Timings(**timings)
            speaker, vain = _speaker(segment), dropped or None
            return messages.SegmentDone(
                segment=segment, speaker=speaker, timings_ms=times, drafts_dropped=vain
            )
        case effects.Obeyed(kind, _, reason):
            return _OBEYED[kind](latency_ms=latency_ms, reason="barge_in" if reason else None)
        case effects.Ended():
            return messages.SessionEnded()


_OBEYED: dict[str, type[messages.PlaybackPaused | messages.PlaybackResumed | messages.PlaybackStopped]] = {
    "paused": messages.PlaybackPaused,
    "resumed": messages.PlaybackResumed,
    "stopped": messages.PlaybackStopped,
}


def warning(what: Warn) -> messages.Warning:
    """The warning that speech is left out, or that it is not any more."""
    if what.over:
        return messages.Warning(code=what.what, message="All is spoken again.", over=True)
    return messages.Warning(code=what.what, message=_SHORT[what.what], hint=_BUSY)


_SHORT: dict[Shortage, str] = {
    "captions_only": "There are captions only for now: what is spoken would come too late.",
    "late": "Some of what is said is left out for now: its translation would come too late.",
}
_BUSY = "The server is busy. The operator can add workers, or raise LATENESS_MS."


def _speech(what: effects.SpeechBegins | effects.SpeechEnds) -> messages.ServerMessage:
    speaker = _speaker(what.segment)
    if isinstance(what, effects.SpeechBegins):
        return messages.AudioStart(
            segment=what.segment,
            speaker=speaker,
            target=what.target,
            index=what.index,
            rate=what.rate,
            floor=what.floor or None,
        )
    return messages.AudioEnd(
        segment=what.segment,
        speaker=speaker,
        target=what.target,
        rate=what.rate,
        duration_ms=what.duration_ms,
    )


def _caption(what: effects.Transcript | effects.Translation) -> messages.ServerMessage:
    match what:
        case effects.Transcript():
            return messages.TranscriptFinal(
                segment=what.segment,
                text=what.text,
                language=what.language,
                start_ms=what.start_ms,
                end_ms=what.end_ms,
                confidence=what.confidence,
                speaker=_speaker(what.segment),
                name=what.name or None,
                provider=what.provider or None,
            )
        case effects.Translation():
            return messages.TranslationFinal(
                segment=what.segment,
                target=what.target,
                text=what.text,
                confidence=what.confidence,
                speaker=_speaker(what.segment),
                name=what.name or None,
                provider=what.provider or None,
            )


def _partial(what: glimpse.PartialTranscript | glimpse.PartialTranslation) -> messages.ServerMessage:
    speaker, name = _speaker(what.segment), what.name or None
    if isinstance(what, glimpse.PartialTranslation):
        return messages.TranslationPartial(
            segment=what.segment,
            target=what.target,
            text=what.text,
            stable=what.stable,
            speaker=speaker,
            name=name,
        )
    return messages.TranscriptPartial(
        segment=what.segment,
        text=what.text,
        stable=what.stable,
        language=what.language,
        start_ms=what.start_ms,
        end_ms=what.end_ms,
        speaker=speaker,
        name=name,
    )


def _speaker(segment: int) -> int | None:
    """The participant who speaks, None in a room of one."""
    return segment >> NUMBERED or None
