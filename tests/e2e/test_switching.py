"""Providers are changed while everybody speaks: a worker with the next one is started, the old one is ended.

As docs/operations.md tells operators to do it, once for each stage.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from bridge.cli.bench.crowd import Crowd
from bridge.cli.bench.ear import Account
from bridge.cli.bench.simulated import topology_text
from bridge.store.registry import Registry, WorkerRecord
from tests.stack import WORKERS, Stack, running, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

SESSIONS = 3
HEARD = 2 * SESSIONS
"""Segments that are heard before and after each switch."""
LATEST_MS = 9_000
"""Of a first sound: less than any deadline after which work is sent again because nobody has taken it."""


class Show:
    """A system, those who speak in it, and who works."""

    def __init__(self, stack: Stack, crowd: Crowd, registry: Registry) -> None:
        self.stack = stack
        self.crowd = crowd
        self.registry = registry

    def workers(self, stage: str) -> list[WorkerRecord]:
        return [worker for worker in self.registry.workers() if worker.stage == stage]

    def heard(self) -> list[Account]:
        """The next segments that are done."""
        before = len(self.crowd.accounts)
        wait_until(lambda: len(self.crowd.accounts) >= before + HEARD, 90, "speech is heard on")
        return self.crowd.accounts[before:]

    def join(self, stage: str, **environment: str) -> subprocess.Popen[bytes]:
        """A worker with the next provider, beside the one that works."""
        process = self.stack.start("worker", f"{stage}-cpu0", **environment)
        wait_until(lambda: len(self.workers(stage)) == 2, 60, f"a second worker of {stage}")
        return process

    def leave(self, stage: str, old: subprocess.Popen[bytes]) -> None:
        """SIGTERM: it ends what it runs."""
        old.terminate()
        assert old.wait(timeout=20) == 0
        assert len(self.workers(stage)) == 1


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Show]:
    engines = {"STT_PROVIDER": "pocketsphinx", "TRANSLATION_PROVIDER": "apertium"}
    with (
        running(tmp_path, **engines, TTS_PROVIDER="simulated", SHED="false") as stack,
        closing(Registry(stack.redis.url)) as registry,
        Crowd(stack.url, SESSIONS) as crowd,
    ):
        assert crowd.speaking.wait(30)
        yield Show(stack, crowd, registry)


def test_each_stage_gets_another_provider_and_nothing_is_lost(show: Show, tmp_path: Path) -> None:
    stack = show.stack
    stt, translation, tts = stack.started[: len(WORKERS)]
    show.heard()

    # The same entry, with another variable: the next engine knows all languages of the one before.
    show.join("stt", STT_PROVIDER="simulated")
    show.heard()
    show.leave("stt", stt)
    wait_until(lambda: show.heard()[-1].text.startswith("simulated"), 60, "the next engine recognises")

    # It lacks a language of the one before: on their common queue it is refused ...
    refused = stack.start("worker", "translation-cpu0", TRANSLATION_PROVIDER="simulated")
    assert refused.wait(timeout=60) != 0
    assert "cannot share the queue translation.cpu0 with apertium: it lacks en-ca-valencia" in stack.output()
    # ... and so has a device of its own, of which nobody else's topology knows.
    path = tmp_path / "next.toml"
    path.write_text(topology_text(2, ("cpu1",)).replace("-cpu1", "-cpu0"))
    show.join("translation", TRANSLATION_PROVIDER="simulated", TOPOLOGY=str(path))
    show.heard()
    show.leave("translation", translation)
    assert [worker.queue for worker in show.workers("translation")] == ["translation.cpu1"]
    show.heard()

    show.join("tts", TTS_PROVIDER="espeak")
    show.heard()
    show.leave("tts", tts)
    time.sleep(0.5)  # what the old one said last is on its way
    lengths = {account.samples for account in show.heard()[SESSIONS:]}
    assert 24_000 not in lengths  # the tone of the simulated engine is a second long

    show.crowd.finish()
    show.crowd.wait()
    counts = asdict(show.crowd.tally(None))
    assert counts.pop("segments") >= 8 * SESSIONS
    assert counts == dict.fromkeys(counts, 0)
    assert show.crowd.dropped == 0
    assert max(account.first_audio_ms or 0.0 for account in show.crowd.accounts) < LATEST_MS
