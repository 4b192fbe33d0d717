"""Listens at the output of the page's playback worklet, before any volume: what a loudspeaker gets."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from bridge.providers.simulated import SimulatedOptions, SimulatedSynthesizer
from bridge.spoken import spoken
from bridge.types import Utterance
from tests.browser.chromium import Visitor

SCRIPT = """
const Native = window.AudioWorkletNode;
const worklet = `
class Tap extends AudioWorkletProcessor {
  #samples = new Float32Array(4096);
  #filled = 0;
  process([[samples]]) {
    if (!samples) return true;
    this.#samples.set(samples, this.#filled);
    this.#filled += samples.length;
    if (this.#filled === this.#samples.length) {
      this.port.postMessage(this.#samples.slice());
      this.#filled = 0;
    }
    return true;
  }
}
registerProcessor("tap", Tap);
`;
window.tapped = [];
window.AudioWorkletNode = class extends Native {
  constructor(context, name, options) {
    super(context, name, options);
    if (name === "playback") void listen(this, context);
  }
};
async function listen(node, context) {
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([worklet], { type: "text/javascript" })));
  const tap = new Native(context, "tap", { numberOfOutputs: 0 });
  tap.port.onmessage = ({ data }) => window.tapped.push(data);
  node.connect(tap);
}
"""
OPTIONS: dict[str, Any] = {"script": SCRIPT, "bypass_csp": True}
"""For `visit`: the policy of the page would refuse the tap, which comes from nowhere."""

READ = """
() => {
  const bytes = new Uint8Array(window.tapped.length * 4096 * 4);
  window.tapped.forEach((samples, at) => bytes.set(new Uint8Array(samples.buffer), at * 4096 * 4));
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) {
    text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  }
  return btoa(text);
}
"""

PART = 480


def heard(page: Page) -> NDArray[np.float32]:
    """All samples so far, at the rate of the playback."""
    return np.frombuffer(base64.b64decode(page.evaluate(READ)), dtype="<f4")


def pcm_of(visitor: Visitor) -> dict[int, NDArray[np.int16]]:
    """What the gateway sent of each segment, in the order in which they came."""
    pieces: dict[int, bytes] = {}
    for frame in visitor.audio:
        assert frame.offset * 2 == len(pieces.setdefault(frame.segment, b""))
        pieces[frame.segment] += frame.pcm
    return {segment: np.frombuffer(pcm, "<i2") for segment, pcm in pieces.items()}


def check_rendered(visitor: Visitor) -> None:
    """All that was sent is heard sample by sample, one segment after the other, and nothing else is."""
    rendered = heard(visitor.page)
    exact = np.round(rendered * 32_768)
    assert np.array_equal(exact, rendered * 32_768)
    sound = exact.astype("<i2")
    end = 0
    for segment, pcm in pcm_of(visitor).items():
        # Found as one piece: no sample is missing, changed or doubled, and no gap lies within.
        start = sound.tobytes().find(pcm.tobytes(), end * 2) // 2
        assert start >= end, f"segment {segment} is not in the sound, or not in its order"
        assert not sound[end:start].any(), f"something else is heard before segment {segment}"
        end = start + len(pcm)
    assert not sound[end:].any()


def share_rendered(visitor: Visitor) -> float:
    """How much of what was sent is heard unchanged and in its order, in parts of 20 ms. On a machine so busy
    that speech runs dry a few are not, because it fades out and in there."""
    sound = np.round(heard(visitor.page) * 32_768).astype("<i2").tobytes()
    parts = [
        part.tobytes()
        for pcm in pcm_of(visitor).values()
        for part in np.split(pcm, range(PART, len(pcm), PART))
        if part.any()
    ]
    end, found = 0, 0
    for part in parts:
        if (at := sound.find(part, end)) >= 0:
            end, found = at + len(part), found + 1
    return found / len(parts)


def times_heard(page: Page, translation: str, tone_ms: int) -> int:
    """How often the page has played what the simulated tts makes of a text, complete and unchanged."""
    engine = SimulatedSynthesizer(SimulatedOptions(simulated_tts_ms=(0,), simulated_tts_audio_ms=tone_ms))
    tone = b"".join(audio.pcm for audio in engine.synthesize(Utterance(spoken(translation, "es"), "es")))
    return np.round(heard(page) * 32_768).astype("<i2").tobytes().count(tone)
