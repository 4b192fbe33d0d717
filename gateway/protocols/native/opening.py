"""How a session begins, or goes on: what session.start asks for, and who may have it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from bridge.errors import NotKept, ProtocolError, RoomError, WrongSecret, WrongToken
from bridge.protocol.client_messages import Resume, SessionStart
from bridge.protocol.server_messages import SessionStarted
from bridge.protocol.wire import Close
from bridge.settings import Settings
from bridge.types import Presence
from gateway.core.seat import Seat
from gateway.protocols.native import agreement
from gateway.runtime.admission import RETRY_AFTER_MS, speaking
from gateway.runtime.backend import Backend
from gateway.runtime.entered import Entered
from gateway.runtime.halls import Halls
from gateway.runtime.offers import Offer
from gateway.runtime.place import Place


async def opened(message: SessionStart, halls: Halls) -> tuple[Entered, SessionStarted]:
    """The session that a client asks for, and what to tell it first.

    Raises NoWorker, LanguageError and SettingsError as `agreement` does, RedisUnavailable, and ProtocolError
    where the client may not have it, with the close code that says why.
    """
    backend = halls.backend
    workers = await backend.fleet.look()
    entered = await (
        _resumed(message, halls) if message.resume else _begun(message, halls, Offer.of(workers))
    )
    started = agreement.started(entered.runner.seat, workers, backend.settings)
    return entered, started.model_copy(
        update={
            "resume_token": entered.token,
            "resume_window_s": halls.window,
            "resumed": entered.resumed,
            "samples": entered.runner.samples,
        }
    )


async def _resumed(message: SessionStart, halls: Halls) -> Entered:
    resume = message.resume
    assert resume is not None
    try:
        if not halls.window:
            raise NotKept("Sessions are not kept on this server.", "Start a new one, without resume.")
        return await halls.resume(resume.session_id, resume.token, _place(resume), resume.samples)
    except NotKept as error:
        raise _closing(error, Close.RESUME_EXPIRED) from None
    except WrongToken as error:
        raise _closing(error, Close.UNAUTHENTICATED) from None


def _place(resume: Resume) -> Place:
    """What of the session has arrived."""
    if resume.heard is None:
        return Place(resume.last_seq)
    return Place(resume.last_seq, {it.target: (it.seq, it.samples) for it in resume.heard})


async def _begun(message: SessionStart, halls: Halls, offer: Offer) -> Entered:
    session = secrets.token_hex(8)
    settings = halls.backend.settings
    if message.room is None:
        seat = Seat(session, session, "alone", agreement.agree(message, offer, settings))
        return await _admitted(seat, halls)
    try:
        seat = await _seat(message, session, message.room, halls.backend, offer)
    except WrongSecret as error:
        raise _closing(error, Close.FORBIDDEN) from None
    except RoomError as error:
        raise _closing(error, Close.UNKNOWN_SESSION) from None
    return await _admitted(seat, halls, lambda presences: _check_room(seat, presences, settings))


async def _admitted(
    seat: Seat, halls: Halls, admit: Callable[[Sequence[Presence]], None] = lambda presences: None
) -> Entered:
    """Lets somebody in for whom there is room. Raises ProtocolError, and as Halls.enter does."""
    if not seat.speaks:
        return await halls.enter(seat, admit)
    await halls.backend.count()
    with speaking(halls.backend.dispatcher.shedding):
        return await halls.enter(seat, admit)


async def _seat(message: SessionStart, session: str, room: str, backend: Backend, offer: Offer) -> Seat:
    """A place in a room. Raises RoomError, ProtocolError, LanguageError."""
    if message.secret is None:
        raise WrongSecret(
            "A room is entered with its secret.", "Send `secret`, what stands behind the # of its link."
        )
    access = await backend.rooms.open(room, message.secret)
    role = message.role or "listener"
    if role != "listener" and not access.may_speak:
        raise ProtocolError(
            "This link is for listening only.",
            "Ask for the link for speaking, or listen.",
            code="listen_only",
            close_code=Close.FORBIDDEN,
        )
    terms = agreement.agree_in_room(message, role, offer, backend.settings)
    seat = Seat(session, room, role, terms, name=message.name or "")
    return seat.but(number=await backend.rooms.seat(room, speaks=role != "listener"))


def _check_room(seat: Seat, presences: Sequence[Presence], settings: Settings) -> None:
    """Raises ProtocolError `room_full` where the room has as many as it may have already."""
    languages = {language for each in presences for language in each.listeners}
    listening = sum(count for each in presences for count in each.listeners.values())
    if seat.speaks and sum(len(each.speakers) for each in presences) >= settings.room_max_speakers:
        raise _full(
            f"{settings.room_max_speakers} may speak in this room, and as many do", "ROOM_MAX_SPEAKERS"
        )
    if not seat.hears:
        return
    if listening >= settings.room_max_listeners:
        raise _full(f"{settings.room_max_listeners} listen in this room already", "ROOM_MAX_LISTENERS")
    check_languages(languages | {seat.terms.targets[0].language}, settings.room_max_languages)


def check_languages(languages: set[str], most: int) -> None:
    """Raises ProtocolError `room_full` for more languages than a room may have."""
    if len(languages) > most:
        raise _full(f"{most} languages are heard in this room, no more may be", "ROOM_MAX_LANGUAGES")


def _full(what: str, variable: str) -> ProtocolError:
    return ProtocolError(
        f"The room is full: {what}.",
        f"Try again later, or choose a language that is heard already; the operator may raise {variable}.",
        code="room_full",
        close_code=Close.OVERLOADED,
        retry_after_ms=RETRY_AFTER_MS,
    )


def _closing(error: NotKept | WrongToken | RoomError, close: Close) -> ProtocolError:
    return ProtocolError(error.message, error.hint, code=error.code, close_code=close)
