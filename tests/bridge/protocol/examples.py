"""One message of every type of the native protocol, as JSON holds it."""

from __future__ import annotations

import json
from typing import Any, get_args

from bridge.protocol import client_messages, server_messages

START: dict[str, Any] = {
    "type": "session.start",
    "protocol": 1,
    "source": {"language": "en"},
    "targets": [{"language": "es", "voice": "nina"}, {"language": "pt-BR"}],
    "output": {"rate": 16000},
    "room": "standup",
    "role": "speaker",
    "secret": "k3",
    "name": "Ana",
    "vad": {
        "threshold": 0.5,
        "aggressiveness": 2,
        "min_speech_ms": 250,
        "min_silence_ms": 500,
        "padding_ms": 300,
        "max_segment_ms": 15000,
    },
    "barge_in": "pause",
    "features": ["partials"],
    "resume": {"session_id": "a1", "token": "b2", "last_seq": 17, "samples": 32000},
}
TIMES = {
    "endpoint": 500.5,
    "draft": 104.5,
    "queue": 1.5,
    "stt": 80.5,
    "translation": 9.5,
    "tts": 14.5,
    "first_audio": 607.5,
    "total": 611.5,
}
FROM_CLIENT: list[dict[str, Any]] = [
    START,
    {
        "type": "session.update",
        "source": {"language": "auto"},
        "targets": [{"language": "ca"}],
        "vad": {"padding_ms": 0},
        "barge_in": "off",
        "features": [],
    },
    {"type": "segment.commit"},
    {"type": "playback.pause"},
    {"type": "playback.resume"},
    {"type": "playback.stop"},
    {"type": "playback.mark", "segment": 3, "played_ms": 1250.5},
    {"type": "ping"},
    {"type": "session.end"},
]
CAPTION = {"segment": 4, "text": "hola señor", "language": "es", "start_ms": 10.5, "end_ms": 900.5}
FROM_SERVER: list[dict[str, Any]] = [
    {
        "type": "session.started",
        "session_id": "a1",
        "resume_token": "t",
        "resume_window_s": 30.5,
        "resumed": True,
        "samples": 48000,
        "participant": 3,
        "limits": {
            "max_message_bytes": 1048576,
            "max_segments": 8,
            "max_targets": 16,
            "idle_s": 300.5,
            "max_ahead_s": 60.5,
        },
        "config": {
            "source": {"language": "en"},
            "targets": [{"language": "es"}],
            "output": {"rate": 24000},
            "vad": START["vad"],
            "room": "standup",
            "role": "listener",
            "name": "Ana",
            "barge_in": "stop",
            "features": ["partials"],
        },
        "providers": {"stt": "pocketsphinx", "translation": "apertium", "tts": "espeak"},
    },
    {
        "type": "session.updated",
        "config": {
            "targets": [],
            "output": {"rate": 24000},
            "vad": START["vad"],
            "role": "listener",
            "barge_in": "off",
            "features": [],
        },
    },
    {"type": "audio.ack", "samples": 32000},
    {
        "type": "room.updated",
        "speakers": [{"id": 3, "name": "Ana", "language": "en", "away": True}],
        "listeners": {"es": 2},
    },
    {"type": "speech.started", "segment": 4, "speaker": 3, "name": "Ana"},
    {"type": "speech.stopped", "segment": 4},
    {"type": "transcript.partial", **CAPTION, "stable": 3},
    {"type": "transcript.final", **CAPTION, "confidence": 0.5},
    {"type": "translation.partial", "segment": 4, "target": "es", "text": "hola", "stable": 2},
    {"type": "translation.final", "segment": 4, "target": "es", "text": "hola"},
    {"type": "audio.start", "segment": 4, "target": "es", "index": 1, "rate": 24000},
    {"type": "audio.end", "segment": 4, "target": "es", "rate": 24000, "duration_ms": 800.5},
    {"type": "segment.done", "segment": 4, "timings_ms": TIMES},
    {
        "type": "segment.failed",
        "segment": 4,
        "target": "es",
        "stage": "tts",
        "code": "timed_out",
        "message": "Too late.",
        "retryable": True,
    },
    {"type": "playback.paused", "latency_ms": 1.5},
    {"type": "playback.resumed", "latency_ms": 1.5},
    {"type": "playback.stopped", "latency_ms": 1.5},
    {"type": "playback.skipped", "segments": 2, "ms": 5200.0},
    {"type": "warning", "code": "not_available", "message": "No.", "hint": "Go on."},
    {
        "type": "error",
        "code": "overloaded",
        "message": "Full.",
        "hint": "Wait.",
        "fatal": True,
        "retryable": True,
        "retry_after_ms": 2000,
        "close_code": 1013,
    },
    {"type": "session.ended", "code": "done", "message": "All said.", "hint": "Start anew."},
    {"type": "pong"},
]


def types_of(union: Any) -> list[str]:
    return [message.model_fields["type"].default for message in get_args(get_args(union)[0])]


CLIENT_TYPES = types_of(client_messages.ClientMessage)
SERVER_TYPES = types_of(server_messages.ServerMessage)


def start(**changes: Any) -> str:
    return json.dumps(START | changes)
