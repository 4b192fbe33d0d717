/** What the tests of the playback queue say and hear. */

import assert from "node:assert/strict";

/** @typedef {import("../../../../gateway/web/audio/playback-queue.js").PlaybackQueue} PlaybackQueue */

export const RATE = 24_000;
/** 5 ms */
export const FADE = 120;
/** 60 ms */
export const PREBUFFER = 1_440;

/** @param {PlaybackQueue} queue @param {number} count */
export function pull(queue, count) {
  const out = new Float32Array(count).fill(NaN);
  queue.pull(out);
  return out;
}

/** @param {PlaybackQueue} queue */
export const types = (queue) => queue.takeEvents().map((event) => event.type);

/** @param {number} segment @param {Int16Array} pcm */
export const whole = (segment, pcm) => ({ segment, offset: 0, pcm, last: true });

/** @param {number} segment @param {Int16Array} pcm */
export const begun = (segment, pcm) => ({ segment, offset: 0, pcm, last: false });

/** Loud and constant, so that every fade shows. @param {number} count */
export const loud = (count) => new Int16Array(count).fill(16_384);

/** @param {Float32Array} samples */
export const loudness = (samples) => Array.from(samples, (sample) => sample * 2);

/** @param {Float32Array} samples @param {number} at */
export function assertFadesOut(samples, at) {
  const levels = loudness(samples.subarray(at, at + FADE));
  levels.forEach((level, i) => assert.ok(Math.abs(level - (FADE - 1 - i) / FADE) < 1e-6, `${level} at ${i}`));
}

/** @param {Float32Array} samples @param {number} at */
export function assertFadesIn(samples, at) {
  const levels = loudness(samples.subarray(at, at + FADE));
  levels.forEach((level, i) => assert.ok(Math.abs(level - (i + 1) / FADE) < 1e-6, `${level} at ${i}`));
}

/** @param {Float32Array} samples */
export const silent = (samples) => samples.every((sample) => sample === 0);

/**
 * Every sample in turn, as it is or at a level of a fade, and any silence between.
 * @param {Float32Array} heard
 * @param {Int16Array} pcm
 */
export function assertAllHeard(heard, pcm) {
  let place = 0;
  heard.forEach((sample, i) => {
    if (sample === 0) {
      // The last sample of a fade is silent, but it is one.
      if (i > 0 && heard[i - 1] !== 0 && place < pcm.length) place++;
      return;
    }
    const level = ((sample * 32_768) / pcm[place]) * FADE;
    assert.ok(level < FADE + 0.001 && Math.abs(level - Math.round(level)) < 0.001, `${level} at ${place}`);
    place++;
  });
  assert.equal(place, pcm.length);
}
