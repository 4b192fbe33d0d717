"""Rooms of the whole system: who comes late, changes the language, takes a place, or is one of many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.client import Client
from bridge.media import decode
from bridge.protocol import client_messages, server_messages
from bridge.protocol.wire import AudioFrame
from bridge.store.rooms import Made, Rooms
from tests.stack import Stack

pytestmark = pytest.mark.e2e

CLIP = b"".join(decode(Path(__file__).parent.parent / "data" / "speech" / "go_forward.wav")) + bytes(32_000)
LANGUAGES = ("ar", "ca", "cs", "da", "de", "el", "es", "fi", "fr", "he", "it", "nl", "pl", "pt", "sv", "tr")

Play = Callable[["Hall"], Coroutine[Any, Any, None]]


class Guest:
    """Somebody in the room, and what they were told."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.told: list[server_messages.ServerMessage] = []
        self.speech: dict[int, bytes] = {}
        self._changed = asyncio.Event()

    async def listen(self) -> None:
        async for message in self.client:
            if isinstance(message, AudioFrame):
                self.speech[message.segment] = self.speech.get(message.segment, b"") + message.pcm
            else:
                self.told.append(message)
            self._changed.set()

    async def until(self, there: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not there():
                self._changed.clear()
                await self._changed.wait()

    def captions(self, target: str) -> list[str]:
        """In one language, each with who said it."""
        finals = [it for it in self.told if isinstance(it, server_messages.TranslationFinal)]
        return [f"{it.name}: {it.text}" for it in finals if it.target == target]

    async def hears(self, target: str, segments: int = 1) -> list[str]:
        """The captions of so many segments, when all of them were heard."""

        def heard() -> bool:
            ends = [
                it for it in self.told if isinstance(it, server_messages.AudioEnd) and it.target == target
            ]
            return len(ends) >= segments and len(self.captions(target)) >= segments

        await self.until(heard)
        return self.captions(target)

    async def speaks(self) -> None:
        """One sentence, as fast as it goes."""
        await self.client.send_audio(CLIP)
        await self.client.commit()


class Hall:
    """A room on a running system."""

    def __init__(self, stack: Stack, made: Made, people: AsyncExitStack, tasks: asyncio.TaskGroup) -> None:
        self._stack, self._made, self._people, self._tasks = stack, made, people, tasks

    async def enter(self, name: str, hears: str = "", speaks: str = "") -> Guest:
        role = "both" if hears and speaks else "speaker" if speaks else "listener"
        client = Client(
            self._stack.url,
            speaks or None,
            [hears] if hears else [],
            room=self._made.room,
            role=role,  # type: ignore[arg-type]
            secret=self._made.speak if speaks else self._made.listen,
            name=name,
        )
        await self._people.enter_async_context(client)
        guest = Guest(client)
        self._tasks.create_task(guest.listen())
        return guest


@asynccontextmanager
async def hall(stack: Stack) -> AsyncIterator[Hall]:
    rooms = Rooms(stack.redis.url)
    made = await rooms.create("Class", 600, 100)
    async with AsyncExitStack() as people, asyncio.TaskGroup() as tasks:
        yield Hall(stack, made, people, tasks)
        await rooms.end(made.room)
    await rooms.close()


def play(stack: Stack, scene: Play) -> None:
    async def run() -> None:
        async with hall(stack) as made:
            await scene(made)

    asyncio.run(run())


def knows(guest: Guest, *languages: str) -> Callable[[], bool]:
    """Whether somebody was told that these languages are listened in."""

    def told() -> bool:
        updates = [it for it in guest.told if isinstance(it, server_messages.RoomUpdated)]
        return bool(updates) and updates[-1].listeners.keys() >= set(languages)

    return told


def test_who_comes_late_hears_the_last_sentence_in_a_language_that_nobody_had_before(
    simulated: Stack,
) -> None:
    async def scene(it: Hall) -> None:
        ana = await it.enter("Ana", speaks="en")
        ben = await it.enter("Ben", hears="es")
        await ana.until(knows(ana, "es"))
        await ana.speaks()
        (spanish,) = await ben.hears("es")
        eva = await it.enter("Eva", hears="fr")
        (french,) = await eva.hears("fr")
        assert french == spanish.replace("[es]", "[fr]")
        assert len(await ben.hears("es")) == 1

    play(simulated, scene)


def test_a_listener_changes_the_language_while_a_sentence_is_spoken_and_hears_the_next_in_it(
    simulated: Stack,
) -> None:
    async def scene(it: Hall) -> None:
        ana = await it.enter("Ana", speaks="en")
        ben = await it.enter("Ben", hears="es")
        await ana.until(knows(ana, "es"))
        await ana.client.send_audio(CLIP[: len(CLIP) // 2])
        await ben.until(lambda: any(isinstance(m, server_messages.SpeechStarted) for m in ben.told))
        french = (client_messages.TargetChoice(language="fr"),)
        await ben.client.send(client_messages.SessionUpdate(targets=french))
        await ben.until(lambda: any(isinstance(m, server_messages.SessionUpdated) for m in ben.told))
        await ana.until(knows(ana, "fr"))
        await ana.client.send_audio(CLIP[len(CLIP) // 2 :])
        await ana.client.commit()
        assert len(await ben.hears("fr")) == 1
        assert ben.captions("es") == []

    play(simulated, scene)


def test_another_speaker_takes_the_place_of_the_first_and_is_heard_by_name(simulated: Stack) -> None:
    async def scene(it: Hall) -> None:
        ana = await it.enter("Ana", speaks="en")
        eva = await it.enter("Eva", hears="es")
        await ana.until(knows(ana, "es"))
        await ana.speaks()
        await ana.client.end()
        first = await eva.hears("es")
        carl = await it.enter("Carl", hears="en", speaks="fr")
        await carl.until(knows(carl, "es"))
        await carl.speaks()
        both = await eva.hears("es", 2)
        assert [caption.partition(":")[0] for caption in both] == ["Ana", "Carl"] and both[:1] == first
        assert carl.speech == {}  # nobody hears themselves

    play(simulated, scene)


def test_a_room_of_sixteen_languages_hears_a_sentence_in_each_and_the_floor(simulated: Stack) -> None:
    async def scene(it: Hall) -> None:
        ana = await it.enter("Ana", speaks="en")
        ears = {tag: await it.enter(f"Ear {tag}", hears=tag) for tag in LANGUAGES}
        await ana.until(knows(ana, *LANGUAGES))
        await ana.speaks()
        captions = {tag: await ear.hears(tag) for tag, ear in ears.items()}
        spoken = captions["es"][0].partition("] ")[2]
        assert captions == {tag: [f"Ana: [{tag}] {spoken}"] for tag in LANGUAGES}
        assert all(len(ear.speech) == 1 for ear in ears.values())

    play(simulated, scene)
