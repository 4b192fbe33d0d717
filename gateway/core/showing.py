"""What those who listen in one way are shown of speech that goes on.

It has no numbers: whoever comes back after a drop is shown the next one, and a final says it all.
"""

from __future__ import annotations

from bridge.languages import same
from bridge.types import SPEECH_RATE
from gateway.core import facts
from gateway.core.effects import Effect
from gateway.core.glimpse import PartialTranscript, PartialTranslation, Show
from gateway.core.ledger import Ledger
from gateway.core.tuning import Tuning, numbered


def shown(fact: facts.Partial, who: Ledger, tuning: Tuning) -> list[Effect]:
    """The words so far, and their translation where it is for this listener."""
    event, caption = fact.event, fact.caption
    if caption is None or not caption.text:
        return []
    number, text, stable = numbered(who.speaker, event.segment), caption.text, caption.stable
    if event.stage != "stt":
        target = event.target or ""
        if not tuning.listens(who.session, target):
            return []
        return [Show(PartialTranslation(number, target, text, stable, who.name))]
    language = event.language or ""
    start, end = fact.start, fact.start + event.index
    found: list[Effect] = [
        Show(PartialTranscript(number, text, stable, language, _ms(start), _ms(end), who.name))
    ]
    # Who listens in the language that is spoken reads the words themselves; no engine is asked.
    if who.speaker and tuning.listens(who.session, tuning.language) and same(language, tuning.language):
        found.append(Show(PartialTranslation(number, tuning.language, text, stable, who.name)))
    return found


def _ms(samples: int) -> float:
    return round(samples * 1000 / SPEECH_RATE, 1)
