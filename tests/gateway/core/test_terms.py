"""What the operator's variables mean for the core."""

from __future__ import annotations

import pytest

from bridge.settings import Settings
from gateway.core import inputs
from gateway.core.deadlines import Deadlines
from gateway.core.terms import Patience
from tests.gateway.core.bench import NOW, Bench, decisions


@pytest.mark.parametrize(("run_ms", "due"), [(2_000, 5.0), (4_000, 7.0)])
def test_a_silent_worker_is_waited_for_as_long_as_segment_run_ms_says(run_ms: int, due: float) -> None:
    waits = Deadlines(Patience.of(Settings.read(segment_run_ms=run_ms)))
    waits.cut(0, 0, 1.0)  # one second of speech, which stt has on top
    waits.sent(1, (0, "stt", None))
    waits.seen(2, (0, "stt", None), 0, "ear")

    assert waits.due(due - 0.1, {}) == []
    assert [(what.action, what.reason) for what in waits.due(due, {})] == [
        ("again", "its worker went silent")
    ]


@pytest.mark.parametrize(
    ("shed", "lateness_ms", "due"), [(True, 2_000, 2.0), (True, 5_000, 5.0), (False, 500, 60.0)]
)
def test_live_speech_is_too_late_when_the_variables_say_so(shed: bool, lateness_ms: int, due: float) -> None:
    patience = Patience.of(Settings.read(shed=shed, lateness_ms=lateness_ms, segment_queue_ms=90_000))
    made = Bench(patience=patience)
    made.segment()
    made.sent(0)

    assert decisions(made.give(inputs.Tick(), NOW + due - 0.1), "gave_up") == []
    assert len(decisions(made.give(inputs.Tick(), NOW + due), "gave_up")) == 1
