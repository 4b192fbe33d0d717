"""The logs of a running system: the words that operators look for stand in them, and none that was said."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable

import pytest

from bridge.client import Client
from bridge.protocol import client_messages, server_messages
from tests.e2e.talk import speech
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.e2e

WORDS = (
    r"Model loaded.* device=cpu0 .*seconds=\d",
    r"PAUSE received, latency: \d+\.\d ms.* session={session}",
    r"RESUME received, latency: \d+\.\d ms.* session={session}",
    r"keepalive.* every_seconds=\d",
    r"session started.* session={session}",
    r"session ended.* session={session}",
)
"""Those of docs/deployment.md, as grep finds them."""


async def converse(url: str) -> tuple[str, list[str]]:
    """The id of a session in which somebody spoke and paused, and all that was said in it."""
    said = []
    async with Client(url, "en", ["es"]) as client, asyncio.timeout(30):
        await client.send(client_messages.PlaybackPause())
        await client.send(client_messages.PlaybackResume())
        await client.send_audio(speech())
        await client.end()
        async for message in client:
            if isinstance(message, server_messages.TranscriptFinal | server_messages.TranslationFinal):
                said.append(message.text)
        return client.started.session_id, said


def test_operators_find_what_they_look_for_and_nothing_that_was_said(embedded: Stack) -> None:
    session, said = asyncio.run(converse(embedded.url))
    wanted = [words.replace("{session}", session) for words in WORDS]

    def missing() -> list[str]:
        output = embedded.output()
        return [words for words in wanted if not re.search(words, output)]

    wait_until(lambda: not missing(), 5, f"found are {wanted}")
    assert len(said) == 2
    assert not [text for text in said if text in embedded.output()]
    assert not re.search(r"\bmet(er|ro)s\b", embedded.output())


def test_every_line_of_a_gateway_is_json_and_says_whose_it_is(
    simulated: Stack, with_gateway: Callable[..., Stack]
) -> None:
    gateway = with_gateway(simulated, LOG_FORMAT="json")
    session, _ = asyncio.run(converse(gateway.url))
    wait_until(lambda: '"session ended"' in gateway.output(), 5, "it tells of the end")
    lines = [json.loads(line) for line in gateway.output().splitlines() if line]

    assert (
        {"bridge", "gateway", "uvicorn"} >= {line["logger"].partition(".")[0] for line in lines} > {"gateway"}
    )
    assert all(line["process"] == "gateway" and line["level"] and line["timestamp"] for line in lines)
    told = [line["event"] for line in lines if line.get("session") == session]
    assert (told[0], told[-1]) == ("session started", "session ended")
