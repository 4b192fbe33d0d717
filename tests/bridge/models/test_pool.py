"""The pool: who loads, who waits, what is freed and when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from bridge.errors import ProviderError
from bridge.models.pool import Limits, Pool, out_of_memory
from bridge.settings import Settings
from tests.bridge.metrics.grown import Grown

WAIT = 10.0


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Makers:
    """Loads that count themselves and remember what was closed."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.closed: list[str] = []

    def load(self, name: str) -> Callable[[], str]:
        def made() -> str:
            self.loaded.append(name)
            return f"model {name}"

        return made

    def close(self, model: str) -> None:
        self.closed.append(model.removeprefix("model "))

    def use(self, pool: Pool, *names: str) -> None:
        for name in names:
            with pool.lease(name, self.load(name), self.close) as model:
                assert model == f"model {name}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def makers() -> Makers:
    return Makers()


@pytest.fixture
def pool(clock: Clock) -> Iterator[Pool]:
    """At most 2 models, freed after 600 s unused, kept for 120 s; nobody looks but the test."""
    made = Pool("stt", Limits(cap=2, ttl=600, min_residency=120, interval=3_600), clock)
    yield made
    made.close()


def test_eight_threads_at_once_load_a_model_once(pool: Pool, makers: Makers) -> None:
    barrier = threading.Barrier(8)

    def load() -> object:
        time.sleep(0.05)  # long enough that all eight are waiting
        return makers.load("a")()

    def lease(_: int) -> int:
        barrier.wait(WAIT)
        with pool.lease("a", load) as model:
            return id(model)

    with ThreadPoolExecutor(8) as threads:
        seen = set(threads.map(lease, range(8)))

    assert makers.loaded == ["a"]
    assert len(seen) == 1


def test_a_slow_load_holds_up_nobody_who_wants_another_model(pool: Pool, makers: Makers) -> None:
    begun, release = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert release.wait(WAIT)
        return "model slow"

    makers.use(pool, "b")
    loading = threading.Thread(target=lambda: list(_leased(pool, slow)))
    loading.start()
    assert begun.wait(WAIT)
    makers.use(pool, "a")
    assert set(pool.resident()) == {"a", "b"}  # the one that loads is not there yet
    release.set()
    loading.join(WAIT)
    assert "slow" in pool.resident()


def _leased(pool: Pool, load: Callable[[], str]) -> Iterator[str]:
    with pool.lease("slow", load) as model:
        yield model


def test_a_model_in_use_is_never_freed(pool: Pool, makers: Makers, clock: Clock) -> None:
    with pool.lease("a", makers.load("a"), makers.close):
        clock.now += 10_000
        assert pool.evict() == []
        makers.use(pool, "b", "c", "d")
        clock.now += 10_000
        pool.evict()
        assert "a" in pool.resident()
        pool.close()
        assert "a" not in makers.closed
    assert pool.evict() == []  # it was used until just now
    clock.now += 600
    assert pool.evict() == ["a"]


def test_two_users_keep_a_model_until_the_second_is_done(pool: Pool, makers: Makers, clock: Clock) -> None:
    with pool.lease("a", makers.load("a"), makers.close):
        makers.use(pool, "a")
        clock.now += 10_000
        assert pool.evict() == []
    assert makers.loaded == ["a"]


def test_a_model_is_freed_when_it_was_unused_for_its_time_to_live(
    pool: Pool, makers: Makers, clock: Clock
) -> None:
    makers.use(pool, "a")
    clock.now += 300
    makers.use(pool, "a", "b")
    clock.now += 599
    assert pool.evict() == []
    clock.now += 1
    assert pool.evict() == ["a", "b"]
    assert pool.resident() == ()
    assert makers.closed == ["a", "b"]


def test_the_least_recently_used_model_makes_room(pool: Pool, makers: Makers, clock: Clock) -> None:
    makers.use(pool, "a", "b")
    clock.now += 200
    makers.use(pool, "a", "c")
    assert pool.resident() == ("a", "c")
    assert makers.closed == ["b"]


def test_new_models_stay_above_the_cap_until_their_least_residency_is_over(
    pool: Pool, makers: Makers, clock: Clock
) -> None:
    makers.use(pool, "a", "b", "c")
    clock.now += 119
    assert pool.evict() == []
    assert pool.resident() == ("a", "b", "c")
    clock.now += 1
    assert pool.evict() == ["a"]
    assert pool.resident() == ("b", "c")


def test_an_older_model_makes_room_where_the_least_recently_used_is_too_new(
    pool: Pool, makers: Makers, clock: Clock
) -> None:
    makers.use(pool, "old")
    clock.now += 200
    makers.use(pool, "new")
    clock.now += 1
    makers.use(pool, "old", "third")
    assert makers.closed == ["old"]


