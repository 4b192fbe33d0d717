"""Watches how a page asks for its microphone, and takes it away as a loose plug or another program does."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

SCRIPT = """{
const media = navigator.mediaDevices;
const open = media.getUserMedia.bind(media);
const list = media.enumerateDevices.bind(media);
window.asked = [];
window.tracks = [];
window.contexts = [];
window.gains = [];
window.refusals = [];
window.away = false;
media.getUserMedia = async (wanted) => {
  window.asked.push(wanted.audio);
  const refusal = window.away ? ["Requested device not found", "NotFoundError"] : window.refusals.shift();
  if (refusal) throw new DOMException(...refusal);
  const stream = await open(wanted);
  window.tracks.push(...stream.getAudioTracks());
  return stream;
};
media.enumerateDevices = async () =>
  (await list()).filter(({ kind }) => !window.away || kind !== "audioinput");
window.unplug = () => {
  const track = window.tracks.at(-1);
  track.stop();
  track.dispatchEvent(new Event("ended"));
};
window.plug = () => {
  window.away = false;
  media.dispatchEvent(new Event("devicechange"));
};
window.AudioContext = class extends AudioContext {
  constructor(options) {
    super(options);
    window.contexts.push(this);
  }
};
window.GainNode = class extends GainNode {
  constructor(context, options) {
    super(context, options);
    window.gains.push(this);
  }
};
}"""

SPEAKER_RATE = 24_000
"""What the page asks for; Chromium's fake microphone and so its context run at 44.1 kHz."""


def asked(page: Page) -> list[dict[str, Any]]:
    """The audio constraints of all calls of getUserMedia."""
    found: list[dict[str, Any]] = page.evaluate("window.asked")
    return found


def label(page: Page) -> str:
    """The microphone that was opened last."""
    found: str = page.evaluate("window.tracks.at(-1).label")
    return found


def refuse(message: str, name: str) -> str:
    """A script after which the next call of getUserMedia throws this DOMException."""
    return SCRIPT + f"window.refusals.push({[message, name]!r});"


def wait_for_volume(page: Page, which: str, volume: float) -> None:
    """Waits until the "translation" or the "original" has this volume in the speaker."""
    sign = {"translation": "===", "original": "!=="}[which]
    page.wait_for_function(
        "volume => window.gains.some(({ context, gain }) => "
        f"context.sampleRate {sign} {SPEAKER_RATE} && context.state !== 'closed' && "
        "Math.abs(gain.value - volume) < 0.01)",
        arg=volume,
        timeout=15_000,
    )
