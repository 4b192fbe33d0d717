/**
 * Runs in the audio thread and plays the speech that the page hands down; all it decides is in PlaybackQueue.
 *
 * Down: `{type: "push", segment, offset, pcm: ArrayBuffer, last}`, `{type: "pause" | "resume" | "stop"}`,
 * `{type: "drop", segment}`.
 * Up: the events of the queue with `time`, seconds on the context's clock, in place of `at`, and `queuedMs`, what
 * is here and unheard; and `{type: "stats", ...}` four times a second while there is something to play, once more
 * when it is over.
 */

import { PlaybackQueue } from "./playback-queue.js";
import { Resampler } from "./resampler.js";

const STATS_PER_SECOND = 4;

class Playback extends AudioWorkletProcessor {
  #queue;
  /** Samples of the context for one of the queue. */
  #ratio;
  #statsDue = 0;
  #busy = false;
  /** @type {Resampler | undefined} */
  #resampler;
  #pulled = new Float32Array(0);
  /** Resampled speech; [#start, #end) is still to be heard. */
  #resampled = new Float32Array(0);
  #start = 0;
  #end = 0;
  /** Samples of the context that were filled so far. */
  #filled = 0;

  /** @param {AudioWorkletNodeOptions} options `processorOptions`: `{rate: number}`, Hz of the pieces */
  constructor({ processorOptions: { rate } }) {
    super();
    this.#queue = new PlaybackQueue(rate);
    this.#ratio = sampleRate / rate;
    if (rate !== sampleRate) this.#resampler = new Resampler(rate, sampleRate);
    this.port.onmessage = ({ data }) => this.#take(data);
  }

  /**
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   */
  process(_inputs, outputs) {
    const channels = outputs[0];
    if (channels.length === 0) return true;
    const first = channels[0];
    if (this.#resampler === undefined) this.#queue.pull(first);
    else this.#pullResampled(this.#resampler, first);
    for (let i = 1; i < channels.length; i++) channels[i].set(first);
    this.#tell();
    this.#filled += first.length;
    return true;
  }

  /** @param {any} data a message of the page */
  #take(data) {
    switch (data.type) {
      case "push":
        this.#queue.push({ ...data, pcm: new Int16Array(data.pcm) });
        break;
      case "pause":
        this.#queue.pause();
        break;
      case "resume":
        this.#queue.resume();
        break;
      case "stop":
        this.#queue.stop();
        break;
      case "drop":
        this.#queue.drop(data.segment);
        break;
    }
  }

  /**
   * @param {Resampler} resampler
   * @param {Float32Array} out
   */
  #pullResampled(resampler, out) {
    const block = Math.ceil(out.length / this.#ratio);
    if (this.#pulled.length !== block) this.#pulled = new Float32Array(block);
    for (let i = 0; i < out.length; i++) {
      while (this.#start === this.#end) this.#resample(resampler);
      out[i] = this.#resampled[this.#start++];
    }
  }

  /** @param {Resampler} resampler */
  #resample(resampler) {
    this.#queue.pull(this.#pulled);
    const due = resampler.due(this.#pulled.length);
    if (due > this.#resampled.length) this.#resampled = new Float32Array(due);
    this.#start = 0;
    this.#end = resampler.pushInto(this.#pulled, this.#resampled);
  }

  #tell() {
    for (const { at, ...event } of this.#queue.takeEvents()) {
      // The first sample of the queue is the first that was filled, and both go on at their rates.
      const frame = currentFrame + at * this.#ratio - this.#filled;
      this.port.postMessage({ ...event, time: frame / sampleRate, queuedMs: this.#queue.stats.queuedMs });
    }
    if (currentFrame < this.#statsDue) return;
    this.#statsDue = currentFrame + sampleRate / STATS_PER_SECOND;
    const stats = this.#queue.stats;
    const busy = stats.queuedMs > 0 || stats.playing;
    if (busy || this.#busy) this.port.postMessage({ type: "stats", ...stats });
    this.#busy = busy;
  }
}

registerProcessor("playback", Playback);
