"""The core's nouns as messages of `bridge.v1`."""

from __future__ import annotations

from bridge.protocol import server_messages as messages
from gateway.core import effects


def message(what: effects.Noun, latency_ms: float) -> messages.ServerMessage:
    """The message that says `what`; `latency_ms` is how long after a wish it was obeyed."""
    match what:
        case effects.Transcript() | effects.Translation():
            return _caption(what)
        case effects.SpeechStarted(segment):
            return messages.SpeechStarted(segment=segment)
        case effects.SpeechStopped(segment):
            return messages.SpeechStopped(segment=segment)
        case effects.SpeechBegins(segment, target, index, rate):
            return messages.AudioStart(segment=segment, target=target, index=index, rate=rate)
        case effects.SpeechEnds(segment, target, rate, duration):
            return messages.AudioEnd(segment=segment, target=target, rate=rate, duration_ms=duration)
        case effects.Failed():
            return messages.SegmentFailed(
                segment=what.segment,
                target=what.target,
                stage=what.stage,
                code=what.code,
                message=what.message,
                retryable=what.retryable,
            )
        case effects.Done(segment, timings):
            return messages.SegmentDone(segment=segment, timings_ms=messages.Timings(**timings))
        case effects.Obeyed(kind):
            return _OBEYED[kind](latency_ms=latency_ms)
        case effects.Ended():
            return messages.SessionEnded()


_OBEYED: dict[str, type[messages.PlaybackPaused | messages.PlaybackResumed | messages.PlaybackStopped]] = {
    "paused": messages.PlaybackPaused,
    "resumed": messages.PlaybackResumed,
    "stopped": messages.PlaybackStopped,
}


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
            )
        case effects.Translation(segment, target, text, confidence):
            return messages.TranslationFinal(segment=segment, target=target, text=text, confidence=confidence)
