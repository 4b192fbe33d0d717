"""Terms of the operator, and what was said before, reach an engine that takes them, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bridge.client import Client
from bridge.protocol import server_messages
from bridge.store.registry import Registry
from tests.bridge.providers.vendors import openai
from tests.e2e.talk import speech
from tests.stack import SIMULATED, Stack, running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def vendor() -> Iterator[openai.OpenAi]:
    made = openai.OpenAi()
    with made.running():
        yield made


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, vendor: openai.OpenAi) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("glossary")
    (folder / "terms.toml").write_text('[en.es]\nsimulated = "simulacro"\n')
    variables = {"GLOSSARY": str(folder / "terms.toml"), "TRANSLATION_PROVIDER": "openai"}
    server = {"OPENAI_API_KEY": openai.KEY, "OPENAI_BASE_URL": vendor.url}
    with running(folder, **SIMULATED | variables | server | {"LOG_LEVEL": "INFO"}) as stack:
        yield stack


async def said(url: str, segments: int) -> list[str]:
    """The words of so many segments, one after the other."""
    found = []
    async with Client(url, "en", ["es"]) as client, asyncio.timeout(60):
        for _ in range(segments):
            await client.send_audio(speech())
            await client.commit()
            async for message in client:
                if isinstance(message, server_messages.TranscriptFinal):
                    found.append(message.text)
                if isinstance(message, server_messages.SegmentDone):
                    break
        await client.end()
    return found


def test_the_second_segment_is_translated_with_the_first_one_before_it(
    system: Stack, vendor: openai.OpenAi
) -> None:
    first, second = asyncio.run(said(system.url, 2))
    asked = [[each["content"] for each in one.json["messages"]] for one in vendor.asked]
    by_text = {user.rpartition("<speech>")[2].removesuffix("</speech>"): (told, user) for told, user in asked}
    assert all('"simulated" is "simulacro"' in by_text[text][0] for text in (first, second))
    assert "<before>" not in by_text[first][1]
    assert f"<before>{first}</before>" in by_text[second][1]
    assert first not in system.output()
    registry = Registry(system.redis.url)
    told = {worker.stage: worker.advice for worker in registry.workers()}
    registry.close()
    assert told == {"stt": (), "translation": ("context", "terms"), "tts": ()}
