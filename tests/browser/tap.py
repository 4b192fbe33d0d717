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


def heard(page: Page) -> NDArray[np.float32]:
    """All samples so far, at the rate of the playback."""
    return np.frombuffer(base64.b64decode(page.evaluate(READ)), dtype="<f4")


def times_heard(page: Page, translation: str, tone_ms: int) -> int:
    """How often the page has played what the simulated tts makes of a text, complete and unchanged."""
    engine = SimulatedSynthesizer(SimulatedOptions(simulated_tts_ms=(0,), simulated_tts_audio_ms=tone_ms))
    tone = b"".join(audio.pcm for audio in engine.synthesize(Utterance(spoken(translation, "es"), "es")))
    return np.round(heard(page) * 32_768).astype("<i2").tobytes().count(tone)
