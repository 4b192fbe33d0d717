"""What a connection answers to what it cannot serve: what happened, what to do, and how it closes."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.requests import HTTPConnection

from bridge.errors import BridgeError, LanguageError, NoWorker, ProtocolError, RedisUnavailable, SettingsError
from bridge.protocol.server_messages import Warning
from bridge.protocol.wire import Close
from bridge.types import SPEECH_RATE
from gateway.core.site import Asked, Site
from gateway.runtime.admission import RETRY_AFTER_MS

TEXT_CHARACTERS = 16_384
"""Characters of one text frame: the longest session.start has 3 000."""
DRAINED_AFTER_MS = 100
"""Its listening socket is closed by then: who comes again comes to another gateway, if there is one."""
EXPECTED = f"Send PCM s16le: signed 16-bit little-endian samples, mono, {SPEECH_RATE} Hz, without a header."


_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}

NO_SESSION_FOR_AUDIO = (
    "audio_without_session",
    "Audio came outside a session.",
    "Send session.start first and wait for session.started.",
)
"""Code, message and hint of an error that closes nothing."""
ALREADY_STARTED = (
    "already_started",
    "This connection has a session.",
    "Use session.update, or connect anew.",
)


def before_start(kind: str) -> tuple[str, str, str]:
    return "no_session", f"{kind} came before session.start.", "Send session.start first."


def after_end(kind: str) -> tuple[str, str, str]:
    return "ending", f"{kind} came after session.end.", "Wait for session.ended."


def odd_audio(size: int) -> tuple[str, str, str]:
    """The same for a frame of `size` bytes."""
    message = f"An audio frame has {size} bytes, which is no whole number of samples."
    return "odd_audio", message, "Send PCM s16le, two bytes a sample; this frame was dropped."


def no_pcm(seen: str) -> ProtocolError:
    """A container is sent as if it were PCM."""
    return ProtocolError(
        f"The audio sent is {seen}, not PCM.",
        f"{EXPECTED} MediaRecorder makes no PCM, an AudioWorklet does; `speechbridge translate` reads files.",
        code="not_pcm",
        close_code=Close.BAD_MESSAGE,
    )


def unlike_pcm(seen: str) -> Warning:
    """What is sent sounds like noise when it is taken for PCM s16le."""
    return Warning(
        code="not_pcm",
        message=f"The audio sent seems to be {seen}: as PCM s16le it is noise.",
        hint=EXPECTED,
    )


def draining() -> ProtocolError:
    """This gateway stops."""
    return ProtocolError(
        "This gateway is stopping.",
        "Connect again.",
        code="draining",
        close_code=Close.DRAIN,
        retry_after_ms=DRAINED_AFTER_MS,
    )


def check_origin(asked: HTTPConnection, site: Site, proxies: Sequence[IPv4Network | IPv6Network]) -> None:
    """A page of another site must not use the microphone permission of this one.

    What `proxies` say of the host and the scheme that a browser asked for counts, and nobody else's word.
    Raises ProtocolError `forbidden_origin`.
    """
    headers = asked.headers
    origin = headers.get("origin")
    if origin is None:
        return
    host, scheme = headers.get("host", ""), ""
    if _is_within(asked.client.host if asked.client else "", proxies):
        host = _nearest(headers.get("x-forwarded-host", "")) or host
        scheme = _SCHEMES.get(_nearest(headers.get("x-forwarded-proto", "")), "")
    if hint := site.refusal(Asked(origin, host, scheme)):
        raise ProtocolError(
            f"Pages of {origin} may not use this server.",
            hint,
            code="forbidden_origin",
            close_code=Close.FORBIDDEN,
        )


def _is_within(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def _nearest(forwarded: str) -> str:
    """Of a list that each proxy has lengthened, the entry of the one that is connected to this server."""
    return forwarded.rpartition(",")[2].strip().lower()


def check_length(text: str) -> None:
    """Raises ProtocolError `too_large` for a text frame that no message needs."""
    if len(text) > TEXT_CHARACTERS:
        raise ProtocolError(
            f"A text frame has {len(text)} characters, {TEXT_CHARACTERS} are the most.",
            "Send audio in binary frames.",
            code="too_large",
            close_code=Close.TOO_BIG,
        )


def flooding() -> ProtocolError:
    """The client sends more messages than it may."""
    return ProtocolError(
        "More messages came than a connection may send.",
        "Send audio in frames of 20 ms or more, and other messages when there is something to say.",
        code="rate",
        close_code=Close.RATE,
        retry_after_ms=RETRY_AFTER_MS,
    )


def idle(seconds: float, hint: str) -> ProtocolError:
    """Nothing came, or nothing that begins a session."""
    return ProtocolError(
        f"Nothing came for {seconds:g} s.",
        hint,
        code="idle",
        close_code=Close.IDLE,
        retry_after_ms=RETRY_AFTER_MS,
    )


def broken() -> ProtocolError:
    """A fault of the program."""
    return ProtocolError(
        "The session failed by a fault of the server.",
        "Connect again; the operator finds the reason in the log.",
        code="internal",
        close_code=Close.INTERNAL,
        retry_after_ms=RETRY_AFTER_MS,
    )


def taken_over() -> ProtocolError:
    """The client came back on another connection."""
    return ProtocolError(
        "The session goes on at another connection.",
        "Use that one.",
        code="taken_over",
        close_code=Close.TAKEN_OVER,
    )


def fatal(error: BridgeError, started: bool) -> ProtocolError | None:
    """What ends the connection, None where the client is told of `error` and may go on.

    Without a session there is nothing to go on with where a stage or Redis is missing.
    """
    if isinstance(error, ProtocolError) and error.close_code is not None:
        return error
    if isinstance(error, NoWorker | RedisUnavailable) and not started:
        return unserved(error)
    if isinstance(error, ProtocolError | NoWorker | RedisUnavailable | LanguageError | SettingsError):
        return None
    raise error


def unserved(error: NoWorker | RedisUnavailable) -> ProtocolError:
    """Without a stage, or without Redis, no session can begin."""
    close = Close.NO_WORKER if isinstance(error, NoWorker) else Close.OVERLOADED
    return ProtocolError(
        error.message, error.hint, code=error.code, close_code=close, retry_after_ms=RETRY_AFTER_MS
    )
