"""Makes docs/screenshots from the running system: `python scripts/screenshots.py [SCENE ...]`.

Real Chromium, real speech from tests/data/speech, the engines of `make run`. Needs the dev packages, Flower
and, for the look of the pictures, the fonts of Debian's fonts-noto-core.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

from tests.browser import rooms  # noqa: E402
from tests.browser.chromium import (  # noqa: E402
    DENY,
    FAKE_DEVICE,
    SPEECH,
    Browsers,
    Visitor,
    Visits,
    recording,
)
from tests.browser.network import Network  # noqa: E402
from tests.stack import Stack, free_port, running, status, wait_until  # noqa: E402

FOLDER = REPOSITORY / "docs" / "screenshots"
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
CLIPS = ("go_forward.wav", "sense_0880.wav", "go_somewhere.wav")


class Studio:
    """A running system, a microphone with human speech, and where the pictures go."""

    def __init__(self, visits: Visits, stack: Stack, microphone: Path) -> None:
        self.visits = visits
        self.stack = stack
        self.microphone = microphone

    def visit(self, **options: Any) -> Visitor:
        url = options.pop("url", self.stack.url)
        return self.visits.visit(url, **{"microphone": self.microphone} | options)

    def take(self, visitor: Visitor, name: str) -> None:
        save(visitor.page, name)


def save(page: Page, name: str) -> None:
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    sys.stdout.write(f"{path.relative_to(REPOSITORY)}\n")


def talking(visitor: Visitor, lines: int = 3) -> None:
    """Opens the page, speaks until so many sentences are heard, and goes on."""
    visitor.open()
    visitor.start()
    visitor.wait_for_lines(lines, 60)


def live(studio: Studio, name: str, **options: Any) -> None:
    visitor = studio.visit(**options)
    talking(visitor)
    visitor.page.wait_for_timeout(400)
    studio.take(visitor, name)


def welcome(studio: Studio) -> None:
    visitor = studio.visit()
    visitor.open()
    studio.take(visitor, "welcome")


def settings(studio: Studio) -> None:
    visitor = studio.visit()
    talking(visitor, 2)
    visitor.page.click("#open-settings")
    visitor.page.wait_for_timeout(300)
    studio.take(visitor, "settings")


def lost(studio: Studio) -> None:
    network = Network(studio.stack.port)
    visitor = studio.visit(url=network.url)
    talking(visitor, 2)
    network.cut()
    visitor.trouble("connection_lost")
    visitor.page.wait_for_timeout(2_500)
    studio.take(visitor, "lost")
    network.close()


def recording_done(studio: Studio) -> None:
    visitor = studio.visit()
    visitor.open()
    visitor.page.set_input_files("#file", SPEECH / "sense_0890.wav")
    visitor.page.wait_for_selector("#job-audio:visible", timeout=60_000)
    visitor.page.wait_for_timeout(300)
    studio.take(visitor, "recording")


def captions(studio: Studio) -> None:
    visitor = studio.visit()
    talking(visitor, 1)
    window = visitor.page.context.new_page()
    window.goto(studio.stack.url + "/captions?show=both&lines=2")
    visitor.wait_for_lines(3, 60)
    save(window, "captions")


def denied(studio: Studio) -> None:
    visitor = studio.visit(flags=(FAKE_DEVICE, DENY), **PHONE)
    visitor.open()
    visitor.page.click("#talk")
    visitor.trouble("denied")
    studio.take(visitor, "phone-denied")


def room_links(studio: Studio) -> None:
    visitor = studio.visit()
    visitor.page.goto(studio.stack.url + "/room")
    visitor.page.fill("#name", "Team meeting")
    visitor.page.click("#create")
    visitor.page.wait_for_selector(".qr")
    studio.take(visitor, "room-links")


def room(studio: Studio) -> None:
    """Two speak, another listens on a phone; all is taken after the third sentence."""
    links = rooms.open_room(studio.stack.url, "Team meeting")
    listener = studio.visit(**PHONE, locale="es")
    rooms.listen(listener, links.listen)
    other = recording(studio.microphone.with_name("other.wav"), "go_somewhere.wav", tail_ms=9_000)
    rooms.speak(studio.visit(microphone=other, choices={"name": "Ben"}), links.speak, heard="")
    speaker = studio.visit(choices={"name": "Ana"})
    rooms.speak(speaker, links.speak, heard="es")
    listener.page.locator("#log .said[data-heard]").nth(3).wait_for(timeout=60_000)
    listener.page.wait_for_timeout(400)
    studio.take(listener, "room-listener")
    studio.take(speaker, "room-speaker")


def shared(studio: Studio) -> None:
    """Two people with one phone, whose near half speaks."""
    visitor = studio.visit(**PHONE)
    visitor.page.goto(studio.stack.url + "/pass")
    visitor.page.click("#talk")
    visitor.page.click("#near-speak")
    visitor.page.locator("#far-log .words[data-heard]").nth(1).wait_for(timeout=60_000)
    visitor.page.wait_for_timeout(400)
    studio.take(visitor, "pass")


def flower(studio: Studio) -> None:
    """What an operator sees while somebody speaks: tasks, queues and a worker."""
    port, login = free_port(), {"username": "flower", "password": "for the picture"}
    studio.stack.start("flower", FLOWER_PORT=str(port), FLOWER_PASSWORD=login["password"])
    wait_until(lambda: status(port, "/healthcheck") == 200, 60, "Flower listens")
    wide = {"width": 1440, "height": 800}
    page = studio.visit(http_credentials=login, viewport=wide).page
    page.goto(f"http://127.0.0.1:{port}/workers")
    page.locator("#workers-table tbody tr").nth(2).wait_for(timeout=60_000)
    talking(studio.visit())
    page.goto(f"http://127.0.0.1:{port}/tasks")
    page.locator("#tasks-table tbody tr").nth(8).wait_for(timeout=60_000)
    save(page, "flower")
    page.goto(f"http://127.0.0.1:{port}/broker")
    page.locator("#queue-table tbody tr").nth(2).wait_for(timeout=60_000)
    save(page, "flower-queues")
    page.goto(f"http://127.0.0.1:{port}/workers")
    page.get_by_role("link", name="tts-cpu0-0").click()
    page.click("#worker-tab-other")
    page.wait_for_timeout(300)
    save(page, "flower-worker")


SCENES: dict[str, Callable[[Studio], None]] = {
    "welcome": welcome,
    "live": lambda studio: live(studio, "live"),
    "live-dark": lambda studio: live(studio, "live-dark", choices={"theme": "dark"}),
    "phone": lambda studio: live(studio, "phone", **PHONE),
    "settings": settings,
    "lost": lost,
    "recording": recording_done,
    "captions": captions,
    "phone-denied": denied,
    "room-links": room_links,
    "room": room,
    "pass": shared,
    "flower": flower,
}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    browsers = Browsers()
    with (
        tempfile.TemporaryDirectory() as name,
        running(Path(name), TASK_EVENTS="true") as stack,
        closing(browsers),
    ):
        microphone = recording(Path(name) / "microphone.wav", *CLIPS)
        for scene in sys.argv[1:] or SCENES:
            with closing(Visits(browsers)) as visits:
                SCENES[scene](Studio(visits, stack, microphone))


if __name__ == "__main__":
    main()
