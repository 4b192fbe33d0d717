"""Who may come into a room, and as how many: what session.start is answered before anybody is there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from bridge.errors import LanguageError, ProtocolError
from bridge.protocol.client_messages import SessionStart, SessionUpdate
from bridge.protocol.wire import Close
from bridge.settings import Settings
from bridge.store.rooms import Made
from gateway.protocols.native.frames import Press
from gateway.protocols.native.opening import opened
from gateway.protocols.native.transport import Transport
from gateway.protocols.native.voice import Voice
from gateway.protocols.native.wishes import obey
from gateway.runtime.entered import Entered
from gateway.runtime.metronome import Metronome
from tests.gateway.runtime.clock import until
from tests.gateway.runtime.scene import Mouth, Scene, play

pytestmark = pytest.mark.redis

Wish = tuple[str, str] | tuple[str]
LISTENER, SPEAKER, BOTH = ("listener", "es"), ("speaker",), ("both", "es")


class Unread:
    """The socket of a client that reads nothing."""

    may_send = False

    def send_frame(self, frame: str | bytes) -> None:
        raise AssertionError("it may not send")


def start(made: Made, role: str, hears: str | None = None, **fields: Any) -> SessionStart:
    asked: dict[str, Any] = {"protocol": 1, "room": made.room, "secret": made.speak, "role": role}
    if hears is not None:
        asked["targets"] = [{"language": hears}]
    if role != "listener":
        asked["source"] = {"language": "en"}
    return SessionStart.model_validate(asked | fields)


async def come(it: Scene, made: Made, role: str, hears: str | None = None, **fields: Any) -> Entered:
    """Somebody comes in."""
    entered, started = await opened(start(made, role, hears, **fields), it.halls)
    assert started.participant == entered.runner.seat.number
    entered.begin(Mouth())
    return entered


async def refused(it: Scene, message: SessionStart) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        await opened(message, it.halls)
    assert caught.value.hint
    return caught.value


def full(settings: Settings, variable: str, first: Sequence[Wish], more: Wish, welcome: Wish) -> None:
    """With room for two by `variable` the third is refused, however it asks, and the `welcome` one is not."""

    async def scene(it: Scene) -> None:
        made = await it.backend.rooms.create("", 60, 10)
        for who in first:
            await come(it, made, *who)
        error = await refused(it, start(made, *more))
        assert (error.code, error.close_code) == ("room_full", Close.OVERLOADED)
        assert error.retry_after_ms and variable in error.hint
        await come(it, made, *welcome)

    play(settings, scene, **{variable.lower(): 2})


def test_listeners_are_as_many_as_the_variable_says(settings: Settings) -> None:
    """ROOM_MAX_LISTENERS."""
    full(settings, "ROOM_MAX_LISTENERS", [LISTENER, BOTH], LISTENER, SPEAKER)


def test_speakers_are_as_many_as_the_variable_says(settings: Settings) -> None:
    """ROOM_MAX_SPEAKERS."""
    full(settings, "ROOM_MAX_SPEAKERS", [SPEAKER, BOTH], BOTH, LISTENER)


def test_languages_are_as_many_as_the_variable_says(settings: Settings) -> None:
    """ROOM_MAX_LANGUAGES."""
    full(settings, "ROOM_MAX_LANGUAGES", [LISTENER, ("listener", "en")], ("listener", "fr"), BOTH)


def test_of_a_class_that_comes_in_at_once_no_more_are_let_in_than_the_room_holds(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        made = await it.backend.rooms.create("", 60, 10)
        await come(it, made, "speaker")
        coming = (opened(start(made, "listener", "es"), it.halls) for _ in range(5))
        found = await asyncio.gather(*coming, return_exceptions=True)
        refused = [each.code for each in found if isinstance(each, ProtocolError)]
        assert refused == ["room_full"] * 2
        assert sum(isinstance(each, tuple) for each in found) == 3

    play(settings, scene, room_max_listeners=3)


def test_nobody_changes_to_a_language_that_is_one_too_many(settings: Settings) -> None:
    """ROOM_MAX_LANGUAGES."""

    async def scene(it: Scene) -> None:
        made = await it.backend.rooms.create("", 60, 10)
        await come(it, made, "listener", "es")
        entered = await come(it, made, "listener", "en")
        roster = entered.runner.hall.core.roster
        await until(lambda: roster.listeners == {"es": 1, "en": 1})
        voice = Voice(cast(Transport, Unread()), Press(), Metronome(20))
        update = SessionUpdate.model_validate({"targets": [{"language": "fr"}]})
        with pytest.raises(ProtocolError, match="no more may be"):
            obey(update, entered.runner, voice, it.halls)
        assert entered.runner.seat.terms.targets[0].language == "en"

    play(settings, scene, room_max_languages=2)


@pytest.mark.parametrize(
    ("changes", "code", "close"),
    [
        ({"room": "0" * 12}, "unknown_room", Close.UNKNOWN_SESSION),
        ({"secret": "of another room"}, "wrong_secret", Close.FORBIDDEN),
        ({"secret": None}, "wrong_secret", Close.FORBIDDEN),
    ],
)
def test_who_has_no_way_in_is_told_why(
    settings: Settings, changes: dict[str, Any], code: str, close: Close
) -> None:
    async def scene(it: Scene) -> None:
        made = await it.backend.rooms.create("", 60, 10)
        error = await refused(it, start(made, "listener", "es").model_copy(update=changes))
        assert (error.code, error.close_code) == (code, close)

    play(settings, scene)


@pytest.mark.parametrize(("role", "hears"), [("speaker", None), ("both", "es")])
def test_a_link_for_listening_does_not_speak(settings: Settings, role: str, hears: str | None) -> None:
    async def scene(it: Scene) -> None:
        made = await it.backend.rooms.create("", 60, 10)
        error = await refused(it, start(made, role, hears, secret=made.listen))
        assert (error.code, error.close_code) == ("listen_only", Close.FORBIDDEN)
        await come(it, made, "listener", "es", secret=made.listen)

    play(settings, scene)


def test_a_room_that_was_ended_says_so(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        made = await it.backend.rooms.create("", 60, 10)
        await it.backend.rooms.end(made.room)
        error = await refused(it, start(made, "listener", "es"))
        assert (error.code, error.close_code) == ("room_ended", Close.UNKNOWN_SESSION)

    play(settings, scene)


def test_a_language_that_nobody_can_make_is_named_with_those_on_offer(settings: Settings) -> None:
    async def scene(it: Scene) -> None:
        made = await it.backend.rooms.create("", 60, 10)
        with pytest.raises(LanguageError) as caught:
            await opened(start(made, "listener", "tlh"), it.halls)
        assert "tlh" in caught.value.message
        assert "es" in caught.value.hint and "fr" in caught.value.hint

    play(settings, scene)


@pytest.mark.parametrize(
    ("token", "window", "code", "close"),
    [
        ("not its own", 60, "wrong_token", Close.UNAUTHENTICATED),
        (None, 60, "resume_expired", Close.RESUME_EXPIRED),
        ("any", 0, "resume_expired", Close.RESUME_EXPIRED),
    ],
)
def test_who_cannot_go_on_is_told_why(
    settings: Settings, token: str | None, window: int, code: str, close: Close
) -> None:
    async def scene(it: Scene) -> None:
        made = await it.backend.rooms.create("", 60, 10)
        entered = await come(it, made, "listener", "es")
        await it.backend.errands.done()
        session = entered.runner.id if token else "0" * 16
        resume = {"session_id": session, "token": token or "any", "last_seq": 1, "samples": 0}
        error = await refused(it, start(made, "listener", "es", resume=resume))
        assert (error.code, error.close_code) == (code, close)

    play(settings, scene, resume_window_s=window)
