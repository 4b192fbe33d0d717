"""Between the page and the gateway: says at once what the gateway would take long for, or cannot say yet."""

from __future__ import annotations

import json
import random
import re
import struct
import wave
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, WebSocketRoute

from bridge.types import SPEECH_RATE


class Between:
    """Passes all on in both directions, and tells the page what a test wants besides."""

    def __init__(self, page: Page) -> None:
        self._route: WebSocketRoute | None = None
        self._refuses = False
        page.route_web_socket(re.compile("/v1/stream$"), self._connect)

    def _connect(self, route: WebSocketRoute) -> None:
        if self._refuses:
            route.close(code=1011)
            return
        self._route = route
        route.connect_to_server()

    def say(self, kind: str, **fields: Any) -> None:
        """One message of the running session."""
        assert self._route is not None
        self._route.send(json.dumps({"type": kind, "seq": 1, "t_ms": 0} | fields))

    def frame(self, data: bytes) -> None:
        """A binary message of the running session."""
        assert self._route is not None
        self._route.send(data)

    def source(
        self, segment: int, text: str, kind: str = "final", language: str = "en", **fields: Any
    ) -> None:
        begin = segment * 4_000 + 352
        self.say(
            f"transcript.{kind}",
            segment=segment,
            text=text,
            language=language,
            start_ms=begin,
            end_ms=begin + 2_016,
            **fields,
        )

    def translation(
        self, segment: int, text: str, kind: str = "final", target: str = "es", **fields: Any
    ) -> None:
        self.say(f"translation.{kind}", segment=segment, target=target, text=text, **fields)

    def sentence(self, segment: int, source: str, translation: str, target: str = "es") -> None:
        """A whole sentence without its sound."""
        self.source(segment, source)
        self.translation(segment, translation, target=target)
        self.say("segment.done", segment=segment, timings_ms={})

    def failure(self, segment: int, source: str) -> None:
        self.source(segment, source)
        self.say(
            "segment.failed",
            segment=segment,
            stage="translation",
            code="timed_out",
            message="No answer.",
            retryable=True,
        )
        self.say("segment.done", segment=segment, timings_ms={})

    def cut(self) -> None:
        """Closes the connection and refuses new ones."""
        self._refuses = True
        assert self._route is not None
        self._route.close(code=1011)

    def mend(self) -> None:
        self._refuses = False


def quiet(path: Path) -> Path:
    """A microphone in an empty room: noise of one bit, in which nobody finds speech."""
    bits = random.Random(1)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SPEECH_RATE, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", bits.choice((-2, 2))) for _ in range(SPEECH_RATE)))
    return path