def test_a_load_that_fails_reaches_all_who_wait_and_the_next_one_loads_again(
    pool: Pool, makers: Makers
) -> None:
    begun, release = threading.Event(), threading.Event()

    def broken() -> str:
        begun.set()
        assert release.wait(WAIT)
        raise ProviderError("The file is damaged.")

    def lease() -> None:
        with pool.lease("a", broken):
            pytest.fail("there is no model")

    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(lease) for _ in range(4)]
        assert begun.wait(WAIT)
        while pool._entries["a"].users < 4:
            time.sleep(0.001)
        release.set()
        for each in waiting:
            with pytest.raises(ProviderError, match="damaged"):
                each.result(WAIT)

    assert pool.resident() == ()
    makers.use(pool, "a")
    assert makers.loaded == ["a"]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA failed with error out of memory"),
        RuntimeError("BFCArena: Failed to allocate memory for requested buffer of size 9"),
        MemoryError(),
        RuntimeError("std::bad_alloc"),
    ],
    ids=lambda error: f"{type(error).__name__} {error}",
)
def test_out_of_memory_frees_what_is_idle_however_new_and_tries_once_more(
    pool: Pool, makers: Makers, error: Exception
) -> None:
    makers.use(pool, "idle")
    tries: list[tuple[str, ...]] = []

    def tight() -> str:
        tries.append(pool.resident())
        if len(tries) == 1:
            raise error
        return "model big"

    with pool.lease("used", makers.load("used"), makers.close), pool.lease("big", tight) as model:
        assert model == "model big"

    assert tries == [("idle", "used"), ("used",)]
    assert makers.closed == ["idle"]


def test_out_of_memory_twice_says_what_may_be_done(pool: Pool, makers: Makers) -> None:
    tries = []

    def never() -> str:
        tries.append(1)
        raise RuntimeError("CUDA out of memory")

    with (
        pytest.raises(ProviderError, match="not enough memory to load big") as caught,
        pool.lease("big", never),
    ):
        pass

    assert len(tries) == 2
    assert caught.value.code == "out_of_memory"
    assert "MODEL_RESIDENT_CAP" in caught.value.hint
    assert pool.resident() == ()


def test_another_failure_is_not_tried_again(pool: Pool) -> None:
    tries = []

    def broken() -> str:
        tries.append(1)
        raise ValueError("no such layer")

    with pytest.raises(ValueError, match="no such layer"), pool.lease("a", broken):
        pass
    assert len(tries) == 1
    assert not out_of_memory(ValueError("no such layer"))


def test_an_error_in_the_block_goes_out_and_gives_the_model_back(
    pool: Pool, makers: Makers, clock: Clock
) -> None:
    with pytest.raises(KeyError), pool.lease("a", makers.load("a"), makers.close):
        raise KeyError("of the block")
    assert pool.resident() == ("a",)
    clock.now += 600
    assert pool.evict() == ["a"]


def test_a_load_is_logged_with_its_seconds(pool: Pool, makers: Makers) -> None:
    def load() -> str:
        time.sleep(0.03)
        return makers.load("a")()

    with capture_logs() as lines, pool.lease("a", load):
        pass
    [line] = [line for line in lines if line["event"] == "Model loaded"]
    assert line["model"] == "a"
    assert 0.03 <= line["seconds"] < WAIT


def test_a_model_that_cannot_be_closed_keeps_no_other_from_it(
    pool: Pool, makers: Makers, clock: Clock
) -> None:
    def stuck(model: str) -> None:
        raise RuntimeError("the device is gone")

    with pool.lease("a", makers.load("a"), stuck):
        pass
    makers.use(pool, "b")
    clock.now += 600
    with capture_logs() as lines:
        assert pool.evict() == ["a", "b"]
    assert makers.closed == ["b"]
    assert any(line.get("error") == "the device is gone" for line in lines)


def test_a_load_is_measured_for_its_stage_and_one_that_fails_is_not(makers: Makers) -> None:
    grown = Grown()
    pool = Pool("tts", Limits(cap=3, ttl=600, min_residency=120, interval=3_600))

    def slow() -> str:
        time.sleep(0.05)
        return "model"

    def broken() -> str:
        raise ProviderError("It has no weights.")

    with pool.lease("slow", slow), pool.lease("slow", slow):
        pass
    with pytest.raises(ProviderError), pool.lease("broken", broken):
        pass
    pool.close()

    assert grown("bridge_model_load_seconds_count", stage="tts") == 1
    assert 0.05 <= grown("bridge_model_load_seconds_sum", stage="tts") < 1
    assert grown("bridge_model_load_seconds_count", stage="stt") == 0


def test_close_frees_every_model_however_new(pool: Pool, makers: Makers) -> None:
    makers.use(pool, "a", "b")
    pool.close()
    assert makers.closed == ["a", "b"]
    assert pool.resident() == ()


def test_the_pool_looks_by_itself_at_its_interval(makers: Makers) -> None:
    freed = threading.Event()
    pool = Pool("stt", Limits(cap=3, ttl=0, min_residency=0, interval=0.01))
    with pool.lease("a", makers.load("a"), lambda model: freed.set()):
        assert not freed.wait(0.1)
    assert freed.wait(WAIT)
    pool.close()
    assert "evictor" not in [thread.name for thread in threading.enumerate() if thread is pool._evictor]


def test_the_limits_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("MODEL_RESIDENT_CAP", "7"),
        ("MODEL_TTL_SECONDS", "61"),
        ("MODEL_MIN_RESIDENCY_SECONDS", "12"),
        ("MODEL_EVICT_CHECK_SECONDS", "3"),
    ):
        monkeypatch.setenv(name, value)
    assert Limits.of(Settings.read()) == Limits(cap=7, ttl=61, min_residency=12, interval=3)


def test_a_kept_model_stays_however_long_it_is_unused_until_the_pool_closes(
    pool: Pool, makers: Makers, clock: Clock
) -> None:
    with pool.lease("a", lambda: "a"), pool.lease("b", lambda: "b"):
        pool.keep("a")
    clock.now += 1_000_000
    pool.evict()
    assert pool.resident() == ("a",)

    pool.close()
    assert pool.resident() == ()
