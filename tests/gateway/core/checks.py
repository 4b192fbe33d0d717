"""What holds for all that a listener hears, whatever happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from bridge.types import SAMPLE_BYTES
from gateway.core import effects
from gateway.core.effects import Effect, Play, Purge, Say
from tests.gateway.events import TARGETS, Mark, marks, said


def frames(found: Sequence[Effect]) -> list[Effect]:
    """What reaches the client."""
    return [effect for effect in found if isinstance(effect, Say | Play | Purge)]


def voices(found: Sequence[Effect]) -> dict[tuple[int, str], list[Play]]:
    """The audio of each segment in each target; the number of a target never changes."""
    names: dict[int, str] = {}
    made: dict[tuple[int, str], list[Play]] = {}
    for effect in found:
        if isinstance(effect, Say) and isinstance(effect.what, effects.SpeechBegins):
            assert names.setdefault(effect.what.index, effect.what.target) == effect.what.target
        elif isinstance(effect, Play):
            made.setdefault((effect.segment, names[effect.target]), []).append(effect)
    return made


def check_voice(plays: Sequence[Play], segment: int, target: str, lengths: Sequence[int]) -> None:
    """Each sentence whole, once and of one attempt; before it, at most beginnings that were cut off."""
    number = TARGETS.index(target)
    finished: list[int] = []
    attempts: list[int] = []
    for _, of in groupby((m for play in plays for m in marks(play.pcm)), lambda mark: mark[2:4]):
        telling = list(of)
        first = telling[0]
        assert telling == [
            Mark(segment, number, first.attempt, first.sentence, n) for n in range(len(telling))
        ]
        assert first.sentence == len(finished)
        if len(telling) == lengths[first.sentence]:
            finished.append(first.sentence)
        attempts.append(first.attempt)
    assert finished == list(range(len(lengths)))
    assert attempts == sorted(attempts)


def check_frames(found: Sequence[Effect]) -> None:
    """Numbers without a gap, offsets without a gap, speech of a target in spoken order, one end each."""
    numbered = [effect for effect in found if isinstance(effect, Say | Play)]
    assert [effect.seq for effect in numbered] == list(range(2, len(numbered) + 2))
    offsets: Counter[tuple[int, int]] = Counter()
    for play in (effect for effect in numbered if isinstance(effect, Play)):
        assert play.offset == offsets[play.segment, play.target]
        offsets[play.segment, play.target] += len(play.pcm) // SAMPLE_BYTES
    begun = {(what.segment, what.index): what.target for what in said(numbered, effects.SpeechBegins)}
    for target in TARGETS:
        plays = (effect for effect in numbered if isinstance(effect, Play))
        order = [play.segment for play in plays if begun[play.segment, play.target] == target]
        assert order == sorted(order)
    over: set[int] = set()
    for effect in numbered:
        what = effect.what if isinstance(effect, Say) else effect
        assert getattr(what, "segment", None) not in over
        if isinstance(what, effects.Done):
            over.add(what.segment)
