"""A second gateway's ear: folds the journal that another gateway writes, and prints the frames it would send.

    python -m tests.gateway.second REDIS_URL SESSION RATE

One JSON line for each frame, from the first entry on, until standard output is closed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import get_args

from bridge.protocol import wire
from bridge.store.journal import BEGIN, Journal
from bridge.types import Rate
from gateway.core.effects import Effect, Play, Say
from gateway.protocols.native import frames
from tests.gateway.events import Reading


def line(effect: Effect) -> str | None:
    """The frame of an effect; times of sending and latencies belong to a connection and are left out."""
    if isinstance(effect, Say):
        message = json.loads(wire.encode(frames.message(effect.what, 0)))
        del message["t_ms"]
        return json.dumps(message | {"seq": effect.seq})
    if isinstance(effect, Play):
        frame = wire.pack_audio(
            seq=effect.seq,
            segment=effect.segment,
            target=effect.target,
            offset=effect.offset,
            pcm=effect.pcm,
            last=effect.last,
        )
        return json.dumps(frame.hex())
    return None


async def follow(url: str, session: str, rate: str) -> None:
    """Prints what comes, as it comes."""
    journal = Journal(url, "second")
    reading = Reading(session, next(known for known in get_args(Rate) if str(known) == rate))
    after = BEGIN
    while True:
        for _, entry, _ in await journal.read({session: after}):
            after = entry.id
            for effect in reading.fold(entry):
                if (said := line(effect)) is not None:
                    print(said, flush=True)


if __name__ == "__main__":
    asyncio.run(follow(*sys.argv[1:]))
