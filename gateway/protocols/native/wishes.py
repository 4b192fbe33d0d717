"""What a client wants of its running session, as inputs of the core."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from contextlib import suppress
from math import inf

import structlog

from bridge.errors import BridgeError
from bridge.protocol import client_messages, wire
from gateway.core import inputs
from gateway.protocols.native import agreement
from gateway.protocols.native.opening import check_languages
from gateway.protocols.native.voice import Voice
from gateway.runtime.halls import Halls
from gateway.runtime.runner import Runner

log = structlog.get_logger(__name__)

_PLAYBACK: dict[type[object], type[inputs.Pause | inputs.Resume | inputs.Stop]] = {
    client_messages.PlaybackPause: inputs.Pause,
    client_messages.PlaybackResume: inputs.Resume,
    client_messages.PlaybackStop: inputs.Stop,
}


def obey(
    message: client_messages.ClientMessage, runner: Runner, voice: Voice, halls: Halls
) -> Awaitable[None] | None:
    """Passes a message on. Returns what must be waited for before the next one, if anything.

    Raises as `agreement.amend` for an update that cannot be served.
    """
    match message:
        case client_messages.SegmentCommit():
            runner.ordered(inputs.Commit())
        case client_messages.SessionEnd():
            runner.ordered(inputs.End())
        case (
            client_messages.PlaybackPause()
            | client_messages.PlaybackResume()
            | client_messages.PlaybackStop()
        ):
            wish = _PLAYBACK[type(message)]()
            if runner.seat.tuning.own:
                _wish(wish, runner, voice)
            else:
                return _apart(wish, runner, voice, halls)
        case client_messages.SessionUpdate():
            return _update(message, runner, voice, halls)
    return None


def marked(mark: client_messages.PlaybackMark, runner: Runner, voice: Voice) -> None:
    """Passes on what a client says of its playback, with what is paced and has not left for it yet; of many
    listeners none speaks for the others."""
    log.debug("played", session=runner.id, segment=mark.segment, ms=mark.played_ms, waiting=mark.backlog_ms)
    runner.waits.played(mark.segment, mark.played_ms)
    if mark.backlog_ms is not None and runner.seat.role == "alone":
        here = voice.outbox.pacer.seconds if voice.outbox.pacer is not None else 0.0
        runner.handle(inputs.Behind(mark.backlog_ms / 1000 + here))


def hush(frame: str | bytes, voice: Voice) -> None:
    """Obeys a stop where all was said and is still leaving at the rate of hearing; all else is too late."""
    if voice.outbox.pacer is None or isinstance(frame, bytes):
        return
    with suppress(BridgeError):
        if isinstance(wire.decode(frame), client_messages.PlaybackStop):
            voice.outbox.purge(inf)


def _wish(wish: inputs.Input, runner: Runner, voice: Voice) -> None:
    since = time.monotonic()
    if (number := runner.handle(wish)) is not None:
        voice.asked(number, since)


async def _apart(wish: inputs.Input, runner: Runner, voice: Voice, halls: Halls) -> None:
    """Who pauses or stops hears from then on what the others do not."""
    await halls.retune(runner, runner.seat.but(apart=True))
    _wish(wish, runner, voice)


def _update(
    message: client_messages.SessionUpdate, runner: Runner, voice: Voice, halls: Halls
) -> Awaitable[None] | None:
    seat, offer = runner.seat, halls.backend.offer
    partials = halls.backend.settings.partials
    voice.warn(message, partials=partials)
    if seat.role == "alone":
        runner.update(agreement.amend(runner.terms, message, offer, partials=partials))
        return None
    terms = agreement.amend_in_room(runner.terms, seat.role, message, offer, partials=partials)
    changed = seat.but(terms=terms)
    if changed.tuning == seat.tuning:
        runner.update(terms)
        voice.updated(changed)
        return None
    languages = {*runner.hall.core.roster.listeners, terms.targets[0].language}
    check_languages(languages, halls.backend.settings.room_max_languages)
    if seat.speaks:
        runner.ordered(inputs.Update(terms))
    return halls.retune(runner, changed, lambda: voice.updated(changed))
