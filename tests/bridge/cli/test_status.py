"""`speechbridge status` against a gateway in this process and a real Redis, and against others than ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.settings import Settings
from bridge.store.registry import Registry, WorkerRecord
from bridge.store.rooms import Rooms
from bridge.types import STAGES
from tests.bridge.cli.status.pages import Process
from tests.bridge.cli.status.servers import answering, named, served
from tests.stack import free_port
from tests.terminal import Ended, speechbridge

pytestmark = pytest.mark.redis


@pytest.fixture
def registry(settings: Settings) -> Iterator[Registry]:
    """Holds a live worker for each stage."""
    made = Registry(settings.redis_url)
    for stage in STAGES:
        record = WorkerRecord(
            f"{stage}-cpu0-0@vm", stage, "cpu0", f"{stage}.cpu0", 2, "engine", ahead_ms=-1_500
        )
        made.register(record, 60_000)
    yield made
    made.close()


def shown(settings: Settings, url: str, *arguments: str, **variables: str) -> Ended:
    named = {"REDIS_URL": settings.redis_url, "DATA_DIR": str(settings.data_dir), "COLUMNS": "80"}
    return speechbridge(
        "status", "--once", "--interval", "0.2", "--url", url, *arguments, **named | variables
    )


def told(settings: Settings, url: str, *arguments: str, **variables: str) -> dict[str, Any]:
    """The one object that --json prints."""
    ended = shown(settings, url, "--json", *arguments, **variables)
    (line,) = ended.stdout.splitlines()
    record: dict[str, Any] = json.loads(line)
    assert ended.returncode == (0 if record["healthy"] else 1)
    return record


def test_where_every_stage_has_a_worker_all_is_ready(settings: Settings, registry: Registry) -> None:
    async def make_room() -> None:
        rooms = Rooms(settings.redis_url)
        await rooms.create("", 60, 10)
        await rooms.close()

    asyncio.run(make_room())
    with served(settings) as url:
        record = told(settings, url)

    assert record["verdict"] == "all is ready: nobody is here"
    assert record["rooms"] == 1
    assert [queue["workers"] for queue in record["queues"]] == [1, 1, 1]
    assert record["redis"]["up"] and record["redis"]["used_bytes"]
    assert {"name": "stt-cpu0-0@vm", "slots": 2, "ahead_ms": -1500}.items() <= record["workers"][0].items()
    assert [finding["wrong"] for finding in record["findings"]] == [False] * 3  # the clocks


def test_a_worker_that_is_stopped_is_missed_in_words(settings: Settings, registry: Registry) -> None:
    with served(settings) as url:
        assert shown(settings, url).returncode == 0
        registry.unregister("tts-cpu0-0@vm")
        ended = shown(settings, url)

    assert ended.returncode == 1
    assert "\n✗ nobody serves tts: no worker lives for tts.cpu0\n  → Start one" in f"\n{ended.stdout}"
    assert "\x1b" not in ended.stdout
    assert (
        max(map(len, ended.stdout.partition("✗")[2].splitlines())) <= 80
    )  # behind a line of the gateway's log


def test_where_no_gateway_answers_redis_is_asked(settings: Settings, registry: Registry) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    record = told(settings, url)

    assert record["verdict"] == f"no gateway answers at {url}"
    assert [worker["provider"] for worker in record["workers"]] == ["engine"] * 3
    assert [queue["workers"] for queue in record["queues"]] == [1, 1, 1]
    assert record["redis"]["up"]


def test_where_nothing_answers_it_says_so_and_that_is_all(settings: Settings) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = shown(settings, url, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")

    assert ended.returncode == 1
    assert ended.stdout.startswith(f"✗ no gateway answers at {url}\n")
    assert "redis -" in ended.stdout
    assert ended.stderr == ""


def test_a_gateway_tells_that_its_redis_is_away(settings: Settings) -> None:
    away = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    with served(away) as url:
        record = told(away, url)

    assert record["verdict"] == "Redis does not answer: nothing is translated"
    assert [gateway["up"] for gateway in record["gateways"]] == [True]


def test_a_gateway_without_metrics_tells_what_to_set(settings: Settings, registry: Registry) -> None:
    with served(settings.model_copy(update={"metrics": False})) as url:
        record = told(settings, url)

    assert record["verdict"] == "nothing is measured: METRICS is false"
    assert len(record["findings"]) == 1 + 3
    assert len(record["workers"]) == 3


def test_the_redis_of_another_system_is_not_mixed_in(settings: Settings, registry: Registry) -> None:
    other = settings.redis_url.removesuffix("/0") + "/1"
    with served(settings) as url:
        record = told(settings, url, REDIS_URL=other)

    assert (record["rooms"], record["apart"]) == (
        None,
        "the settings here name another Redis than the gateway's",
    )
    assert [worker["name"] for worker in record["workers"]] == [
        *("stt-cpu0-0@vm", "translation-cpu0-0@vm", "tts-cpu0-0@vm")
    ]
    assert [worker["ahead_ms"] for worker in record["workers"]] == [None] * 3


def test_what_is_no_gateway_is_told_apart(settings: Settings) -> None:
    for pages in ({}, {"/metrics/targets": "<html>", "/metrics": "<html>"}, {"/metrics/targets": '["a"]'}):
        with answering(pages) as url:
            assert told(settings, url)["verdict"].startswith(
                f"what answers at {url} is no gateway with metrics"
            )


def test_a_gateway_of_a_release_without_addresses_shows_what_it_has(settings: Settings) -> None:
    old = Process().tell("connections", 3).tell("sessions_active", 2, role="alone").text
    with answering({"/metrics": old + "bridge_of_tomorrow 7\n"}) as url:
        ended = shown(settings, url)

    assert ended.stdout.splitlines()[0].startswith("✓ all is ready: 2 sessions")
    assert ended.returncode == 0


def test_a_worker_that_cannot_be_read_from_here_is_a_remark(settings: Settings) -> None:
    deaf = f"127.0.0.1:{free_port()}"
    targets = [{"targets": [deaf], "labels": {"job": "worker", "worker": "ear", "stage": "stt"}}]
    with answering(
        {"/metrics": Process().tell("redis_up", 1).text, "/metrics/targets": json.dumps(targets)}
    ) as url:
        record = told(settings, url)

    assert record["healthy"]
    assert record["findings"][0]["what"].startswith(f"no metrics of 1 worker: {deaf}, ")
    assert [(worker["name"], worker["stage"]) for worker in record["workers"]] == [("ear", "stt")]


def test_several_gateways_that_cannot_be_reached_are_not_taken_for_the_one_that_answers(
    settings: Settings,
) -> None:
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    pages = {
        "/metrics/targets": named(*(("gateway", address) for address in addresses)),
    }
    with answering(pages | {"/metrics": Process().tell("redis_up", 1).text}) as url:
        record = told(settings, url)

    assert [(each["address"], each["up"]) for each in record["gateways"]] == [
        (one, False) for one in addresses
    ]
    assert record["verdict"].startswith(f"gateway {addresses[0]} does not answer: ")


def test_looks_are_appended_to_a_file_with_seconds_since_the_start(
    settings: Settings, tmp_path: Path
) -> None:
    out = tmp_path / "run.jsonl"
    out.write_text('{"earlier": true}\n')
    url = f"http://127.0.0.1:{free_port()}"
    common = ["status", "--url", url, "--interval", "0.2", "--duration", "0.5", "--out"]
    ended = speechbridge(*common, str(out), REDIS_URL=settings.redis_url)
    earlier, *looks = map(json.loads, out.read_text().splitlines())

    assert earlier == {"earlier": True}
    seconds = [look["seconds"] for look in looks]
    assert 2 <= len(seconds) <= 4
    assert seconds == sorted(seconds) and seconds[0] < seconds[-1] < 2
    assert ended.stdout.count("✗ no gateway answers") == len(looks)
    assert ended.returncode == 1


def test_a_file_that_cannot_be_written_and_an_address_that_is_none_are_told(
    settings: Settings, tmp_path: Path
) -> None:
    lost = shown(settings, "http://127.0.0.1:1", "--out", str(tmp_path / "none" / "run.jsonl"))
    wrong = shown(settings, "localhost:8000")

    assert (lost.returncode, wrong.returncode) == (1, 1)
    assert "run.jsonl cannot be written: No such file or directory." in lost.stderr
    assert "localhost:8000 is no address of a gateway." in wrong.stderr
