/**
 * Runs in the audio thread and hands the page the microphone's sound in frames of 20 ms.
 *
 * Down: `{type: "mute", on: boolean}`.
 * Up: `{type: "frame", pcm: ArrayBuffer, peak, rms, time}`; `pcm` is s16 mono at 16 kHz, `time` is the end of
 * the block that completed the frame, in seconds on the context's clock. While muted `pcm` is silence, so
 * that the gateway still measures the pause; `peak` and `rms` stay the microphone's, so that the page can
 * tell a speaker who forgot. An input without channels, its device gone, yields nothing.
 */

import { Framer } from "./framer.js";

class Capture extends AudioWorkletProcessor {
  #framer = new Framer(sampleRate);
  #muted = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data.type === "mute") this.#muted = data.on;
    };
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    for (const { pcm, peak, rms } of this.#framer.push(inputs[0])) {
      if (this.#muted) pcm.fill(0);
      const time = (currentFrame + inputs[0][0].length) / sampleRate;
      this.port.postMessage({ type: "frame", pcm: pcm.buffer, peak, rms, time }, [pcm.buffer]);
    }
    return true;
  }
}

registerProcessor("capture", Capture);
