"""The floor: what was spoken as it is, for those who listen in the language that is spoken."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.languages import same
from bridge.types import SPEECH_RATE, Event, Target
from gateway.core.cuts import Cut
from gateway.core.effects import Effect, Report
from gateway.core.terms import Terms


def original(session: str, cut: Cut, terms: Terms, targets: Sequence[Target]) -> list[Effect]:
    """The sound of a segment, where somebody listens who understands it, or may."""
    source = terms.source
    if terms.floor != "voice" or not any(source is None or same(to.language, source) for to in targets):
        return []
    sound = Event("floor", "stt", session, cut.segment, cut.revision, pcm=cut.pcm, rate=SPEECH_RATE)
    return [Report(sound)]
