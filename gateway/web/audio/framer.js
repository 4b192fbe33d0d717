/**
 * Cuts what a microphone gives, of any rate and number of channels, into the frames that the gateway hears.
 */

import { Mixer } from "./mixer.js";
import { Resampler } from "./resampler.js";

/**
 * 20 ms of speech as PCM s16 mono, its largest magnitude and its root mean square, both 0 to 1.
 * @typedef {{ pcm: Int16Array, peak: number, rms: number }} Frame
 */

/** Hz; what the gateway hears. */
export const SPEECH_RATE = 16_000;
/** 20 ms, the step that the protocol recommends. */
export const FRAME_SAMPLES = 320;

const FULL_SCALE = 32_768;
/** @type {Frame[]} */
const NONE = [];
Object.freeze(NONE);

/** Takes blocks as they come from the sound device and gives whole frames. */
export class Framer {
  #resampler;
  #mixer;
  #mono = new Float32Array(0);
  #speech = new Float32Array(0);
  #pcm = new Int16Array(FRAME_SAMPLES);
  #filled = 0;
  #peak = 0;
  #energy = 0;

  /**
   * @param {number} sampleRate of the channels, Hz
   * @throws {RangeError} the rate is no positive integer
   */
  constructor(sampleRate) {
    this.#resampler = new Resampler(sampleRate, SPEECH_RATE);
    this.#mixer = new Mixer(sampleRate);
  }

  /**
   * The frames that these samples complete, mostly none. The channels, all of one length, may be used again
   * by the caller; the frames belong to it.
   * @param {readonly Float32Array[]} channels
   */
  push(channels) {
    if (channels.length === 0) return NONE;
    const mono = channels.length === 1 ? channels[0] : this.#mix(channels);
    const due = this.#resampler.due(mono.length);
    if (this.#speech.length < due) this.#speech = new Float32Array(due);
    this.#resampler.pushInto(mono, this.#speech);
    let frames = NONE;
    for (let i = 0; i < due; i++) {
      this.#add(this.#speech[i]);
      if (this.#filled === FRAME_SAMPLES) {
        if (frames === NONE) frames = [];
        frames.push(this.#take());
      }
    }
    return frames;
  }

  /** @param {readonly Float32Array[]} channels */
  #mix(channels) {
    const length = channels[0].length;
    if (this.#mono.length !== length) this.#mono = new Float32Array(length);
    this.#mixer.mix(channels, this.#mono);
    return this.#mono;
  }

  /** @param {number} sample */
  #add(sample) {
    const value = Math.max(-1, Math.min(1, sample));
    this.#pcm[this.#filled++] = Math.min(FULL_SCALE - 1, Math.round(value * FULL_SCALE));
    this.#peak = Math.max(this.#peak, Math.abs(value));
    this.#energy += value * value;
  }

  /** @returns {Frame} */
  #take() {
    const frame = { pcm: this.#pcm, peak: this.#peak, rms: Math.sqrt(this.#energy / FRAME_SAMPLES) };
    this.#pcm = new Int16Array(FRAME_SAMPLES);
    this.#filled = 0;
    this.#peak = 0;
    this.#energy = 0;
    return frame;
  }
}
