"""What somebody chose is kept, holds at once, and goes to nobody but the gateway."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.between import Between
from tests.browser.chromium import Visit
from tests.stack import Stack

pytestmark = pytest.mark.browser

THEME = "document.documentElement.dataset.theme"
CAPTION_SIZE = "parseFloat(getComputedStyle(document.querySelector('#log .line')).fontSize)"


def test_choices_are_kept_over_a_reload(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url)
    page = visitor.page
    visitor.open()
    page.select_option("#source", "de")
    page.select_option("#target", "fr")
    page.fill("#volume", "40")
    page.click("#open-settings")
    page.fill("#size", "150")
    page.select_option("#theme", "dark")
    page.select_option("#surroundings", "2")
    page.click("#settings button[value=close]")
    page.wait_for_selector("#settings", state="hidden")
    page.reload()
    visitor.open()

    chosen = {each: page.input_value(f"#{each}") for each in ("source", "target", "volume", "size", "theme")}
    assert chosen == {"source": "de", "target": "fr", "volume": "40", "size": "150", "theme": "dark"}
    assert page.input_value("#surroundings") == "2"
    assert page.evaluate(THEME) == "dark"
    assert not page.is_checked("#cleanup")


def test_the_surroundings_are_told_to_the_gateway(simulated: Stack, visit: Visit, quiet_room: Path) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, choices={"surroundings": 3, "target": "fr"})
    page = visitor.page
    visitor.open()
    visitor.start()
    page.click("#open-settings")
    for surroundings in ("0", ""):
        page.select_option("#surroundings", surroundings)
        page.wait_for_selector("#status[data-live]")
    page.click("#settings button[value=close]")
    with page.expect_event("websocket") as opened:
        page.click("#swap")
    swapped = {"language": "fr"}
    while (starts := [it for it in visitor.sent if it["type"] == "session.start"])[-1]["source"] != swapped:
        opened.value.wait_for_event("framereceived")  # the page still shows that the session before is live

    assert starts[0]["vad"] == {"aggressiveness": 3}
    assert starts[0]["targets"] == [{"language": "fr"}]
    assert {"aggressiveness": 0} in [start.get("vad") for start in starts]
    assert "vad" not in starts[-1]


def test_colours_follow_the_system_unless_some_were_chosen(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url, color_scheme="dark")
    page = visitor.page
    visitor.open()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.evaluate(THEME) == "dark"
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    page.click("#open-settings")
    page.select_option("#theme", "light")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(100)

    assert page.evaluate(THEME) == "light"


def test_the_text_size_holds_at_once_for_what_is_there(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    between = Between(visitor.page)
    page = visitor.page
    visitor.open()
    visitor.start()
    between.sentence(0, "good morning", "buenos días")
    expect(page.locator("#log .line")).to_have_count(1)
    before = page.evaluate(CAPTION_SIZE)
    page.click("#open-settings")
    page.fill("#size", "220")

    assert page.evaluate(CAPTION_SIZE) == pytest.approx(2.2 * before)


def test_nothing_is_asked_of_any_other_host(simulated: Stack, visit: Visit, go_forward: Path) -> None:
    visitor = visit(simulated.url, microphone=go_forward)
    hosts: set[str] = set()
    visitor.page.context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    visitor.page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))
    visitor.open()
    visitor.start()
    visitor.wait_for_lines(1)
    visitor.page.click("#open-settings")
    visitor.beside("/captions").wait_for_selector("#lines .translation")

    assert hosts == {urlsplit(simulated.url).netloc}
    assert visitor.errors == []


def test_a_script_that_gets_in_reaches_no_other_host(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url)
    requests: list[str] = []
    visitor.page.on("request", lambda request: requests.append(request.url))
    visitor.open()
    assert visitor.errors == []
    refused = visitor.page.evaluate("""async () => {
      const seen = [];
      document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
      const signal = AbortSignal.timeout(5_000);
      const failed = await fetch("https://example.org", { signal }).then(() => "", (error) => error.name);
      await new Promise((done) => setTimeout(done, 100));
      return [failed, ...seen];
    }""")

    assert refused == ["TypeError", "connect-src"]
    assert not any("example.org" in request for request in requests)
    assert all("Content Security Policy" in error or "example.org" in error for error in visitor.errors)
    visitor.errors.clear()
