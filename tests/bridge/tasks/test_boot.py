"""How workers start and end, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bridge.settings import Settings
from bridge.store import keys
from bridge.tasks import boot
from bridge.topology import WorkerEntry
from bridge.types import Work
from tests.bridge.tasks.crew import Crew, translation
from tests.stack import REPOSITORY, clean_environment, wait_until
from tests.terminal import Ended, speechbridge, started

pytestmark = [pytest.mark.redis, pytest.mark.e2e]

WORK = Work("alice", 0, "room", source="en", text="go")

OWN_PROCESS = partial(started, "-m", "bridge.cli")

# Something breaks within Celery's own loop that nobody foresaw.
BROKEN = """
import sys
from celery import signals
def boom():
    raise ZeroDivisionError("nobody foresaw this")
signals.worker_ready.connect(lambda sender, **_: sender.hub.call_soon(boom), weak=False)
sys.argv = ["speechbridge", "worker", "brain"]
from bridge.cli import main
main()
"""


def test_task_events_are_sent_only_when_they_are_wanted() -> None:
    entry = WorkerEntry("voice", "tts", "cpu0", concurrency=3)

    on = boot.options(entry, "voice-0", Settings.read(task_events=True))
    off = boot.options(entry, "voice-0", Settings.read(task_events=False))
    assert (on["task_events"], on["without_heartbeat"]) == (True, False)
    assert (off["task_events"], off["without_heartbeat"]) == (False, True)


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    """A worker of translation with three slots of 300 ms."""
    made = Crew(tmp_path, "brain", SIMULATED_TRANSLATION_MS="300")
    yield made
    print(made.output())
    made.end()


def begin(crew: Crew, count: int) -> None:
    """Sends so much work, and returns once the first three pieces of it run."""
    for number in range(count):
        translation(WORK.but(segment=number)).apply_async()
    wait_until(lambda: len(crew.room.events()) == 3, 5, "three run")


def test_a_worker_that_is_stopped_ends_what_it_runs_leaves_what_waits_and_is_off_the_list(
    crew: Crew,
) -> None:
    begin(crew, 7)
    crew.started[0].terminate()
    wait_until(lambda: crew.worker("brain").draining, 2, "it drains while it works")

    assert crew.started[0].wait(timeout=10) == 0
    assert len(crew.texts()) == 3
    assert crew.room.client.llen("translation.gpu3") == 4
    assert crew.registry.workers() == []
    assert crew.room.client.hgetall(keys.RUNNING) == {}


def test_a_killed_worker_is_gone_after_its_time_to_live(crew: Crew) -> None:
    crew.started[0].kill()

    wait_until(lambda: crew.registry.workers() == [], 3, "the worker is gone")


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[subprocess.CompletedProcess[bytes]]:
    """How a worker ended whose Celery broke."""
    nobody = Crew(tmp_path)
    yield subprocess.run(
        [sys.executable, "-c", BROKEN],
        env=clean_environment() | nobody.environment | {"PYTHONPATH": str(REPOSITORY)},
        cwd=REPOSITORY,
        capture_output=True,
        timeout=60,
    )
    nobody.end()


def test_a_worker_that_cannot_go_on_ends_in_a_way_its_supervisor_sees(
    broken: subprocess.CompletedProcess[bytes],
) -> None:
    assert b"nobody foresaw this" in broken.stderr
    assert broken.returncode == 1


@pytest.mark.parametrize(
    ("command", "name", "environment", "said"),
    [
        (speechbridge, "nobody", {}, "stt-cpu0, translation-cpu0, tts-cpu0"),
        (
            speechbridge,
            "tts-cpu0",
            {"REDIS_URL": "redis://:se/cret@host:1"},
            "write / ? # [ ] % of a password as %2F",
        ),
        (speechbridge, "tts-cpu0", {"TOPOLOGY": "missing.toml"}, "There is no topology file missing.toml"),
        # These come as far as to set up their log, which stays with the process.
        (OWN_PROCESS, "tts-cpu0", {"TTS_PROVIDER": "siren"}, "Use one of: espeak, "),
        (OWN_PROCESS, "tts-cpu0", {"REDIS_URL": ""}, "REDIS_URL is empty"),
        pytest.param(
            OWN_PROCESS,
            "translation-cpu0",
            {"GLOSSARY": "missing.toml"},
            "GLOSSARY=missing.toml cannot be read",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_worker_that_cannot_start_says_what_may_be_used(
    command: Callable[..., Ended], name: str, environment: dict[str, str], said: str
) -> None:
    ended = command("worker", name, **{"REDIS_URL": "redis://127.0.0.1:1/0"} | environment)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "cret" not in ended.stdout + ended.stderr
