"""Every error speechbridge raises on purpose.

BridgeError                  what happened, why, and what to do about it
 +- SettingsError            a variable, file or topology entry that cannot be used
 +- AudioError               audio that cannot be read or is not what was agreed
 +- LanguageError            a language or pair that is unknown or not offered by this setup
 +- ProtocolError            a client message that breaks the protocol
 +- ProviderError            an engine failed on this input; the next input may succeed
 |   +- ProviderMissing      the engine is not installed or has no model: fails at start
 |   +- ProviderBusy         the engine is for the moment unable to answer: may be tried again
 |   +- VendorError          the server of an engine refuses, fails, or is late
 +- GatewayError             the gateway cannot be reached, refuses a session, or ends it too early
 +- RoomError                a room that cannot be entered
 |   +- UnknownRoom          it never was, or it expired
 |   +- RoomEnded            its owner ended it
 |   +- WrongSecret          it is there, and the secret is not one of its two
 |   +- TooManyRooms         no further one may be made for now
 +- NoWorker                 no live worker serves a stage
 +- RedisUnavailable         Redis does not answer
"""

from __future__ import annotations


class BridgeError(Exception):
    """`message` says what happened and why, `hint` what to do; `code` is the stable name of the case.

    The same code stands in the log, in the frame the client gets, and in docs/protocol.md.
    `retryable` says whether the same call may succeed later without a change.
    """

    code = "internal"
    retryable = False

    def __init__(self, message: str, hint: str = "", *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class SettingsError(BridgeError):
    code = "bad_setting"


class AudioError(BridgeError):
    code = "bad_audio"


class LanguageError(BridgeError):
    code = "unsupported_language"


class ProtocolError(BridgeError):
    """`close_code` is set where the connection cannot go on."""

    code = "bad_message"

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        code: str | None = None,
        close_code: int | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message, hint, code=code)
        self.close_code = close_code
        self.retry_after_ms = retry_after_ms


class GatewayError(BridgeError):
    """What a client meets. `close_code` is that of the connection, where there was one; `retry_after_ms` is
    how long the server asks to wait before the next attempt."""

    code = "gateway_failed"

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        code: str | None = None,
        close_code: int | None = None,
        retryable: bool = False,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message, hint, code=code)
        self.close_code = close_code
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms


class ProviderError(BridgeError):
    code = "provider_failed"


class ProviderMissing(ProviderError):
    code = "provider_missing"


class ProviderBusy(ProviderError):
    code = "provider_busy"
    retryable = True


class VendorError(ProviderError):
    """`code` is one of auth, quota, rate_limited, unavailable, timeout, bad_answer or provider_failed;
    `retry_after_ms` is how long the server asks to wait."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        code: str,
        retryable: bool = False,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message, hint, code=code)
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms


class NotKept(BridgeError):
    """A session that cannot be resumed any more."""

    code = "resume_expired"


class WrongToken(BridgeError):
    code = "wrong_token"


class RoomError(BridgeError):
    """Raised as one of the classes below only."""


class UnknownRoom(RoomError):
    code = "unknown_room"


class RoomEnded(RoomError):
    code = "room_ended"


class WrongSecret(RoomError):
    code = "wrong_secret"


class TooManyRooms(RoomError):
    code = "too_many_rooms"
    retryable = True


class NoWorker(BridgeError):
    code = "no_worker"
    retryable = True


class RedisUnavailable(BridgeError):
    code = "redis_unavailable"
    retryable = True
