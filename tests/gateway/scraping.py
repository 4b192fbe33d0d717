"""An application of this process that is scraped: its series by name and labels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bridge.settings import Settings
from bridge.store.registry import Registry, WorkerRecord
from gateway.app import create_app

Client = httpx.AsyncClient


def serving(settings: Settings, use: Callable[[Client], Awaitable[Any]], address: str = "") -> Any:
    """What `use` returns of a client of an application that was started for it."""

    async def run() -> Any:
        app = create_app(settings, set(), address)
        async with (
            app.router.lifespan_context(app),
            Client(transport=httpx.ASGITransport(app), base_url="http://gateway") as client,
        ):
            return await use(client)

    return asyncio.run(run())


def fetch(settings: Settings, path: str, **headers: str) -> httpx.Response:
    """One answer."""
    answer: httpx.Response = serving(settings, lambda client: client.get(path, headers=headers))
    return answer


class Page:
    """What one scrape showed."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self._samples = [sample for family in families for sample in family.samples]

    def all(self, name: str, label: str) -> dict[str, float]:
        """The values of a series by one of its labels."""
        return {each.labels[label]: each.value for each in self._samples if each.name == name}

    def labels(self, name: str) -> list[dict[str, str]]:
        """The labels of each of a series."""
        return [each.labels for each in self._samples if each.name == name]

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the one with these labels, among others; None where there is none."""
        found = [
            each.value
            for each in self._samples
            if each.name == name and labels.items() <= each.labels.items()
        ]
        return found[0] if found else None


def scrape(settings: Settings) -> Page:
    """The page of an application that was started for it."""
    answer = fetch(settings, "/metrics")
    assert answer.status_code == 200
    return Page(answer.text)


def register(settings: Settings, name: str, queue: str, **changes: Any) -> WorkerRecord:
    """A live worker of a queue, as its heartbeat would write it."""
    stage, _, device = queue.partition(".")
    values: dict[str, Any] = {"slots": 1, "provider": "engine"} | changes
    record = WorkerRecord(name=name, stage=stage, device=device, queue=queue, **values)  # type: ignore[arg-type]
    registry = Registry(settings.redis_url)
    registry.register(record, 60_000)
    registry.close()
    return record
