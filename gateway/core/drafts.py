"""Work begun at the first silence, before the end of the speech is certain.

A draft is a segment in work like any other, of which nobody hears yet. It is promoted when the segment is
cut just as it was, and dropped when speech goes on, or when anything about it goes wrong: then the segment
is sent as if there had been none.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Literal

from bridge.types import Decision, Target, Work
from gateway.core.cuts import Cut
from gateway.core.effects import Append, Drop, Effect, Forget, Free
from gateway.core.inwork import InWork
from gateway.core.recent import LATEST
from gateway.core.segment import Segment


class Drafts:
    """Of one speaker: one at a time. `standing` is what may be promoted, sent at `since`, for `targets`."""

    def __init__(self, in_work: InWork) -> None:
        self.standing: Segment | None = None
        self.targets: tuple[Target, ...] = ()
        self.since = 0.0
        self._in_work = in_work

    def begin(self, cut: Cut, work: Work, targets: Sequence[Target], now: float) -> list[Effect]:
        """Sends a segment that may be cut so."""
        segment = Segment.begun(cut, work.but(draft=True), targets, True, now + LATEST, inf)
        self.standing, self.targets, self.since = segment, tuple(targets), now
        return [Append(told("draft", cut, work, targets)), self._in_work.begin(segment, now, "draft")]

    def promote(self, cut: Cut, live: bool, now: float, said: float) -> Segment:
        """The segment was cut just so; from here on it is a segment like any other, or over already."""
        segment, self.standing = self.standing, None
        assert segment is not None
        segment.cut, segment.live, segment.until = cut, live, now + LATEST
        segment.work = segment.work.but(draft=False)
        segment.due = self._in_work.due(said, live=live)
        if self._in_work.open.get(cut.segment) is segment:
            self._in_work.deadlines.extend(now, cut.segment)
        return segment

    def drop(self, code: str = "") -> list[Effect]:
        """It will not be promoted; `code` tells why, if not because speech goes on."""
        segment, self.standing = self.standing, None
        if segment is None:
            return []
        number, revision = segment.number, segment.work.revision
        effects: list[Effect] = [
            Append(Decision("dropped", self._in_work.session, segment=number, revision=revision, code=code)),
            Drop(number, revision),
        ]
        if self._in_work.open.pop(number, None) is not None:
            self._in_work.deadlines.forget(number)
            superseded = tuple(segment.superseded)
            effects += [Free(segment.keys), Forget(number, revision, superseded)]
        return effects


def told(
    kind: Literal["draft", "cut"],
    cut: Cut,
    work: Work,
    targets: Sequence[Target],
    endpoint_ms: float = 0.0,
    draft_ms: float = 0.0,
    *,
    recorded: bool = False,
) -> Decision:
    """What the journal hears of a segment that is cut, or may be; `work` is common to all of its session.

    Times are milliseconds after the true end of its speech.
    """
    return Decision(
        kind,
        work.session,
        segment=cut.segment,
        revision=cut.revision,
        start=cut.start,
        end=cut.end,
        speech_end=cut.speech_end,
        endpoint_ms=endpoint_ms,
        draft_ms=draft_ms,
        source=work.source,
        targets=tuple(targets),
        floor=work.floor,
        recorded=recorded,
    )
