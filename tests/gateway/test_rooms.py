"""Rooms over HTTP: made, looked at and ended by who has the secret, and drawn as a QR code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from bridge.settings import Settings
from bridge.store import keys
from bridge.store.journal import BEGIN
from bridge.store.registry import Registry, WorkerRecord
from bridge.types import STAGES, Attendant, Decision, Presence
from gateway.app import create_app
from gateway.runtime.backend import Backend
from tests.stack import free_port

pytestmark = pytest.mark.redis

T = TypeVar("T")
Answers = dict[str, Any]


class Site:
    """An application that runs, asked as a browser of its own page would."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.backend: Backend = app.state.backend
        self.client = client

    async def make(self, **wish: object) -> Answers:
        answer = await self.client.post("/v1/rooms", json=wish)
        assert answer.status_code == 201, answer.text
        made: Answers = answer.json()
        return made

    async def ask(self, method: str, room: str, secret: str | None) -> httpx.Response:
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return await self.client.request(method, f"/v1/rooms/{room}", headers=headers)


def play(settings: Settings, scene: Callable[[Site], Awaitable[T]], **changes: object) -> T:
    """Plays a scene at an application that is started for it."""

    async def run() -> T:
        app = create_app(settings.model_copy(update=changes), set())
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client,
        ):
            return await scene(Site(app, client))

    return asyncio.run(run())


