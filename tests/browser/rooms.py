"""A room for the tests of this folder: its links, and what people on its pages do."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from tests.browser.chromium import Visitor


@dataclass(frozen=True)
class Links:
    """Paths of the pages, secrets and all."""

    room: str
    listen: str
    speak: str

    def end(self, url: str) -> None:
        """Ends the room for everybody, as its owner may."""
        secret = self.speak.partition("#")[2].partition("&")[0]
        answer = httpx.delete(f"{url}/v1/rooms/{self.room}", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 204, answer.text


def open_room(url: str, name: str = "") -> Links:
    """A new room on a running server."""
    answer = httpx.post(f"{url}/v1/rooms", json={"name": name} if name else {})
    assert answer.status_code == 201, answer.text
    told = answer.json()
    return Links(told["room"], told["listen"]["path"], told["speak"]["path"])


def listen(visitor: Visitor, path: str, language: str = "") -> None:
    """Opens the listener's page and listens, in the language that is preselected unless one is named."""
    visitor.page.goto(visitor.url + path)
    visitor.page.wait_for_selector("#talk:enabled")
    if language:
        visitor.page.select_option("#language", language)
    visitor.page.click("#talk")
    visitor.page.wait_for_selector("#status[data-live]")


def speak(visitor: Visitor, path: str, *, spoken: str = "", heard: str | None = None) -> None:
    """Opens the speaker's page and begins to speak; `heard` may be empty for who hears nobody."""
    visitor.page.goto(visitor.url + path)
    visitor.page.wait_for_selector("#talk:enabled")
    if spoken:
        visitor.page.select_option("#source", spoken)
    if heard is not None:
        visitor.page.select_option("#target", heard)
    visitor.page.click("#talk")
    visitor.page.wait_for_selector("#status[data-live]")


def said(visitor: Visitor, *, own: bool = False) -> list[tuple[str, str]]:
    """The captions in their order: by whom, and what."""
    rows = visitor.page.locator("#log .said[data-own]" if own else "#log .said:not([data-own])").all()
    return [(row.locator(".name").inner_text(), row.locator(".words").inner_text()) for row in rows]
