"""A run recorded as inputs replays to the same effects, and a journal tells every reader the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.types import Decision, Event
from gateway.core import inputs
from gateway.core.effects import Ended, Failed, Obeyed, Play, Say
from gateway.core.room import effects_of
from gateway.core.terms import Patience
from tests.gateway.core.bench import NOW, terms
from tests.gateway.core.checks import check_frames, frames
from tests.gateway.core.effort import EFFORT
from tests.gateway.core.world import Trouble, World
from tests.gateway.events import SESSION, Reading, said

TROUBLE = Trouble(
    dies=0.08, silent=0.04, slow=0.04, twice=0.1, fails=0.1, loses=0.03, forgets=0.02, unsent=0.05
)
PATIENCE = Patience(queue=8, run=4, total=30, attempts=3)
SEGMENTS = 10


def wishes(random: Random) -> Iterator[inputs.Input]:
    """What a restless client wants, one thing after the other."""
    choice: list[inputs.Input] = [
        inputs.Pause(),
        inputs.Resume(),
        inputs.Stop(),
        inputs.Commit(),
        inputs.Update(terms("es", source="fr")),
        inputs.Update(terms("ca", "fr")),
        inputs.Lost(),
    ]
    while True:
        yield random.choice(choice)


def restless(seed: int, segments: int = SEGMENTS, trouble: Trouble = TROUBLE) -> World:
    """A whole session in which workers and client do what they want."""
    made = World("es", "ca", seed=seed, trouble=trouble, patience=PATIENCE)
    wanted = wishes(made.random)

    def wish() -> None:
        made.give(next(wanted))
        made.later(made.random.uniform(0.2, 3), wish)

    made.later(0.5, wish)
    made.talk(segments)
    made.run(2_000)
    return made


CAREFUL = Trouble(dies=0.1, silent=0.05, fails=0.1, loses=0.03)
"""No decision is lost, so none is read later than what follows from it."""


@cache
def short(seed: int, trouble: Trouble) -> World:
    """A session that many readers read."""
    return restless(seed, 3, trouble)


def test_the_recorded_run_has_all_that_may_happen() -> None:
    made = [restless(seed, 30) for seed in (1, 2, 3)]
    items = [entry.item for world in made for entry in world.journal.entries]
    found = [effect for world in made for effect in world.frames]

    assert all(world.ended for world in made)
    assert {item.kind for item in items if isinstance(item, Decision)} == {
        *("joined", "began", "cut", "again", "gave_up", "paused", "resumed", "stopped", "ended")
    }
    assert {item.kind for item in items if isinstance(item, Event)} == {
        *("started", "head", "text", "audio", "done", "failed")
    }
    assert {type(what) for world in made for what, _, _ in world.record} >= {
        *(inputs.Vanished, inputs.Looked, inputs.Sent, inputs.Unsent, inputs.Tick, inputs.Windows)
    }
    assert {what.kind for what in said(found, Obeyed)} == {"paused", "resumed", "stopped"}
    assert said(found, Failed) and any(isinstance(effect, Play) for effect in found)


@pytest.mark.parametrize("seed", range(5))
def test_a_run_recorded_as_inputs_replays_to_the_same_effects(seed: int) -> None:
    made = restless(seed)
    again = made.fresh()

    assert again.here[SESSION].join(NOW) == made.begun
    for what, now, found in made.record:
        assert effects_of(again.handle(what, now, SESSION)) == found


@pytest.mark.parametrize("seed", range(5))
def test_another_reader_of_the_journal_gets_the_same_frames_with_the_same_numbers(seed: int) -> None:
    made = restless(seed)
    reading = Reading()

    assert frames([e for entry in made.journal.entries for e in reading.fold(entry)]) == made.frames
    check_frames(made.frames)
    assert isinstance(said(made.frames)[-1], Ended)


@EFFORT
@given(seed=st.integers(0, 9), after=st.integers(0, 400))
def test_a_reader_that_wants_what_follows_an_entry_gets_the_rest_of_the_row(seed: int, after: int) -> None:
    made = short(seed, TROUBLE)
    reading = Reading()
    folded = [frames(reading.fold(entry)) for entry in made.journal.entries]
    heard = [effect for found in folded[:after] for effect in found]
    rest = [effect for found in folded[after:] for effect in found]

    assert [*heard, *rest] == made.frames
    numbered = [effect.seq for effect in rest if isinstance(effect, Say | Play)]
    last = max((effect.seq for effect in heard if isinstance(effect, Say | Play)), default=1)
    assert numbered == list(range(last + 1, last + 1 + len(numbered)))


@EFFORT
@given(seed=st.integers(0, 9), places=st.lists(st.integers(0, 400), max_size=4))
def test_entries_that_are_read_again_change_nothing(seed: int, places: list[int]) -> None:
    made = short(seed, CAREFUL)
    entries = made.journal.entries
    reading = Reading()
    found = []
    read = 0
    for place in sorted(places):
        for entry in [*entries[read:place], *entries[:place]]:
            found += reading.fold(entry)
        read = max(read, place)
    for entry in [*entries[read:], *entries]:
        found += reading.fold(entry)

    assert frames(found) == made.frames
