"""Flower beside real workers: what it shows of tasks, queues and workers, to whom, and what never."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bridge import pipeline
from bridge.cli.network import fetch
from bridge.placement import Place
from bridge.tasks import app
from bridge.types import Stage, Target, Work
from tests.bridge.tasks.crew import TOPOLOGY, Crew
from tests.stack import free_port, wait_until
from tests.terminal import speechbridge

pytestmark = [pytest.mark.redis, pytest.mark.e2e]

HOST, USER, PASSWORD = "127.0.0.2", "ann", "a long, long password"
PLAN: dict[Place, str] = {
    ("stt", None): "stt.cpu0",
    ("translation", "es"): "translation.gpu3",
    ("translation", "tlh"): "translation.gpu3",
    ("tts", "es"): "tts.cpu0",
}
SPARE = """
[[worker]]
name = "spare"
stage = "stt"
device = "gpu0"
"""
"""A worker that never started."""
FOR_ALL = ("/healthcheck", "/login", "/logout")


class Flower:
    """A crew of workers and a Flower that watches them."""

    def __init__(self, crew: Crew, **variables: str) -> None:
        self.crew = crew
        self.port = free_port()
        given = {"FLOWER_HOST": HOST, "FLOWER_USER": USER, "FLOWER_PASSWORD": PASSWORD} | variables
        crew.start("flower", FLOWER_PORT=str(self.port), **given)
        wait_until(lambda: fetch(HOST, self.port, "/healthcheck") is not None, 20, "Flower listens")
        wait_until(lambda: sum(self.get("/api/workers?status=1").json().values()) == 3, 10, "it sees all")

    def get(self, path: str, user: str = USER, method: str = "GET") -> httpx.Response:
        auth = (user, PASSWORD) if user else None
        return httpx.request(method, f"http://{HOST}:{self.port}{path}", auth=auth, timeout=10)

    def send(self, work: Work, stage: Stage) -> None:
        pipeline.send(work, stage, [Target("es")], PLAN)

    def tasks(self, session: str) -> dict[str, Any]:
        """What it lists of a session, by the name of the task."""
        found = self.get("/api/tasks").json().values()
        return {task["name"]: task for task in found if task["args"].endswith(f"session {session}")}

    def ended(self, session: str, count: int) -> dict[str, Any]:
        """The same, once so many have ended."""

        def over() -> bool:
            tasks = self.tasks(session).values()
            return len(tasks) == count and all(task["state"] in ("SUCCESS", "FAILURE") for task in tasks)

        wait_until(over, 10, f"{count} tasks of {session} have ended")
        return self.tasks(session)


@pytest.fixture(scope="module")
def flower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flower]:
    crew = Crew(
        tmp_path_factory.mktemp("flower"),
        *("ear", "brain", "mouth"),
        TASK_EVENTS="true",
        LOG_FORMAT="json",
        SIMULATED_TRANSLATION_MS="300",
    )
    path = crew.folder / "with_spare.toml"
    path.write_text(TOPOLOGY + SPARE)
    try:
        yield Flower(crew, TOPOLOGY=str(path))
    finally:
        print(crew.output())
        crew.end()


def work(flower: Flower, session: str, **fields: Any) -> Work:
    room = flower.crew.room
    room.do(lambda sessions: sessions.keep({session: 0}, 60))
    now = room.now()
    return Work(session, 3, "room", source="en", deadline=now + 60, sent=now).but(**fields)


def test_tasks_tell_whose_they_are_and_what_became_of_them(flower: Flower) -> None:
    key = flower.crew.room.do(lambda sessions: sessions.put_audio("bob", 3, 1, bytes(32_000), 30))
    flower.send(work(flower, "bob", audio=key, draft=True, revision=1), "stt")
    tasks = flower.ended("bob", 3)

    assert {name: task["args"] for name, task in tasks.items()} == {
        "stt.transcribe": "segment 3 · en · draft 1 · session bob",
        "translation.translate": "segment 3 · es · draft 1 · session bob",
        "tts.synthesize": "segment 3 · es · draft 1 · session bob",
    }
    assert {task["result"] for task in tasks.values()} == {"done"}
    assert 0.3 <= tasks["translation.translate"]["runtime"] < 5
    assert tasks["tts.synthesize"]["runtime"] < 5
    assert tasks["tts.synthesize"]["worker"].startswith("mouth-0@")


def test_a_failure_is_shown_with_its_code(flower: Flower) -> None:
    flower.send(work(flower, "carl", target="tlh", text="go"), "translation")
    (task,) = flower.ended("carl", 1).values()

    assert (task["state"], task["result"]) == ("FAILURE", "unsupported_language")


def test_work_that_nobody_wants_any_more_is_no_failure_and_says_so(flower: Flower) -> None:
    unwanted = work(flower, "dora", target="es", text="go")
    flower.crew.room.do(lambda sessions: sessions.cancel_before("dora", 4))
    flower.send(unwanted, "translation")
    (task,) = flower.ended("dora", 1).values()

    assert (task["state"], task["result"]) == ("SUCCESS", "gone")


def test_no_page_and_no_answer_of_a_worker_holds_what_is_said(flower: Flower) -> None:
    flower.send(work(flower, "emma", target="es", text="a secret sentence"), "translation")
    asked: list[Any] = []

    def active() -> bool:
        """Flower asks so that no arguments come; anybody else may ask as here."""
        asked[:] = (app.control.inspect(timeout=0.3).active() or {}).values()
        return any(asked)

    wait_until(active, 5, "the translation is seen at work")
    uuids = [task["uuid"] for task in flower.ended("emma", 2).values()]
    pages = [flower.get(f"/task/{uuid}") for uuid in uuids] + [flower.get("/api/tasks")]

    assert "segment 3 · es · session emma" in str(asked)
    assert "secret" not in str(asked)
    assert all(page.status_code == 200 and "session emma" in page.text for page in pages)
    assert not [page.url for page in pages if "secret" in page.text or "[es]" in page.text]


def test_a_message_that_no_worker_knows_is_logged_by_its_length_only(flower: Flower) -> None:
    app.send_task(
        "translation.of_tomorrow", args=("a secret sentence",), queue="translation.gpu3", argsrepr=""
    )
    wait_until(lambda: "of_tomorrow" in flower.crew.output(), 5, "the worker tells of it")

    assert " bytes" in flower.crew.output()
    assert "secret" not in flower.crew.output()


def test_every_line_of_workers_and_of_flower_is_json(flower: Flower) -> None:
    lines = [json.loads(line) for line in flower.crew.output().splitlines() if line]

    assert {line["process"] for line in lines} == {"ear-0", "brain-0", "mouth-0", "flower"}
    assert all(line["level"] and line["timestamp"] and line["event"] for line in lines)
    assert any(line["logger"].startswith("celery.") for line in lines)
    assert any(line["event"].startswith("Visit me at") for line in lines)


def test_queues_are_shown_with_what_waits_in_them_also_where_no_worker_is(flower: Flower) -> None:
    flower.crew.room.client.lpush("stt.gpu0:6", "{}")
    assert len(flower.get("/api/workers?refresh=1").json()) == 3
    queues = flower.get("/api/queues/length").json()["active_queues"]
    page = flower.get("/broker").text

    assert {queue["name"]: queue["messages"] for queue in queues} == {
        "stt.cpu0": 0, "stt.gpu0": 1, "translation.gpu3": 0, "tts.cpu0": 0,
    }  # fmt: skip
    assert all(queue["name"] in page for queue in queues)


def test_the_page_of_a_worker_says_device_provider_and_models(flower: Flower) -> None:
    name = flower.crew.worker("brain").name
    page = flower.get(f"/worker/{name}").text
    said = flower.get("/api/workers").json()[name]["stats"]

    told = {"stage": "translation", "device": "gpu3", "provider": "simulated", "models": "none by name"}
    assert told.items() <= said.items()
    assert all(value in page for value in told.values())


def test_the_list_of_tasks_has_a_column_for_whose_they_are(flower: Flower) -> None:
    page = flower.get("/tasks").text
    columns = [part.split('"')[0] for part in page.split('data-column="')[1:]]

    assert columns == ["name", "args", "state", "result", "received", "runtime", "worker"]


def test_everything_but_the_health_check_asks_for_the_password(flower: Flower) -> None:
    from flower.urls import handlers

    paths = [each.matcher.regex.pattern if hasattr(each, "matcher") else each[0] for each in handlers]
    asked = [path.rstrip("$").replace("(.+)", "x").replace("(.*)", "x").replace("/?", "") for path in paths]
    asked = [path for path in asked if path.startswith("/") and not path.startswith("/static")]
    open_to_all = {
        (method, path)
        for path in asked
        for method in ("GET", "POST")
        if flower.get(path, user="", method=method).status_code not in (401, 405)
    }

    assert len(asked) > 25
    assert {path for _, path in open_to_all} == set(FOR_ALL)
    assert flower.get("/healthcheck", user="").text == "OK"
    assert flower.get("/metrics").status_code == flower.get("/api/workers").status_code == 200
    assert flower.get("/metrics", user="flower").status_code == 401


def test_it_only_shows_unless_it_is_told_to_let_people_act(flower: Flower) -> None:
    name = flower.crew.worker("ear").name
    path = f"/api/task/rate-limit/stt.transcribe?workername={name}&ratelimit=1000/s"
    assert flower.get(path, method="POST").status_code == 403
    assert flower.get("/api/task/send-task/tts.synthesize", method="POST").status_code == 403

    acting = Flower(flower.crew, FLOWER_READ_ONLY="false")
    wait_until(lambda: acting.get(path, method="POST").status_code == 200, 5, "it knows the worker")


def test_flower_listens_where_it_is_told_only(flower: Flower) -> None:
    assert fetch("127.0.0.1", flower.port, "/healthcheck") is None


def test_flower_without_a_password_does_not_start() -> None:
    ended = speechbridge("flower")

    assert ended.returncode == 1
    assert "FLOWER_PASSWORD is not set" in ended.stderr


def test_a_password_that_flower_cannot_compare_is_refused() -> None:
    ended = speechbridge("flower", FLOWER_PASSWORD="geheimnisgr\N{LATIN SMALL LETTER U WITH DIAERESIS}n")

    assert ended.returncode == 1
    assert "Use ASCII only" in ended.stderr
