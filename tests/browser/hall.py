"""A room that is told what to say: the others in it, and all that may end it, at once and in any order."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Page, Route, WebSocketRoute

ROOM = "/r/hall#secret"
SPEAK = "/r/hall/speak#secret&listen=other"
LANGUAGES = [
    {"tag": "ar", "name": "Arabic", "rtl": True},
    {"tag": "en", "name": "English", "rtl": False},
    {"tag": "es", "name": "Spanish", "rtl": False},
    {"tag": "fr", "name": "French", "rtl": False},
]
ANA = {"id": 1, "name": "Ana", "language": "en", "away": False}
SELF = 2
BLOCK = 1 << 20


class Hall:
    """Answers in place of the gateway what a page asks of the room `hall`."""

    def __init__(self, page: Page, **about: Any) -> None:
        self.about = {
            "room": "hall",
            "name": "Team meeting",
            "role": "speaker",
            "speakers": [ANA],
            "listeners": {"es": 3},
            "languages": LANGUAGES,
        } | about
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.knows_rooms = True
        self.heard: list[dict[str, Any]] = []
        self.uploaded = 0
        self._language = ""
        self._socket: WebSocketRoute | None = None
        page.route(re.compile("/v1/rooms/hall$"), self._tell)
        page.route_web_socket(re.compile("/v1/stream$"), self._connect)

    def _tell(self, route: Route) -> None:
        status, told = self.refusal or (200, self.about)
        route.fulfill(status=status, json=told)

    def _connect(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        socket.on_message(self._hear)

    def _hear(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self.uploaded += len(data)
            return
        message = json.loads(data)
        self.heard.append(message)
        if message["type"] == "session.start":
            targets: list[dict[str, str]] = message.get("targets", [])
            self._language = targets[0]["language"] if targets else ""
            self.say(type="session.started", **self._started(message))
            self.people([ANA], {"es": 3})
        elif message["type"] == "session.update" and "targets" in message:
            self._language = message["targets"][0]["language"]
            self.say(type="session.updated", config=self._config(message))

    def _started(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "session_id": "s",
            "participant": SELF,
            "limits": {"max_message_bytes": 65_536, "max_segments": 8, "idle_s": 600},
            "config": self._config(message),
            "providers": {},
        }

    def _config(self, message: dict[str, Any]) -> dict[str, Any]:
        targets = [{"language": self._language}] if self._language else []
        config: dict[str, Any] = {"targets": targets, "output": {"rate": 24_000}, "vad": {}}
        return config | (
            {"room": "hall", "role": message.get("role", "listener")} if self.knows_rooms else {}
        )

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of this kind that the page has sent."""
        return [message for message in self.heard if message["type"] == kind]

    def say(self, **message: Any) -> None:
        """One message of the running session."""
        assert self._socket is not None
        self._socket.send(json.dumps({"seq": 1, "t_ms": 0} | message))

    def people(self, speakers: list[dict[str, Any]], listeners: dict[str, int]) -> None:
        self.say(type="room.updated", speakers=speakers, listeners=listeners)

    def understood(self, n: int, text: str, *, speaker: int = 1, name: str = "Ana") -> int:
        """Words of somebody, as they were said. Returns their segment."""
        segment = speaker * BLOCK + n
        place = {"start_ms": 0, "end_ms": 900, "language": "en"}
        self.say(type="transcript.final", segment=segment, speaker=speaker, name=name, text=text, **place)
        return segment

    def sentence(self, n: int, text: str, translation: str, target: str = "es") -> None:
        """A whole sentence of Ana's, without its sound."""
        segment = self.understood(n, text)
        about = {"segment": segment, "speaker": 1}
        self.say(type="translation.final", target=target, text=translation, **about)
        self.say(type="segment.done", timings_ms={}, **about)

    def fail(self, code: str, close: int, **fields: Any) -> None:
        """Ends the session as the gateway does."""
        said = {"code": code, "message": f"{code}.", "hint": "", "fatal": True, "close_code": close}
        self.say(type="error", **said, **fields)
        assert self._socket is not None
        self._socket.close(code=close)
