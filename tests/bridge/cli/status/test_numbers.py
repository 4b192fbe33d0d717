"""Pages of metrics, read and compared."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY, generate_latest

from bridge.cli.status.history import History
from bridge.cli.status.numbers import READ, Numbers, increase, parsed, total
from tests.bridge.cli.status.pages import ROWS, Process


def heard(times: int, started: float = 1.0) -> Numbers:
    return Process(started).tell("segments_total", times, outcome="heard").page()


def grown(history: History) -> tuple[float, float | None]:
    window = history.minute()
    return window.seconds, window.all.get("bridge_segments_total")


def test_every_series_that_is_read_is_one_of_the_table() -> None:
    assert ROWS.keys() >= READ


def test_the_page_of_a_process_is_read_without_the_series_that_nobody_shows() -> None:
    page = parsed(generate_latest(REGISTRY).decode())

    assert page.get("bridge_sessions_active", role="alone") is not None
    assert page.buckets("bridge_barge_in_seconds")[-1][0] == float("inf")
    assert {name for name, _, _ in page.items() if not name.startswith("bridge_")} == {
        "process_start_time_seconds"
    }
    assert page.get("bridge_ws_bytes_total") is None


def test_values_are_summed_over_the_labels_that_are_not_asked_for() -> None:
    page = Process().tell("errors_total", 2, stage="tts", type="failed")
    page.tell("errors_total", 3, stage="tts", type="late").tell(
        "errors_total", 5, stage="", type="bad_message"
    )

    assert page.page().get("bridge_errors_total", stage="tts") == 5
    assert page.page().by("bridge_errors_total", "stage") == {"tts": 5, "": 5}
    assert total([page.page(), page.page()]).get("bridge_errors_total") == 20


def test_what_is_not_a_number_is_not_known() -> None:
    assert Process().tell("redis_connections", float("nan")).page().get("bridge_redis_connections") is None


def test_what_is_no_page_is_refused() -> None:
    with pytest.raises(ValueError):
        parsed('bridge_redis_up{queue="a} 1')
    assert not parsed("<html>hello</html>")


@pytest.mark.parametrize(("before", "after", "more"), [(3, 5, 2), (5, 5, None), (5, 2, 2)])
def test_a_counter_that_falls_began_again_at_0(before: int, after: int, more: float | None) -> None:
    assert increase(heard(before), heard(after)).get("bridge_segments_total") == more


def test_a_process_that_started_again_began_at_0_even_where_it_counted_more_since() -> None:
    assert increase(heard(3), heard(5, started=2.0)).get("bridge_segments_total") == 5


def test_what_says_what_is_now_does_not_grow() -> None:
    assert (
        increase(Process().page(), Process().tell("connections", 7).page()).get("bridge_connections") is None
    )


def test_a_window_holds_the_last_minute_and_a_process_from_its_second_page_on() -> None:
    history = History()
    for second in range(0, 90, 10):
        history.add(second, {"a": heard(second)})
    assert grown(history) == (60, 60)

    history.add(90, {"a": heard(90), "b": heard(1_000)})
    history.add(100, {"a": heard(100), "b": heard(1_001)})
    assert grown(history) == (60, 61)
    assert history.last().by["b"].get("bridge_segments_total") == 1
    assert history.last().per_minute(1) == 6


def test_a_process_that_missed_a_look_counts_for_both_at_the_next() -> None:
    history = History()
    history.add(0, {"a": heard(1), "b": heard(1)})
    history.add(1, {"b": heard(1)})
    history.add(2, {"a": heard(4), "b": heard(1)})

    assert grown(history) == (2, 3)


def test_what_a_process_did_in_its_last_minute_counts_when_it_is_gone() -> None:
    history = History()
    history.add(0, {"a": heard(1)})
    history.add(1, {"a": heard(4)})
    history.add(2, {})

    assert grown(history) == (2, 3)


def test_after_one_look_nothing_is_known_of_growth() -> None:
    history = History()
    history.add(0, {"a": heard(1)})

    assert grown(history) == (0, None)
    assert history.last().per_minute(1) is None