def register(settings: Settings) -> None:
    registry = Registry(settings.redis_url)
    for stage in STAGES:
        record = WorkerRecord(
            f"{stage}-0",
            stage,
            "cpu0",
            f"{stage}.cpu0",
            1,
            "engine",
            languages=("ar", "en", "es"),
            pairs=(("en", "es"), ("es", "ar")),
        )
        registry.register(record, 60_000)
    registry.close()


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of an error that says what happened and what to do."""
    told = answer.json()
    assert told["message"] and told["hint"]
    return answer.status_code, told["code"]


def test_a_new_room_has_a_link_for_each_of_its_two_secrets(settings: Settings) -> None:
    made = play(settings, lambda site: site.make(name="  Stand\x1b[31m\nup "))

    listen, speak = made["listen"]["secret"], made["speak"]["secret"]
    assert made == {
        "room": made["room"],
        "name": "Stand [31m up",
        "listen": {"secret": listen, "path": f"/r/{made['room']}#{listen}"},
        "speak": {"secret": speak, "path": f"/r/{made['room']}/speak#{speak}&listen={listen}"},
        "expires_s": 86_400,
    }


def test_a_room_needs_no_name_and_no_body_and_its_secrets_are_kept_by_no_cache(settings: Settings) -> None:
    async def scene(site: Site) -> httpx.Response:
        return await site.client.post("/v1/rooms")

    answer = play(settings, scene)
    assert (answer.status_code, answer.json()["name"]) == (201, "")
    assert answer.headers["cache-control"] == "no-store"


def test_who_has_a_secret_sees_who_is_there_by_all_gateways_and_what_can_be_heard(settings: Settings) -> None:
    register(settings)

    async def scene(site: Site) -> list[Answers]:
        made = await site.make(name="Standup")
        ann, bo = Attendant(1, "Ann", "de"), Attendant(2, "Bo", "auto")
        here = Presence("one", {"es": 2, "ar": 0}, (bo, Attendant(1, "Ann", "de", away=True)))
        await site.backend.attendance.put(made["room"], here, 60)
        await site.backend.attendance.put(made["room"], Presence("two", {"es": 1, "ar": 1}, (ann,)), 60)
        secrets = [made[key]["secret"] for key in ("listen", "speak")]
        return [made, *[(await site.ask("GET", made["room"], secret)).json() for secret in secrets]]

    made, listener, speaker = play(settings, scene)
    assert listener == {
        "room": made["room"],
        "name": "Standup",
        "role": "listener",
        "speakers": [
            {"id": 1, "name": "Ann", "language": "de", "away": False},
            {"id": 2, "name": "Bo", "language": "auto", "away": False},
        ],
        "listeners": {"ar": 1, "es": 3},
        "languages": [
            {"tag": "ar", "name": "Arabic", "rtl": True},
            {"tag": "de", "name": "German", "rtl": False},
            {"tag": "es", "name": "Spanish", "rtl": False},
        ],
    }
    assert speaker == listener | {"role": "speaker"}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_its_secret_a_room_is_closed_and_one_that_is_not_there_unknown(
    settings: Settings, method: str
) -> None:
    async def scene(site: Site) -> list[tuple[int, str]]:
        made = await site.make()
        asked = [(made["room"], None), (made["room"], "wrong"), ("nowhere", made["speak"]["secret"])]
        return [code(await site.ask(method, room, secret)) for room, secret in asked]

    wrong = (403, "wrong_secret")
    assert play(settings, scene) == [wrong, wrong, (404, "unknown_room")]


def test_the_link_for_speaking_ends_a_room_and_tells_those_who_are_there(settings: Settings) -> None:
    async def scene(site: Site) -> list[Any]:
        made = await site.make()
        await site.backend.journal.open([made["room"]], 60)
        listen, speak = made["listen"]["secret"], made["speak"]["secret"]
        refused = code(await site.ask("DELETE", made["room"], listen))
        ended = await site.ask("DELETE", made["room"], speak)
        late = [code(await site.ask(method, made["room"], speak)) for method in ("GET", "DELETE")]
        entries = await site.backend.journal.read({made["room"]: BEGIN})
        return [refused, (ended.status_code, ended.content), late, [entry.item for _, entry, _ in entries]]

    refused, ended, late, told = play(settings, scene)
    assert refused == (403, "listen_only")
    assert ended == (204, b"")
    assert late == [(404, "room_ended")] * 2
    assert told == [Decision("closed", "")]


def test_rooms_are_as_many_as_the_variable_says(settings: Settings) -> None:
    """ROOMS_MAX."""

    async def scene(site: Site) -> httpx.Response:
        await site.make()
        first = await site.make()
        refused = await site.client.post("/v1/rooms")
        assert (await site.ask("DELETE", first["room"], first["speak"]["secret"])).status_code == 204
        await site.make()
        return refused

    refused = play(settings, scene, rooms_max=2)
    assert code(refused) == (503, "too_many_rooms")
    assert refused.headers["retry-after"] == "60"
    assert refused.json()["retry_after_ms"] == 60_000


def test_a_room_is_kept_as_long_as_the_variable_says(settings: Settings) -> None:
    """ROOM_TTL_SECONDS."""
    made = play(settings, lambda site: site.make(), room_ttl_seconds=600)
    client = keys.connect(settings.redis_url, patient=False)
    left: Any = client.ttl(keys.room(made["room"]))
    client.close()

    assert made["expires_s"] == 600
    assert 590 < left <= 600


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("/v1/rooms", b"{", (400, "bad_json")),
        ("/v1/rooms", b"[]", (400, "bad_json")),
        ("/v1/rooms", b"\xff", (400, "bad_json")),
        ("/v1/rooms", b'{"name": 7}', (400, "bad_field")),
        ("/v1/rooms", json.dumps({"name": "x" * 81}).encode(), (400, "bad_field")),
        ("/v1/rooms", json.dumps({"name": "x" * 9_000}).encode(), (413, "too_large")),
        ("/v1/qr", b"", (400, "bad_field")),
        ("/v1/qr", b'{"text": ""}', (400, "bad_field")),
        ("/v1/qr", json.dumps({"text": "x" * 513}).encode(), (400, "bad_field")),
        ("/v1/qr", b'{"text": "\\ud800"}', (400, "bad_json")),
    ],
)
def test_a_body_that_cannot_be_used_is_told_what_is_wrong_with_it(
    settings: Settings, path: str, body: bytes, refusal: tuple[int, str]
) -> None:
    answer = play(settings, lambda site: site.client.post(path, content=body))

    assert code(answer) == refusal
    assert "xxx" not in answer.text


def test_a_body_that_never_ends_is_given_up(settings: Settings) -> None:
    """HTTP_HEADER_SECONDS holds for bodies too."""

    async def forever() -> AsyncIterator[bytes]:
        yield b'{"name":'
        await asyncio.sleep(30)

    async def scene(site: Site) -> httpx.Response:
        return await asyncio.wait_for(site.client.post("/v1/rooms", content=forever()), 5)

    answer = play(settings, scene, http_header_seconds=0.1)
    assert code(answer) == (408, "idle")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_pages_of_other_sites_make_see_and_end_no_room(settings: Settings, method: str) -> None:
    async def scene(site: Site) -> list[httpx.Response]:
        made = await site.make()
        path = "/v1/rooms" if method == "POST" else f"/v1/rooms/{made['room']}"
        headers = {"Authorization": f"Bearer {made['speak']['secret']}"}
        origins = ("http://evil.example", "http://localhost:8000")
        return [
            await site.client.request(method, path, headers=headers | {"Origin": origin})
            for origin in origins
        ]

    foreign, own = play(settings, scene)
    assert code(foreign) == (403, "forbidden_origin")
    assert own.status_code in (200, 201, 204)


def test_pages_of_named_origins_may_send_the_secret_with_every_method(settings: Settings) -> None:
    async def scene(site: Site, method: str = "DELETE") -> httpx.Response:
        asked = {
            "Origin": "https://talk.example.org",
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        return await site.client.options("/v1/rooms/x", headers=asked)

    assert play(settings, scene, ws_origins="https://talk.example.org").status_code == 200
    assert play(settings, scene).status_code == 400


def test_no_secret_is_logged(settings: Settings) -> None:
    async def scene(site: Site) -> list[str]:
        made = await site.make(name="Standup")
        secrets = [made[key]["secret"] for key in ("listen", "speak")]
        for secret in (*secrets, "wrong-secret"):
            await site.ask("GET", made["room"], secret)
            await site.client.post("/v1/qr", json={"text": f"https://x.example/r/1#{secret}"})
        await site.ask("DELETE", made["room"], secrets[1])
        return [*secrets, "wrong-secret"]

    with capture_logs() as lines:
        secrets = play(settings, scene)
    assert [line["event"] for line in lines if line["event"].startswith("room")] == [
        "room made",
        "room ended",
    ]
    assert not any(secret in repr(lines) for secret in secrets)


def test_without_redis_a_room_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    nowhere = Settings.read(redis_url=f"redis://127.0.0.1:{free_port()}/0", data_dir=tmp_path)
    answer = play(nowhere, lambda site: site.client.post("/v1/rooms"))

    assert code(answer) == (503, "redis_unavailable")
    assert answer.json()["retry_after_ms"] > 0


FINDER = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]


def test_a_link_is_drawn_as_a_qr_code_without_a_border(settings: Settings) -> None:
    async def scene(site: Site) -> list[list[str]]:
        links = [f"https://talk.example.org/r/5f2c9a1be07d#{'s' * 21}{end}" for end in "ab"]
        answers = [await site.client.post("/v1/qr", json={"text": link}) for link in [*links, "é" * 512]]
        return [answer.json()["rows"] for answer in answers]

    first, second, long = play(settings, scene)
    assert first != second
    assert len(first) == 33  # version 4 at level M holds 62 bytes
    for rows in (first, second, long):
        assert all(len(row) == len(rows) and set(row) == {"0", "1"} for row in rows)
        assert [row[:7] for row in rows[:7]] == FINDER
        assert [row[-7:] for row in rows[:7]] == FINDER
        assert [row[:7] for row in rows[-7:]] == FINDER
        assert [row[-7:] for row in rows[-7:]] != FINDER
