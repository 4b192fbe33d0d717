"""What is left out for all under pressure, and when it comes back."""

from __future__ import annotations

from gateway.core.pressure import CALM, FALL, RISE, Level, Pressure


def test_partials_go_before_drafts_and_drafts_before_quality() -> None:
    pressure = Pressure()
    seen = []
    for strain in (0.0, *RISE):
        pressure.note(0.0, strain)
        seen.append(pressure.level)
    assert seen == [Level.NOTHING, Level.PARTIALS, Level.DRAFTS, Level.QUALITY]


def test_a_sudden_pressure_is_met_at_once() -> None:
    pressure = Pressure()
    pressure.note(0.0, 1.0)
    assert pressure.level is Level.QUALITY


def test_a_level_ends_when_it_was_calm_for_a_while_and_the_next_one_later() -> None:
    pressure = Pressure()
    pressure.note(0.0, 1.0)
    levels = []
    for tenth in range(0, 80):
        pressure.note(1.0 + tenth / 10, 0.0)
        levels.append(pressure.level)
    changes = [n for n in range(1, 80) if levels[n] != levels[n - 1]]
    assert [levels[n] for n in changes] == [Level.DRAFTS, Level.PARTIALS, Level.NOTHING]
    assert all(b - a >= CALM * 10 - 1 for a, b in zip([0, *changes], changes, strict=False))


def test_pressure_that_comes_and_goes_does_not_make_a_level_flap() -> None:
    pressure = Pressure()
    pressure.note(0.0, RISE[1])
    for tenth in range(200):
        pressure.note(tenth / 10, RISE[1] * (1.0 if tenth % 15 == 0 else 0.3))
        assert pressure.level is Level.DRAFTS


def test_a_level_holds_between_its_bounds() -> None:
    pressure = Pressure()
    pressure.note(0.0, RISE[2])
    for second in range(60):
        pressure.note(float(second), RISE[2] * FALL * 1.01)
    assert pressure.level is Level.QUALITY
