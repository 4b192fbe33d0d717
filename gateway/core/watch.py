"""A speaker's words while they are spoken: for those who read them, and to know where a clause ends."""

from __future__ import annotations

from collections.abc import Callable

from bridge.types import SPEECH_RATE, Target, Work
from gateway.core import clauses, facts
from gateway.core.agreed import Agreed
from gateway.core.echo import Echoes
from gateway.core.effects import Effect
from gateway.core.partials import Partials
from gateway.core.segmenter import Segmenter
from gateway.core.terms import Terms

Watched = Callable[[str | None], tuple[Target, ...] | None]
"""Who wants to see what is spoken in a language while it is spoken; None: not even the words themselves."""


class Watch:
    """Of one speaker; `work` says what all work under some terms has in common."""

    def __init__(
        self, agreed: Agreed, work: Callable[[Terms], Work], watched: Watched | None, look_ms: int
    ) -> None:
        """Without `watched` the speaker's own terms decide; `look_ms` 0: nobody sees anything."""
        self._agreed = agreed
        self._work = work
        self._watched = watched
        self.partials = Partials(look_ms * SPEECH_RATE // 1000)

    def look(self, segmenter: Segmenter, now: float, echoes: Echoes) -> list[Effect]:
        """Asks for the words so far, where that is due and they are the speaker's own."""
        part = segmenter.part
        if part is None or not segmenter.live or not self.partials.due(part, now):
            return []
        terms = self._agreed.of(part.segment)
        clause = terms.cutting.clause_ms * SPEECH_RATE // 1000
        if self._wanted(terms) is None and not self.partials.clause_near(part, clause):
            return []
        if echoes.explain(part.start, segmenter.received):
            return []
        return [self.partials.look(part, segmenter.sound(part), self._work(terms), now)]

    def seen(self, fact: facts.Partial, now: float) -> list[Effect]:
        """A look at a segment that goes on came back: its words are translated."""
        terms = self._agreed.of(fact.event.segment)
        wanted = self._wanted(terms) or ()
        return self.partials.heard(fact.event, fact.caption, self._work(terms), wanted, now)

    def _wanted(self, terms: Terms) -> tuple[Target, ...] | None:
        """The targets that somebody reads while it is said, None where nobody reads anything."""
        if self._watched is None:
            return terms.targets if terms.partials else None
        found = self._watched(terms.source)
        return () if found is None and terms.partials else found


def clause_end(fact: facts.Partial) -> int | None:
    """After how many samples of the segment its last certain clause ends, None where none is known."""
    event, caption = fact.event, fact.caption
    if event.stage != "stt" or caption is None or not caption.heard:
        return None
    ms = clauses.last_end(caption.text, caption.stable, event.marks, event.language or "")
    return None if ms is None else ms * SPEECH_RATE // 1000
