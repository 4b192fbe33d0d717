"""What client and server agree on by session.start and session.update."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from bridge.errors import LanguageError
from bridge.protocol.client_messages import (
    AUTO,
    Output,
    SessionStart,
    SessionUpdate,
    Source,
    TargetChoice,
    Vad,
)
from bridge.protocol.parts import Effective, Limits
from bridge.protocol.server_messages import SessionStarted, Warning
from bridge.settings import Settings
from bridge.speech_settings import VAD_THRESHOLDS
from bridge.store.registry import WorkerRecord
from bridge.types import Rate, Stage, Target
from gateway.core.seat import Role, Seat
from gateway.core.terms import Pace, SegmenterConfig, Terms
from gateway.runtime.offers import Offer

PARTIALS = "partials"


def agree(message: SessionStart, offer: Offer, settings: Settings) -> Terms:
    """The terms of a new session.

    Raises NoWorker, LanguageError for what this setup does not offer, SettingsError for VAD knobs that
    contradict each other.
    """
    assert message.source is not None and message.targets is not None
    cut = _cutting(SegmenterConfig.of(settings), message.vad)
    partials = settings.partials and PARTIALS in (message.features or ())
    rate, pacing = _heard_as(message, settings)
    terms = Terms(None, (), rate, cut, partials=partials, pacing=pacing)
    terms = replace(terms, barge_in=message.barge_in or settings.barge_in)
    return _understood(terms, message.source, message.targets, offer)


def agree_in_room(message: SessionStart, role: Role, offer: Offer, settings: Settings) -> Terms:
    """The terms of one who speaks, listens or both in a room; its only target is the language to hear.

    Raises as `agree`.
    """
    offer.check()
    source = _alone(message.source, offer) if role != "listener" and message.source else None
    targets: tuple[Target, ...] = ()
    if role != "speaker":
        assert message.targets is not None
        targets = (_heard(message.targets, offer),)
    cut = _cutting(SegmenterConfig.of(settings), message.vad)
    partials = settings.partials and PARTIALS in (message.features or ())
    rate, pacing = _heard_as(message, settings)
    # Who only speaks, or only listens, has nothing to interrupt, or nothing to interrupt with.
    barge_in = message.barge_in or settings.barge_in if role == "both" else "off"
    return Terms(source, targets, rate, cut, "voice", barge_in=barge_in, partials=partials, pacing=pacing)


def _heard_as(message: SessionStart, settings: Settings) -> tuple[Rate, Pace]:
    """The rate of the audio to the client, and how it is sent."""
    output = message.output
    return output.rate or settings.sample_rate, output.pacing or settings.pacing


def amend_in_room(
    terms: Terms, role: Role, message: SessionUpdate, offer: Offer, *, partials: bool = True
) -> Terms:
    """The terms after a session.update in a room, `partials` only where they may be. Raises as `agree`."""
    terms = _featured(terms, message, partials)
    source, targets = terms.source, terms.targets
    if message.source is not None and role != "listener":
        source = _alone(message.source, offer)
    if message.targets is not None and role != "speaker":
        targets = (_heard(message.targets, offer),)
    barge_in = message.barge_in or terms.barge_in if role == "both" else "off"
    cutting = _cutting(terms.cutting, message.vad)
    return replace(terms, source=source, targets=targets, cutting=cutting, barge_in=barge_in)


def _alone(source: Source, offer: Offer) -> str | None:
    """The language of one speaker in a room."""
    if source.among is not None:
        raise LanguageError(
            "Two languages at one device are for a session of its own, not for a room.",
            "Leave out `among`, or `room`.",
        )
    return offer.understood(source.language)


def _heard(choices: Sequence[TargetChoice], offer: Offer) -> Target:
    if len(choices) > 1:
        raise LanguageError("In a room one language is heard at a time.", "Name one target.")
    return Target(offer.heard(choices[0].language))


def amend(terms: Terms, message: SessionUpdate, offer: Offer, *, partials: bool = True) -> Terms:
    """The terms after a session.update, with `partials` only where they may be. Raises as `agree`; workers
    matter only where it names a language."""
    terms = _featured(terms, message, partials)
    barge_in = message.barge_in or terms.barge_in
    terms = replace(terms, cutting=_cutting(terms.cutting, message.vad), barge_in=barge_in)
    if message.source is None and message.targets is None:
        return terms
    choices = message.targets or _choices(terms.targets)
    return _understood(terms, message.source or _source(terms), choices, offer)


def _featured(terms: Terms, message: SessionUpdate, partials: bool) -> Terms:
    if message.features is None:
        return terms
    return replace(terms, partials=partials and PARTIALS in message.features)


def _understood(terms: Terms, source: Source, choices: Sequence[TargetChoice], offer: Offer) -> Terms:
    """`terms` with what is spoken and heard. Raises as `agree`."""
    wanted = [to.language for to in choices]
    if source.among is None:
        spoken, tags = offer.resolve(source.language, wanted)
        return replace(terms, source=spoken, among=(), floor="", targets=_targets(choices, tags))
    if source.language != AUTO:
        raise LanguageError(
            f"Where {source.language} is spoken, there is nothing to detect among {', '.join(source.among)}.",
            f"Name {AUTO} as the language, or leave out `among`.",
        )
    among, tags = offer.converse(source.among, wanted)
    return replace(terms, source=None, among=among, floor="silent", targets=_targets(choices, tags))


def _targets(choices: Sequence[TargetChoice], tags: Sequence[str]) -> tuple[Target, ...]:
    """The targets as this setup calls them, each with the voice that was asked for."""
    return tuple(Target(tag, choice.voice) for choice, tag in zip(choices, tags, strict=True))


def _source(terms: Terms) -> Source:
    """What is spoken, as a client would have said it."""
    return Source(language=terms.source or AUTO, among=terms.among or None)


def _choices(wanted: Sequence[Target]) -> tuple[TargetChoice, ...]:
    """The targets in force, as a client would have chosen them."""
    return tuple(TargetChoice(language=target.language, voice=target.voice) for target in wanted)


def _cutting(current: SegmenterConfig, vad: Vad | None) -> SegmenterConfig:
    """`current` with what the client wants otherwise; a threshold wins over an aggressiveness.

    Raises SettingsError where the knobs contradict each other.
    """
    if vad is None:
        return current
    asked = vad.model_dump(exclude_none=True)
    level = asked.pop("aggressiveness", None)
    if level is not None:
        asked.setdefault("threshold", VAD_THRESHOLDS[level])
    return replace(current, **asked)


def started(seat: Seat, workers: Sequence[WorkerRecord], settings: Settings) -> SessionStarted:
    """What the client is told of its session."""
    return SessionStarted(
        session_id=seat.session,
        participant=seat.number or None,
        limits=limits(settings),
        config=effective(seat),
        providers=providers(workers),
    )


def limits(settings: Settings) -> Limits:
    return Limits(
        max_message_bytes=settings.ws_max_message_size,
        max_segments=settings.session_max_segments,
        idle_s=settings.session_idle_seconds,
        max_ahead_s=settings.session_ahead_seconds,
    )


def effective(seat: Seat) -> Effective:
    """The configuration in force, as session.started tells it."""
    terms = seat.terms
    return Effective(
        source=_source(terms) if seat.speaks else None,
        targets=_choices(terms.targets),
        output=Output(rate=terms.rate, pacing=terms.pacing),
        vad=Vad(**asdict(terms.cutting)),
        barge_in=terms.barge_in,
        room=seat.room if seat.number else None,
        role="speaker" if seat.role == "alone" else seat.role,
        name=seat.name or None,
        features=(PARTIALS,) if terms.partials else (),
    )


def providers(workers: Sequence[WorkerRecord]) -> dict[Stage, str]:
    """The engine of each stage; several on one stage are joined by a comma."""
    names: dict[Stage, set[str]] = {}
    for worker in workers:
        names.setdefault(worker.stage, set()).add(worker.provider)
    return {stage: ",".join(sorted(found)) for stage, found in names.items()}


def unavailable(message: SessionStart | SessionUpdate, *, partials: bool = True) -> Iterator[Warning]:
    """One warning for each announced field that this server does not act on yet, or, as it may be with
    `partials`, not as it is configured."""
    in_room = getattr(message, "room", None) is not None
    asked = {
        # In a room a language is spoken once for all who listen in it.
        "voice": in_room and any(to.voice for to in message.targets or ()),
        "role": not in_room and getattr(message, "role", None) in ("listener", "both"),
        # Who only speaks, or only listens, interrupts nothing.
        "barge_in": in_room
        and message.barge_in not in (None, "off")
        and getattr(message, "role", None) != "both",
        "features": not {*(message.features or ())} <= ({PARTIALS} if partials else set()),
    }
    for name, value in asked.items():
        if value:
            yield Warning(
                code="not_available",
                message=f"{name} has no effect on this server yet.",
                hint="The session goes on without it.",
            )
