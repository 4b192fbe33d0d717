"""Which work of a session is still wanted, and the speech that waits for stt: the gateway's side.

Work is cancelled by number: segments before `from` and attempts before the one named stop wherever they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bridge.store import keys
from bridge.store.control import Command
from bridge.types import Decision, Stage

# Only in a session that is there: nothing may bring back one that was closed, and keep it for ever.
_SET = keys.script(
    "sessions.set",
    "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end",
)


class Sessions:
    """Called from an event loop. Every method raises RedisUnavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = keys.connect_async(url)

    async def keep(self, firsts: Mapping[str, int], ttl: int) -> None:
        """Opens sessions, or keeps them for `ttl` seconds more; the value is the first segment wanted."""
        if not firsts:
            return
        with keys.reported(self.url):
            async with self._client.pipeline(transaction=False) as pipe:
                for session, first in firsts.items():
                    # Only where it is missing: a number read a moment ago must not undo a later cancel.
                    pipe.hsetnx(keys.live(session), "from", str(first))
                    pipe.expire(keys.live(session), ttl)
                await pipe.execute()

    async def close_session(self, session: str) -> None:
        """Ends all work of a session and forgets it."""
        with keys.reported(self.url):
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.delete(keys.live(session))
                pipe.publish(keys.CANCEL, json.dumps([session, None]))
                await pipe.execute()

    async def cancel_before(self, session: str, segment: int) -> None:
        """Makes all segments before `segment` stop, wherever they are."""
        with keys.reported(self.url):
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.eval(_SET, 1, keys.live(session), "from", str(segment))
                pipe.publish(keys.CANCEL, json.dumps([session, segment]))
                await pipe.execute()

    async def tell(self, room: str, decision: Decision, at: float) -> None:
        """Lets the workers hear of a decision (paused, resumed, stopped) before it stands in the journal.

        It was made `at`, in seconds on the clock of Redis.
        """
        with keys.reported(self.url):
            await self._client.publish(keys.CANCEL, Command.of(room, decision, at).message())

    async def drop(self, session: str, segment: int, revision: int) -> None:
        """Makes drafts of a segment up to `revision` stop, wherever they are."""
        with keys.reported(self.url):
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.eval(_SET, 1, keys.live(session), "draft", f"{segment}.{revision}")
                pipe.publish(keys.CANCEL, json.dumps([session, segment, revision]))
                await pipe.execute()

    async def supersede(
        self, session: str, segment: int, revision: int, stage: Stage, target: str | None, attempt: int
    ) -> None:
        """Makes attempts before `attempt` that no worker has begun yet never begin."""
        with keys.reported(self.url):
            field = keys.least(segment, revision, stage, target)
            await self._client.eval(_SET, 1, keys.live(session), field, str(attempt))

    async def settle(self, session: str, fields: list[str]) -> None:
        """Forgets which attempts of finished work were wanted; `fields` are names by keys.least."""
        if fields:
            with keys.reported(self.url):
                await self._client.hdel(keys.live(session), *fields)

    async def put_audio(self, session: str, segment: int, revision: int, pcm: bytes, ttl: float) -> str:
        """Leaves the speech of a segment for the stt worker; returns its key, the claim check."""
        key = keys.audio(session, segment, revision)
        with keys.reported(self.url):
            await self._client.set(key, pcm, px=int(ttl * 1000))
        return key

    async def put_partial(self, session: str, segment: int, samples: int, pcm: bytes, ttl: float) -> str:
        """Leaves the speech so far of a segment that goes on, for whoever looks at it; returns its key."""
        key = keys.partial(session, segment, samples)
        with keys.reported(self.url):
            await self._client.set(key, pcm, px=int(ttl * 1000))
        return key

    async def missing_audio(self, session: str, segments: Sequence[tuple[int, int]]) -> frozenset[int]:
        """Of (segment, revision), the segments whose speech is not here."""
        if not segments:
            return frozenset()
        with keys.reported(self.url):
            async with self._client.pipeline(transaction=False) as pipe:
                for segment, revision in segments:
                    pipe.exists(keys.audio(session, segment, revision))
                found = await pipe.execute()
        return frozenset(segment for (segment, _), there in zip(segments, found, strict=True) if not there)

    async def drop_audio(self, *names: str) -> None:
        """Forgets speech that is transcribed or not wanted any more, before its time."""
        if names:
            with keys.reported(self.url):
                await self._client.delete(*names)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
