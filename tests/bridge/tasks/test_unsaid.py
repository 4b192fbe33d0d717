"""What is said stays out of the log, also where an engine repeats it in its error; DEBUG alone shows that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.errors import ProviderError
from bridge.store import keys
from bridge.tasks.run import Ended, Runtime
from bridge.tasks.stt import transcribe
from bridge.tasks.translation import translate
from bridge.tasks.tts import synthesize
from bridge.types import Work
from tests.bridge.logged import logged
from tests.bridge.rooms import Room

pytestmark = pytest.mark.redis

TEXT = "grandmother has pneumonia"
WORK = Work("alice", 2, "room", source="en", target="es", text=TEXT)


def plain(text: str) -> None:
    raise RuntimeError(f"no token for: {text}")


def wrapped(text: str) -> None:
    try:
        plain(text)
    except RuntimeError as error:
        raise ProviderError(f"The engine failed: {error}.", "Use another one.") from error


def hidden(text: str) -> None:
    try:
        plain(text)
    except RuntimeError:
        raise ZeroDivisionError("while that was handled") from None


def chained(text: str) -> None:
    try:
        plain(text)
    except RuntimeError as error:
        raise KeyError(text) from error


class Parrot:
    """An engine of every stage, each of whose errors repeats what it was given."""

    def __init__(self, fails: Callable[[str], None]) -> None:
        self.fails = fails

    def transcribe(self, speech: Any) -> Any:
        self.fails(TEXT)

    def translate(self, phrase: Any) -> Any:
        self.fails(phrase.text)

    def synthesize(self, utterance: Any) -> Any:
        self.fails(utterance.text)


def all_stages(room: Room) -> None:
    """Runs the tasks of a segment, and those of a look at speech that goes on."""
    key = room.do(lambda sessions: sessions.put_audio("alice", 2, 0, bytes(3_200), 30))
    for task, more, work in (
        (transcribe, (), WORK.but(audio=key, text="")),
        (translate, ("es", None), WORK),
        (synthesize, (), WORK),
    ):
        with pytest.raises(Ended):
            task(work.message(), *more)
    look = WORK.but(partial=True, deadline=room.now() + 60)
    room.client.set(keys.audio("alice", 2, 9), bytes(3_200))
    transcribe(look.but(audio=keys.audio("alice", 2, 9), text="").message())
    translate(look.message(), "es", None)


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("fails", [plain, wrapped, hidden, chained])
def test_no_line_repeats_what_an_engine_was_given(
    runtime: Runtime, room: Room, fails: Callable[[str], None], form: str
) -> None:
    runtime.provider = Parrot(fails)
    with logged(form=form) as lines:
        all_stages(room)

    assert len(lines.text.splitlines()) >= 5
    assert not [word for word in TEXT.split() if word in lines.text]


def test_each_line_of_a_task_says_whose_it_is_and_of_which_stage(runtime: Runtime, room: Room) -> None:
    runtime.provider = Parrot(chained)
    with logged() as lines:
        all_stages(room)

    told = [(line["session"], line["segment"], line["stage"]) for line in lines.entries()]
    stages = ("stt", "translation", "tts", "stt", "translation")
    assert told == [("alice", 2, stage) for stage in stages]


def test_an_unforeseen_error_is_found_by_its_names_and_frames(runtime: Runtime, room: Room) -> None:
    runtime.provider = Parrot(chained)
    with logged() as lines:
        all_stages(room)

    first = lines.entries()[0]
    assert (first["event"], first["error"]) == ("stage failed unexpectedly", "KeyError")
    cause, error = first["exception"].split("RuntimeError\n")
    assert "in plain" in cause
    assert "in chained" in error and error.endswith("KeyError")


def test_an_engine_that_fails_in_words_of_ours_still_says_why(runtime: Runtime, room: Room) -> None:
    runtime.provider = Parrot(wrapped)
    with logged() as lines:
        all_stages(room)

    first = lines.entries()[0]
    assert (first["error"], first["hint"]) == ("The engine failed: RuntimeError.", "Use another one.")


def test_at_debug_the_whole_error_is_shown(runtime: Runtime, room: Room) -> None:
    runtime.provider = Parrot(plain)
    with logged(level="DEBUG") as lines:
        all_stages(room)

    assert f"RuntimeError: no token for: {TEXT}" in lines.text
