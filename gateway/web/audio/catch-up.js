/**
 * Decides how much of the speech is left out while the listener is behind, and the server's own haste is not enough.
 *
 * Speech is shortened by pitch periods (see accelerate.js), so that a waiting queue shrinks without a
 * change of pitch; long silence is shortened as well. At speed 1 nothing is touched.
 */

import { Accelerator, QUIET } from "./accelerate.js";

/** @typedef {import("./segment-audio.js").SegmentAudio} SegmentAudio */

/** With this much waiting speech, twice CATCH_UP_MS, the server is told so and speaks as fast as it may (ms). */
const SLOWEST_AT_MS = 4_000;
/** From this much on it goes as fast as it may (ms). */
const FASTEST_AT_MS = 10_000;
/** Of speech that is SPEECH_RATE_MOST, 1.25 times as fast already: 1.5 times is what listeners still follow. */
const FASTEST = 1.2;

/** Silence is shortened to this; a pause of it still separates sentences. */
const SILENCE_S = 0.12;

/** A place that is less like itself a lag later is put off: onsets and most consonants. */
const GOOD_MATCH = 0.7;

const QUIET_LEVEL = QUIET / 32_768;

/**
 * @param {number} waitingMs speech that has not begun to be heard
 * @returns {number} 1 to 1.2
 */
export function speedFor(waitingMs) {
  const part = (waitingMs - SLOWEST_AT_MS) / (FASTEST_AT_MS - SLOWEST_AT_MS);
  return 1 + (FASTEST - 1) * Math.min(1, Math.max(0, part));
}

export class CatchUp {
  #accelerator;
  #silence;
  #speed = 1;
  /** Samples that ought to have been left out and were not. */
  #owed = 0;
  /** Samples to be heard untouched before the next cut. */
  #rest = 0;
  /** Quiet samples heard last. */
  #quiet = 0;

  /** @param {number} rate Hz */
  constructor(rate) {
    this.#accelerator = new Accelerator(rate);
    this.#silence = Math.round(SILENCE_S * rate);
  }

  get speed() {
    return this.#speed;
  }

  /** How many samples may be heard until `trim` wants to be asked again. */
  get stride() {
    return this.#speed === 1 ? Infinity : this.#accelerator.leastLag;
  }

  /** @param {number} waitingMs speech that has not begun to be heard */
  follow(waitingMs) {
    this.#speed = speedFor(waitingMs);
    if (this.#speed > 1) return;
    this.#owed = 0;
    this.#quiet = 0;
  }

  /**
   * Leaves out of a segment what is due now.
   * @param {SegmentAudio} speech
   * @param {number} spare how many of its samples may be looked at and left out
   */
  trim(speech, spare) {
    if (this.#speed === 1) return;
    const silent = this.#silentExcess(speech, spare);
    speech.skip(silent);
    const accelerator = this.#accelerator;
    // Within silence there is no pitch, and what follows may be a soft onset.
    if (this.#quiet >= accelerator.leastLag || this.#owed < accelerator.leastLag) return;
    if (this.#rest > 0 || spare - silent < accelerator.reach) return;
    // When this much is owed any place will do: noise and whispering have no good one.
    const leastMatch = this.#owed >= accelerator.reach ? 0 : GOOD_MATCH;
    const lag = accelerator.leaveOut(speech.samples, speech.start, leastMatch);
    speech.skip(lag);
    this.#owed -= lag;
    // The cross-fade and as much again, so that it is never faster than 1.5.
    this.#rest = 2 * lag;
  }

  /**
   * Takes note of what was heard.
   * @param {Float32Array} out
   * @param {number} from
   * @param {number} to the index behind the last
   */
  heard(out, from, to) {
    if (this.#speed === 1) return;
    const count = to - from;
    this.#owed = Math.min(this.#accelerator.reach, this.#owed + count * (this.#speed - 1));
    this.#rest -= count;
    let quiet = 0;
    while (quiet < count && Math.abs(out[to - 1 - quiet]) < QUIET_LEVEL) quiet++;
    this.#quiet = quiet === count ? this.#quiet + quiet : quiet;
  }

  /**
   * Half of the silence is kept where it begins and half where it ends: both ends may be soft speech.
   * @param {SegmentAudio} speech
   * @param {number} spare
   */
  #silentExcess(speech, spare) {
    if (this.#quiet < this.#silence / 2) return 0;
    const { samples, start, end } = speech;
    let run = 0;
    while (start + run < end && Math.abs(samples[start + run]) < QUIET) run++;
    return Math.max(0, Math.min(this.#quiet + run - this.#silence, spare));
  }
}
