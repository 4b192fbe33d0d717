/** The voice that is heard: a playback worklet behind one volume, and when each sentence began to sound. */

import { Clock } from "./clock.js";
import { resumed } from "./context.js";
import { devices, find } from "./devices.js";

/**
 * @typedef {import("../preferences.js").Device} Device
 * @typedef {{segment: number, offset: number, pcm: Int16Array, last: boolean}} Piece `segment` is a page-wide key
 * @typedef {object} Handlers
 * @property {(segment: number, at: number, queuedMs: number) => void} began `at`: when it left the speaker, ms of
 *   performance.now(); `queuedMs`: what is here and unheard, of all segments
 * @property {(segment: number, playedMs: number, queuedMs: number) => void} sounds four times a second
 * @property {(segment: number, playedMs: number, queuedMs: number) => void} ended
 * @property {(segment: number) => void} dropped too much was waiting; this will not be heard
 * @property {(running: boolean) => void} [allowed] whether the browser lets it sound, at first or again
 * @typedef {{underruns: number, prebufferMs: number, queuedMs: number, speed: number, playing: boolean}} Stats
 */

/** What the gateway sends at; the first is what is asked of the browser, which then converts by itself. */
const RATES = /** @type {const} */ ([24_000, 48_000, 44_100, 22_050, 16_000, 8_000]);

export class Speaker {
  #handlers;
  #context = new AudioContext({ sampleRate: RATES[0], latencyHint: "interactive" });
  #clock = new Clock();
  #gain;
  /** @type {AnalyserNode | undefined} only where somebody looks at the level: it costs battery */
  #analyser;
  #samples = new Float32Array(512);
  /** @type {AudioWorkletNode | undefined} */
  #worklet;
  /** @type {Stats} */
  #stats = { underruns: 0, prebufferMs: 0, queuedMs: 0, speed: 1, playing: false };

  /**
   * To be made within a tap or key, or the browser lets nothing sound.
   * @param {Handlers} handlers
   */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#gain = new GainNode(this.#context);
    this.#gain.connect(this.#context.destination);
    this.#context.onstatechange = () => {
      // While it stood still its clock did too.
      this.#clock = new Clock();
      if (this.#context.state !== "closed") handlers.allowed?.(this.#context.state === "running");
    };
  }

  /** The rate to ask the gateway for; where the browser has another, the worklet resamples. */
  get rate() {
    return RATES.find((rate) => rate === this.#context.sampleRate) ?? RATES[0];
  }

  /** How the playback fares: gaps so far, what it keeps ready against the next, what waits, how fast it speaks. */
  get stats() {
    return this.#stats;
  }

  /** From the worklet to the ear, as far as the browser knows. */
  get latencyMs() {
    return (this.#context.outputLatency || 0) * 1000;
  }

  /** Loudness of this moment, 0 to 1. */
  get level() {
    if (!this.#analyser) {
      this.#analyser = new AnalyserNode(this.#context, { fftSize: this.#samples.length });
      this.#gain.connect(this.#analyser);
    }
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return Math.sqrt(this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length);
  }

  async open() {
    await this.#context.audioWorklet.addModule(new URL("playback-worklet.js", import.meta.url));
    this.#worklet = new AudioWorkletNode(this.#context, "playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions: { rate: this.rate },
    });
    this.#worklet.port.onmessage = ({ data }) => this.#take(data);
    this.#worklet.connect(this.#gain);
  }

  /** @param {Piece} piece its buffer is given away */
  play({ segment, offset, pcm, last }) {
    this.#worklet?.port.postMessage({ type: "push", segment, offset, pcm: pcm.buffer, last }, [pcm.buffer]);
  }

  pause() {
    this.#worklet?.port.postMessage({ type: "pause" });
  }

  resume() {
    this.#worklet?.port.postMessage({ type: "resume" });
  }

  /** Silences all that is here. */
  stop() {
    this.#worklet?.port.postMessage({ type: "stop" });
  }

  /** @param {number} segment not to be heard any more */
  drop(segment) {
    this.#worklet?.port.postMessage({ type: "drop", segment });
  }

  /** @param {number} volume 0 to 1 */
  setVolume(volume) {
    this.#gain.gain.setTargetAtTime(volume, this.#context.currentTime, 0.02);
  }

  /** Sounds where it is wanted, or at the default; browsers without setSinkId have only that. @param {Device | null} wanted */
  async use(wanted) {
    const context = /** @type {AudioContext & {setSinkId?: (id: string) => Promise<void>}} */ (this.#context);
    const chosen = find(wanted, await devices("audiooutput"));
    await context.setSinkId?.(chosen?.id ?? "").catch(() => {});
  }

  /** Goes on after the browser has stopped the sound; resolves to whether it did. */
  wake() {
    return resumed(this.#context);
  }

  close() {
    if (this.#context.state !== "closed") void this.#context.close();
  }

  /** @param {any} data a message of the playback worklet */
  #take(data) {
    if (data.time !== undefined) this.#clock.note(data.time, performance.now());
    switch (data.type) {
      case "began": {
        const left = this.#clock.toPage(data.time) ?? performance.now();
        this.#handlers.began(data.segment, left + this.latencyMs, data.queuedMs);
        break;
      }
      case "ended":
        this.#handlers.ended(data.segment, data.playedMs, data.queuedMs);
        break;
      case "dropped":
        this.#handlers.dropped(data.segment);
        break;
      case "stats":
        this.#stats = data;
        if (data.playing && data.segment !== undefined) this.#handlers.sounds(data.segment, data.playedMs, data.queuedMs);
        break;
    }
  }
}

/** Whether the browser can be told which speaker to use. */
export const CHOOSES_SPEAKER = typeof AudioContext !== "undefined" && "setSinkId" in AudioContext.prototype;
