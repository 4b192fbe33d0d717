"""The log lines of a process, as its reader finds them."""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog
import uvicorn.config

from bridge import logs
from bridge.cli.logfile import important
from bridge.settings import Settings
from tests.bridge.logged import logged
from tests.stack import SIMULATED, Processes, RedisProcess, wait_until


def lines(body: Callable[[], object], level: str = "INFO", form: str = "json") -> list[str]:
    with logged(level, form, "stt-cpu0-0", device="cpu0") as written:
        body()
    return written.text.splitlines()


def entries(body: Callable[[], object], level: str = "INFO") -> list[dict[str, Any]]:
    with logged(level, process="stt-cpu0-0", device="cpu0") as written:
        body()
    return written.entries()


def test_json_line_carries_process_level_and_fields() -> None:
    [entry] = entries(lambda: logs.get("bridge.tasks.run").info("segment done", seq=3))
    assert entry["process"] == "stt-cpu0-0"
    assert entry["device"] == "cpu0"
    assert entry["level"] == "info"
    assert entry["event"] == "segment done"
    assert entry["logger"] == "bridge.tasks.run"
    assert entry["seq"] == 3
    assert entry["timestamp"].endswith("Z")


def test_session_bound_once_stands_on_every_line_even_those_of_libraries() -> None:
    def body() -> None:
        with structlog.contextvars.bound_contextvars(session="s1", stage="stt"):
            logs.get("x").info("ours")
            logging.getLogger("kombu").warning("theirs %s", 1)

    ours, theirs = entries(body)
    assert (ours["session"], theirs["session"]) == ("s1", "s1")
    assert theirs["event"] == "theirs 1"
    assert theirs["stage"] == "stt"
    assert (theirs["process"], theirs["device"]) == ("stt-cpu0-0", "cpu0")


def test_lines_below_the_level_are_dropped() -> None:
    def body() -> None:
        logs.get("x").debug("a")
        logs.get("x").info("b")
        logging.getLogger("kombu").info("c")

    assert entries(body, level="WARNING") == []
    assert [entry["event"] for entry in entries(body, level="DEBUG")] == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["celery.app.trace", "httpx"])
@pytest.mark.parametrize(("level", "seen"), [("INFO", []), ("DEBUG", ["Task x succeeded: 'some words'"])])
def test_result_of_a_task_and_address_of_a_request_are_logged_at_debug_only(
    level: str, seen: list[str], name: str
) -> None:
    trace = logging.getLogger(name)
    found = entries(lambda: trace.info("Task x succeeded: %r", "some words"), level=level)
    assert [entry["event"] for entry in found] == seen


def test_failure_of_a_task_is_always_logged() -> None:
    [entry] = entries(lambda: logging.getLogger("celery.app.trace").error("Task x raised"))
    assert entry["level"] == "error"


@pytest.mark.parametrize("form", ["json", "console"])
def test_traceback_names_the_error_but_no_local_variable(form: str) -> None:
    def fail() -> None:
        spoken = "private " + "words"
        raise ValueError(f"broken after {len(spoken)}")

    def body() -> None:
        try:
            fail()
        except ValueError:
            logs.get("x").exception("stage failed")

    output = "\n".join(lines(body, form=form))
    assert "ValueError: broken after 13" in output
    assert "private words" not in output


def test_uvicorn_and_celery_lines_are_written_once() -> None:
    def body() -> None:
        logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)
        logs.setup(Settings.read(log_format="json"), process="gateway")
        logging.getLogger("uvicorn.error").info("Started")
        logging.getLogger("uvicorn.access").info("GET /")
        logging.getLogger("celery").info("ready")

    assert [entry["event"] for entry in entries(body)] == ["Started", "GET /", "ready"]


def test_console_line_is_readable_and_marks_warnings_for_the_supervisor() -> None:
    def body() -> None:
        logs.get("x").info("one")
        logs.get("x").warning("two", seq=1)

    plain, warning = lines(body, form="console")
    assert "[info" in plain
    assert "two" in warning and "seq=1" in warning
    assert not important(plain)
    assert important(warning)


def test_json_warning_is_marked_for_the_supervisor() -> None:
    def body() -> None:
        logs.get("x").info("error: no")
        logs.get("x").error("two")

    plain, error = lines(body)
    assert not important(plain)
    assert important(error)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis whose password has an @ in it."""
    server = RedisProcess(tmp_path)
    server.start()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("requirepass", "ge@heim")
    yield f"redis://:ge@heim@127.0.0.1:{server.port}/0"
    server.kill()


@pytest.mark.redis
@pytest.mark.e2e
def test_no_line_of_a_worker_and_its_libraries_holds_the_password_of_redis(
    guarded: str, tmp_path: Path
) -> None:
    chatty = {"REDIS_URL": guarded, "LOG_LEVEL": "DEBUG", "HEARTBEAT_INTERVAL_MS": "100"}
    processes = Processes(chatty | SIMULATED, tmp_path)
    processes.start("worker", "tts-cpu0")
    try:
        wait_until(lambda: "Connected to redis://:**@" in processes.output(), 30, "Celery tells its Redis")
        with redis.Redis.from_url(guarded) as client:
            client.shutdown(nosave=True)
        wait_until(lambda: "Cannot connect to redis://:**@" in processes.output(), 30, "Celery misses it")
    finally:
        processes.stop()
    assert "heim" not in processes.output()
