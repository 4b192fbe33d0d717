"""Speech whose first sentence leaves before the rest is translated is heard once, whole and in order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.types import Decision, Event
from gateway.core.facts import (
    Fact,
    Headed,
    HeadSpoken,
    Piece,
    Refused,
    Rewound,
    Taken,
    Torn,
    Translated,
    Whole,
)
from gateway.core.ledger import Ledger
from tests.gateway.events import again, audio, cut, done, failed, headed, heard, rest, started

HEAD = audio(0, 0, last=True)
FIRST, SECOND = (audio(0, n, sentence=n + 1, last=True, part=1) for n in (0, 1))


def fold(ledger: Ledger, *items: Event | Decision) -> list[Fact]:
    return [
        fact
        for item in items
        for fact in (ledger.report(item) if isinstance(item, Event) else ledger.decide(item))
    ]


def headed_ledger() -> Ledger:
    """A segment whose first sentence is on its way to tts."""
    made = Ledger()
    assert fold(made, cut(0), heard(0), headed(0))[-1] == Headed(headed(0))
    return made


def test_the_rest_is_heard_behind_the_head() -> None:
    found = fold(headed_ledger(), HEAD, rest(0), done(0, 1), FIRST, SECOND, done(0, 2, part=1))

    assert found == [
        Piece(HEAD),
        Translated(rest(0)),
        HeadSpoken(0, "es"),
        Piece(FIRST),
        Piece(SECOND),
        Whole(0, "es"),
    ]


def test_the_rest_that_is_spoken_first_waits_for_the_head() -> None:
    made, begun = headed_ledger(), started(0, "tts", "es", part=1)
    early = fold(made, rest(0), begun, FIRST, HEAD, SECOND, done(0, 2, part=1))
    assert early == [Translated(rest(0)), Taken(begun), Piece(HEAD)]

    assert fold(made, done(0, 1)) == [HeadSpoken(0, "es"), Piece(FIRST), Piece(SECOND), Whole(0, "es")]


def test_a_failure_of_the_rest_is_told_when_the_head_is_spoken() -> None:
    made, broken = headed_ledger(), replace(failed(0), part=1)
    assert fold(made, rest(0), broken) == [Translated(rest(0))]

    assert fold(made, HEAD, done(0, 1)) == [Piece(HEAD), HeadSpoken(0, "es"), Refused(broken)]


def test_a_head_is_the_end_of_nothing() -> None:
    made = headed_ledger()

    assert fold(made, HEAD, done(0, 1)) == [Piece(HEAD), HeadSpoken(0, "es")]
    assert fold(made, done(0, 1), audio(0, 1)) == []
    assert made.open


def test_of_two_heads_the_first_is_heard_and_only_what_goes_on_from_it() -> None:
    made = headed_ledger()
    other = [headed(0, attempt=1, text="anda"), rest(0, attempt=1), audio(0, 0, attempt=1)]

    assert fold(made, *other) == []
    # Sent again before the head was known: it begins with another one, or with none.
    assert fold(made, again(0, 2, "translation"), rest(0, attempt=2, skip=0)) == []
    follows = replace(again(0, 3, "translation"), skip=30)
    assert fold(made, follows, rest(0, attempt=3)) == [Translated(rest(0, attempt=3))]
    assert fold(made, HEAD, done(0, 1), replace(FIRST, attempt=3)) == [
        Piece(HEAD),
        HeadSpoken(0, "es"),
        Piece(replace(FIRST, attempt=3)),
    ]


def test_a_translation_whose_head_was_lost_on_its_way_counts_no_more_than_its_head() -> None:
    made = Ledger()
    fold(made, cut(0), heard(0))

    assert fold(made, HEAD, rest(0), FIRST, done(0, 1)) == []


def test_a_head_of_which_a_piece_was_lost_is_torn() -> None:
    assert fold(headed_ledger(), done(0, 1)) == [Torn(done(0, 1))]


@pytest.mark.parametrize("spoken", [0, 1])
def test_what_is_sent_again_is_one_piece_with_the_rest(spoken: int) -> None:
    made = headed_ledger()
    fold(made, replace(HEAD, last=bool(spoken)), rest(0), FIRST)

    assert fold(made, again(0, 1, sentence=spoken)) == [Rewound(0, "es", spoken)]
    assert fold(made, done(0, 1), FIRST, SECOND, done(0, 2, part=1)) == []
    new = [audio(0, n, sentence=spoken + n, attempt=1, last=True) for n in range(3 - spoken)]
    assert fold(made, *new, done(0, len(new), attempt=1)) == [*map(Piece, new), Whole(0, "es")]
