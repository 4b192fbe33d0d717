"""A speaker's own voice, for those who listen in the language that is spoken: no engine is asked."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.languages import same
from bridge.types import SPEECH_RATE, Event, Target, Work
from gateway.core.cuts import Cut
from gateway.core.effects import Effect, Report


def floor(cut: Cut, work: Work, targets: Sequence[Target]) -> list[Effect]:
    """What was spoken as it is, where somebody listens who understands it, or may."""
    source = work.source
    if work.floor != "voice" or not any(source is None or same(to.language, source) for to in targets):
        return []
    sound = Event("floor", "stt", work.session, cut.segment, cut.revision, pcm=cut.pcm, rate=SPEECH_RATE)
    return [Report(sound)]
