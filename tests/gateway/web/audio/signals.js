/** Signals whose properties are known, for the tests of what plays speech. */

/**
 * Like a voice: harmonics of a pitch that may change.
 * @param {number} rate Hz
 * @param {number} seconds
 * @param {(time: number) => number} pitch Hz at a time in seconds
 */
export function voice(rate, seconds, pitch) {
  const pcm = new Int16Array(Math.round(rate * seconds));
  let phase = 0;
  for (let i = 0; i < pcm.length; i++) {
    phase += (2 * Math.PI * pitch(i / rate)) / rate;
    let sample = 0;
    for (let k = 1; k <= 8; k++) sample += Math.sin(k * phase + k * k) / k;
    pcm[i] = Math.round(6_000 * sample);
  }
  return pcm;
}

/**
 * Numbers from 0 to 1, the same for the same seed (mulberry32).
 * @param {number} seed
 */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * @param {number} length
 * @param {number} seed
 * @param {number} [peak]
 */
export function noise(length, seed, peak = 20_000) {
  const next = random(seed);
  return Int16Array.from({ length }, () => Math.round((2 * next() - 1) * peak));
}

/** @param {Int16Array} pcm */
export function floats(pcm) {
  return Float32Array.from(pcm, (sample) => sample / 32_768);
}

/** @param {ArrayLike<number>[]} parts */
export function joined(parts) {
  return Float32Array.from(parts.flatMap((part) => Array.from(part)));
}

/** The largest difference between neighbours. @param {ArrayLike<number>} samples */
export function largestJump(samples) {
  let largest = 0;
  for (let i = 1; i < samples.length; i++) largest = Math.max(largest, Math.abs(samples[i] - samples[i - 1]));
  return largest;
}

/**
 * The pitch between 75 and 350 Hz around a place, by autocorrelation over 40 ms.
 * @param {ArrayLike<number>} samples
 * @param {number} at
 * @param {number} rate Hz
 */
export function pitchAt(samples, at, rate) {
  const count = Math.round(0.04 * rate);
  const like = (/** @type {number} */ lag) => {
    let product = 0;
    let power = 0;
    for (let i = at; i < at + count; i++) {
      product += samples[i] * samples[i + lag];
      power += samples[i + lag] ** 2;
    }
    return product / Math.sqrt(power);
  };
  const lags = [];
  for (let lag = Math.floor(rate / 350); lag <= rate / 75; lag++) lags.push({ lag, like: like(lag) });
  const best = Math.max(...lags.map((each) => each.like));
  // Two periods are as much alike as one: the first peak that is nearly the best is the pitch.
  const first = lags.find(
    (each, i) => each.like > 0.9 * best && each.like >= (lags[i + 1]?.like ?? -Infinity),
  );
  return rate / (first?.lag ?? NaN);
}
