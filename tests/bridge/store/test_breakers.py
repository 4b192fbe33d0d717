"""The breakers of the fleet, on a real server; time passes by making the record older."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE
from threading import Barrier

import pytest
from structlog.testing import capture_logs

from bridge.errors import LanguageError, ProviderError, VendorError
from bridge.providers.breaker import Breaker
from bridge.settings import Settings
from bridge.store import keys
from bridge.store.breakers import FORGET_SECONDS, LEASE_SECONDS, LONGEST_SECONDS, Breakers
from bridge.store.circuits import Circuit
from bridge.store.registry import Registry, WorkerRecord
from tests.bridge.store.hammer import CALLS, THREADS, hammer
from tests.stack import REPOSITORY, RedisProcess, free_port

pytestmark = pytest.mark.redis

WRONG = ProviderError("It failed.")
THRESHOLD, COOLDOWN = 3, 10
Make = Callable[[], Breakers]


def limited(seconds: float, code: str = "rate_limited") -> VendorError:
    return VendorError("Too many.", code=code, retry_after_ms=int(seconds * 1000))


@pytest.fixture
def make(redis_server: RedisProcess) -> Iterator[Make]:
    """Makes the breakers of a further worker."""
    made: list[Breakers] = []

    def breakers() -> Breakers:
        settings = Settings.read(circuit_breaker_threshold=THRESHOLD, circuit_breaker_seconds=COOLDOWN)
        made.append(Breakers(redis_server.url, "stt", settings))
        return made[-1]

    yield breakers
    for each in made:
        each.close()


@pytest.fixture
def registry(redis_server: RedisProcess) -> Iterator[Registry]:
    made = Registry(redis_server.url)
    yield made
    made.close()


def later(registry: Registry, seconds: float, provider: str = "azure") -> None:
    """So many seconds pass for its record."""
    raw: bytes = registry.client.hget(keys.BREAKERS, f"stt/{provider}")  # type: ignore[assignment]
    kept = json.loads(raw)
    aged = {name: kept[name] - seconds for name in ("at", "till", "since", "lease") if name in kept}
    registry.client.hset(keys.BREAKERS, f"stt/{provider}", json.dumps(kept | aged))


def circuit(registry: Registry, provider: str = "azure") -> Circuit:
    (found,) = registry.circuits([WorkerRecord("w", "stt", "cpu0", "stt.cpu0", 1, provider)])
    return found


def opened(breakers: Breakers, registry: Registry, *, after: float = 0) -> None:
    """Opens the breaker of azure, so many seconds ago."""
    for _ in range(THRESHOLD):
        assert breakers.admit("azure") == "closed"
        breakers.failed("azure", WRONG)
    if after:
        later(registry, after)


def test_a_provider_that_failed_often_enough_in_a_row_is_asked_by_no_worker(make: Make) -> None:
    one, other = make(), make()
    for each in (one, other, one):
        assert each.admit("azure") == "closed"
        each.failed("azure", WRONG)

    assert one.admit("azure") == other.admit("azure") == "open"
    assert one.admit("pocketsphinx") == "closed"


def test_a_success_between_them_begins_the_row_anew(make: Make) -> None:
    one, other = make(), make()
    for _ in range(THRESHOLD - 1):
        one.failed("azure", WRONG)
    assert other.admit("azure") == "closed"
    other.succeeded("azure")
    for _ in range(THRESHOLD - 1):
        one.failed("azure", WRONG)

    assert other.admit("azure") == "closed"


def test_failures_far_from_each_other_are_no_row(make: Make, registry: Registry) -> None:
    breakers = make()
    for _ in range(THRESHOLD):
        breakers.failed("azure", WRONG)
        later(registry, FORGET_SECONDS + 1)

    assert breakers.admit("azure") == "closed"
    assert registry.client.hgetall(keys.BREAKERS) == {}


@pytest.mark.parametrize("code", ["quota", "auth"])
def test_what_will_not_pass_by_itself_opens_it_at_once_and_for_long(
    make: Make, registry: Registry, code: str
) -> None:
    make().failed("azure", VendorError("No.", code=code))

    assert make().admit("azure") == "open"
    found = circuit(registry)
    assert (found.state, found.code, found.words) == ("open", code, f"open for 300 s more: {code}")


@pytest.mark.parametrize("code", ["rate_limited", "unavailable"])
def test_every_worker_waits_for_as_long_as_one_was_told_to(make: Make, registry: Registry, code: str) -> None:
    make().failed("azure", limited(42, code))
    assert make().admit("azure") == "open"
    assert 41 < circuit(registry).left <= 42

    later(registry, 42)
    assert make().admit("azure") == "probe"


def test_nobody_is_kept_away_for_longer_than_an_hour(make: Make, registry: Registry) -> None:
    make().failed("azure", limited(1e9))

    assert circuit(registry).left == pytest.approx(3_600, abs=1)


def test_after_its_time_one_call_of_the_fleet_finds_out_and_its_success_closes_it(
    make: Make, registry: Registry
) -> None:
    prober, other = make(), make()
    opened(prober, registry, after=COOLDOWN)
    assert circuit(registry).state == "half-open"

    assert prober.admit("azure") == "probe"
    assert other.admit("azure") == "open"
    prober.succeeded("azure")

    assert other.admit("azure") == prober.admit("azure") == "closed"
    assert registry.client.exists(keys.BREAKERS) == 0


def test_each_probe_that_fails_doubles_the_wait_up_to_five_minutes(make: Make, registry: Registry) -> None:
    breakers = make()
    opened(breakers, registry, after=COOLDOWN)
    waits = []
    for _ in range(7):
        assert breakers.admit("azure") == "probe"
        breakers.failed("azure", WRONG)
        waits.append(round(circuit(registry).left))
        later(registry, waits[-1])

    assert waits == [20, 40, 80, 160, LONGEST_SECONDS, LONGEST_SECONDS, LONGEST_SECONDS]


def test_a_prober_that_was_killed_blocks_nobody_for_long(make: Make, registry: Registry) -> None:
    opened(make(), registry, after=COOLDOWN)
    killed, other = make(), make()
    assert killed.admit("azure") == "probe"
    later(registry, LEASE_SECONDS - 1)
    assert other.admit("azure") == "open"
    later(registry, 1.1)

    assert other.admit("azure") == "probe"
    killed.failed("azure", WRONG)  # it comes back: another one has the probe now
    assert circuit(registry).state == "half-open"
    other.succeeded("azure")
    assert make().admit("azure") == "closed"


def test_a_probe_that_was_not_asked_to_the_end_is_the_next_ones(make: Make, registry: Registry) -> None:
    breakers, other = make(), make()
    opened(breakers, registry, after=COOLDOWN)
    assert breakers.admit("azure") == "probe"
    breakers.spared("azure")

    assert other.admit("azure") == "probe"


def test_calls_that_were_under_way_when_it_opened_prove_nothing(make: Make, registry: Registry) -> None:
    breakers, slow = make(), make()
    assert slow.admit("azure") == "closed"
    opened(breakers, registry)
    slow.succeeded("azure")
    assert breakers.admit("azure") == "open"
    for _ in range(5):
        breakers.failed("azure", WRONG)
    assert circuit(registry).left <= COOLDOWN

    breakers.failed("azure", limited(60))
    assert circuit(registry).left > 59


def test_a_worker_that_sees_no_failures_writes_nothing(make: Make, registry: Registry) -> None:
    breakers = make()
    before = registry.client.info("commandstats")
    for _ in range(10):
        assert breakers.admit("azure") == "closed"
        breakers.succeeded("azure")
    after = registry.client.info("commandstats")

    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    scripts = calls.get("cmdstat_evalsha", 0) + calls.get("cmdstat_eval", 0)
    assert 10 <= scripts <= 12  # the first time the script is loaded
    assert calls.get("cmdstat_hset", 0) == calls.get("cmdstat_hdel", 0) == 0


def test_one_call_of_two_processes_with_many_threads_is_let_through_for_each_cooldown(
    make: Make, registry: Registry, redis_server: RedisProcess
) -> None:
    breakers = make()
    opened(breakers, registry)
    command = [sys.executable, "-m", "tests.bridge.store.hammer", redis_server.url]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=PIPE, stdout=PIPE, text=True) as other:
        assert other.stdin and other.stdout and other.stdout.readline() == "ready\n"
        assert hammer(breakers) == [0, CALLS * THREADS, 0]
        later(registry, COOLDOWN)
        other.stdin.write("go\n")
        other.stdin.flush()
        here = hammer(breakers)
        (line,) = [line for line in other.stdout if line.startswith("seen")]

    there = [int(number) for number in line.split()[1:]]
    assert [sum(pair) for pair in zip(here, there, strict=True)] == [1, 2 * CALLS * THREADS - 1, 0]


def test_threads_of_one_worker_share_one_probe_and_none_is_let_through_while_it_is_open(
    make: Make, registry: Registry
) -> None:
    breakers, threads = make(), 8
    opened(breakers, registry)
    with ThreadPoolExecutor(threads) as pool:
        for failed in range(3):
            together = Barrier(threads)

            def work(together: Barrier = together) -> str:
                together.wait()
                verdict = breakers.admit("azure")
                if verdict == "probe":
                    breakers.failed("azure", WRONG)
                return verdict

            assert {each.result() for each in [pool.submit(work) for _ in range(threads)]} == {"open"}
            later(registry, COOLDOWN * 2**failed)
            together.reset()
            verdicts = [each.result() for each in [pool.submit(work) for _ in range(threads)]]
            assert sorted(verdicts) == ["open"] * (threads - 1) + ["probe"]


def test_where_redis_is_away_every_provider_is_asked_and_the_log_says_so_once() -> None:
    breakers = Breakers(f"redis://127.0.0.1:{free_port()}/0", "stt", Settings.read())
    with capture_logs() as lines:
        for _ in range(3):
            assert breakers.admit("azure") == "closed"
            breakers.failed("azure", VendorError("No.", code="quota"))
            breakers._away_until = 0.0
        breakers.succeeded("azure")
        breakers.spared("azure")
    breakers.close()

    assert [line["event"] for line in lines] == ["breakers not known: all are asked"]


def test_a_record_that_cannot_be_read_keeps_nobody_away_from_the_provider(
    make: Make, registry: Registry
) -> None:
    registry.client.hset(keys.BREAKERS, "stt/azure", "?")

    assert make().admit("azure") == "closed"
    assert circuit(registry).state == "closed"


def test_each_change_is_one_line_with_what_to_do_and_neither_key_nor_speech(
    make: Make, registry: Registry
) -> None:
    breakers = make()
    with capture_logs() as lines:
        breakers.failed("azure", VendorError("Azure refuses sk-secret.", code="auth"))
        breakers.failed("azure", VendorError("Azure refuses sk-secret.", code="auth"))
        later(registry, 301)
        breakers.admit("azure")
        breakers.failed("azure", LanguageError("Guten Morgen"))
        later(registry, 301)
        breakers.admit("azure")
        breakers.succeeded("azure")

    assert [line["event"] for line in lines if line["log_level"] != "debug"] == [
        "provider is not asked for now",
        "provider is still not asked",
        "provider is well again",
    ]
    assert lines[0]["hint"].startswith("Correct its key") and lines[0]["seconds"] == 300
    assert "secret" not in str(lines) and "Morgen" not in str(lines)


def test_it_is_the_breaker_that_a_chain_of_providers_asks(make: Make) -> None:
    breaker: Breaker = make()
    assert breaker.admit("azure") == "closed"
