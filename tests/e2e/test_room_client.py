"""The command line in a room of the whole system: one speaks a recording, one keeps what is heard."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import pytest

from bridge.cli.audience import attend
from bridge.client import Result, RoomLink, Seat, Wish, translate_recording
from bridge.media import decode
from bridge.store.presence import Attendance
from bridge.store.rooms import Rooms
from tests.proxy import Proxy
from tests.stack import Stack

pytestmark = pytest.mark.e2e

CLIP = Path(__file__).parent.parent / "data" / "speech" / "go_forward.wav"


async def meeting(stack: Stack, wav: Path, srt: Path, torn: bool = False) -> Result:
    """A listener of Spanish hears one recording, then the room is ended. If `torn`, both lose connections."""
    rooms, attendance = Rooms(stack.redis.url), Attendance(stack.redis.url)
    made = await rooms.create("Stand-up", 600, 10)
    async with Proxy(stack.url) as network:
        url = network.url.replace("ws:", "http:")
        listening = asyncio.create_task(attend(RoomLink(url, made.room, made.listen, False), "es", wav, srt))
        seat = Seat(made.room, made.speak, "speaker", "Ana")
        wish = Wish(url, "en", (), seat=seat)
        if torn:
            places = [2_500, 9_000, 30_000]
            network.tear_when = lambda passed: bool(places) and passed > places[0] and bool(places.pop(0))
        async with asyncio.timeout(20):
            while not await attendance.get(made.room):  # noqa: ASYNC110  # it is known to Redis alone
                await asyncio.sleep(0.01)  # where nobody listens yet, nothing is recognised
            result = await translate_recording(wish, decode(CLIP))
            await rooms.end(made.room)
            await listening
    await rooms.close()
    await attendance.close()
    return result


def pcm(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        return file.readframes(file.getnframes())


def test_what_is_spoken_into_a_room_is_heard_and_kept_whatever_becomes_of_the_connections(
    simulated: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, torn = tmp_path / "whole.wav", tmp_path / "torn.wav"
    undisturbed = asyncio.run(meeting(simulated, whole, tmp_path / "whole.srt"))
    (segment,) = undisturbed.segments.values()
    assert segment.text
    assert (segment.name, segment.translations) == ("Ana", {})
    printed = capsys.readouterr()
    (caption,) = printed.out.splitlines()
    assert caption.startswith("Ana: ")
    assert caption in (tmp_path / "whole.srt").read_text().replace("\n", " ")
    assert "The room was ended." in printed.err
    heard = pcm(whole).strip(b"\0")
    assert len(heard) > 24_000

    disturbed = asyncio.run(meeting(simulated, torn, tmp_path / "torn.srt", torn=True))
    assert [each.text for each in disturbed.segments.values()] == [segment.text]
    assert pcm(torn).strip(b"\0") == heard
    assert capsys.readouterr().out.splitlines() == [caption]
