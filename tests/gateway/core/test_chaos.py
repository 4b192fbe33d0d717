"""A thousand segments in a world in which workers die, go silent, answer twice, and decisions get lost."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.core.effects import Done, Ended, Failed, Transcript, Translation
from gateway.core.terms import Patience
from tests.gateway.core.bench import lengths
from tests.gateway.core.checks import check_frames, check_voice, voices
from tests.gateway.core.world import Trouble, World
from tests.gateway.events import said

SEGMENTS = 42
"""In each of three times eight worlds: 1008 in all."""
PATIENCE = Patience(queue=8, run=4, total=200, attempts=12)

WORLDS = {
    "calm": Trouble(),
    "workers die": Trouble(dies=0.15),
    "workers go silent and come back": Trouble(silent=0.08),
    "workers are slow": Trouble(slow=0.08),
    "engines fail": Trouble(fails=0.2),
    "entries come twice or not at all": Trouble(twice=0.2, loses=0.03),
    "decisions are lost": Trouble(forgets=0.03, unsent=0.05),
    "all at once": Trouble(0.06, 0.02, 0.02, 0.1, 0.05, 0.02, 0.01, 0.02),
}


@pytest.mark.parametrize(("seed", "drafts"), [(7, False), (8, True), (9, True)])
@pytest.mark.parametrize("world", WORLDS)
def test_every_segment_is_heard_once_and_in_order_whatever_happens_to_it(
    world: str, seed: int, drafts: bool
) -> None:
    made = World("es", "ca", seed=seed, trouble=WORLDS[world], patience=PATIENCE, drafts=drafts)
    made.talk(SEGMENTS)
    made.run(20_000)

    assert said(made.frames, Failed) == []
    assert said(made.frames)[-1] == Ended(SEGMENTS)
    check_frames(made.frames)
    for (segment, target), plays in voices(made.frames).items():
        check_voice(plays, segment, target, lengths(segment))
    assert len(voices(made.frames)) == 2 * SEGMENTS
    for kind, times in ((Transcript, 1), (Translation, 2), (Done, 1)):
        counted = Counter(what.segment for what in said(made.frames, kind))
        assert counted == dict.fromkeys(range(SEGMENTS), times)
