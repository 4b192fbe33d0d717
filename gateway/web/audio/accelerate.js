/**
 * Shortens speech by a pitch period or several without changing its pitch.
 *
 * As the "accelerate" of WebRTC's NetEq does it: the lag at which the signal is most like itself is left
 * out, and the two stretches that meet are cross-faded over that lag. All other samples stay as they are.
 */

/** The shortest and the longest stretch left out: one period of a low voice, several of a high one. */
const LEAST_LAG_S = 0.005;
const MOST_LAG_S = 0.015;

/** The lag is first looked for at about this rate (Hz), as in NetEq: 1/20 of the work at 24 kHz. */
const COARSE_RATE = 4_000;

/** -50 dBFS in 16-bit samples: what is below has no pitch to look for. */
export const QUIET = 10 ** (-50 / 20) * 32_768;

export class Accelerator {
  #least;
  #most;
  #stride;
  #coarse;

  /** @param {number} rate Hz of the samples */
  constructor(rate) {
    this.#least = Math.round(LEAST_LAG_S * rate);
    this.#most = Math.round(MOST_LAG_S * rate);
    this.#stride = Math.max(1, Math.floor(rate / COARSE_RATE));
    this.#coarse = new Float32Array(Math.floor(this.reach / this.#stride));
  }

  /** The fewest samples one call of `leaveOut` leaves out, if it does. */
  get leastLag() {
    return this.#least;
  }

  /** The most samples one call of `leaveOut` leaves out. */
  get mostLag() {
    return this.#most;
  }

  /** How many samples from `start` on `leaveOut` looks at. */
  get reach() {
    return 2 * this.#most;
  }

  /**
   * Cross-fades in place: afterwards the samples from `start + lag` on are to be heard in place of those
   * from `start` on. Nothing is changed where no lag matches well enough or all is quiet.
   * @param {Int16Array} samples
   * @param {number} start `reach` samples must follow
   * @param {number} [leastMatch] the normalised cross-correlation to be exceeded, 0 to 1
   * @returns {number} the lag in samples, 0 for none
   */
  leaveOut(samples, start, leastMatch = 0) {
    const near = this.#coarseLag(samples, start) * this.#stride;
    const from = Math.max(this.#least, near - this.#stride);
    const to = Math.min(this.#most, near + this.#stride);
    // A quarter of the coarse stride loses nothing: speech has little above 8 kHz.
    const step = Math.max(1, this.#stride >> 2);
    let lag = 0;
    let best = leastMatch;
    for (let each = from; each <= to; each++) {
      const match = likeness(samples, start, each, this.#most, step);
      if (match > best) {
        best = match;
        lag = each;
      }
    }
    crossFade(samples, start, lag);
    return lag;
  }

  /**
   * @param {Int16Array} samples
   * @param {number} start
   * @returns {number} the best lag in strides
   */
  #coarseLag(samples, start) {
    const stride = this.#stride;
    const coarse = this.#coarse;
    for (let i = 0; i < coarse.length; i++) {
      let sum = 0;
      for (let j = start + i * stride; j < start + (i + 1) * stride; j++) sum += samples[j];
      coarse[i] = sum / stride;
    }
    const most = Math.floor(this.#most / stride);
    let lag = most;
    let best = 0;
    for (let each = Math.ceil(this.#least / stride); each <= most; each++) {
      const match = likeness(coarse, 0, each, coarse.length - most, 1);
      if (match > best) {
        best = match;
        lag = each;
      }
    }
    return lag;
  }
}

/**
 * The normalised cross-correlation of `count` samples with those `lag` later; 0 where either is quiet.
 * @param {Int16Array | Float32Array} x
 * @param {number} start
 * @param {number} lag
 * @param {number} count
 * @param {number} step every how many samples are looked at
 */
function likeness(x, start, lag, count, step) {
  let product = 0;
  let first = 0;
  let second = 0;
  for (let i = start; i < start + count; i += step) {
    const a = x[i];
    const b = x[i + lag];
    product += a * b;
    first += a * a;
    second += b * b;
  }
  const least = (QUIET * QUIET * count) / step;
  return first < least || second < least ? 0 : product / Math.sqrt(first * second);
}

/**
 * @param {Int16Array} samples
 * @param {number} start
 * @param {number} lag
 */
function crossFade(samples, start, lag) {
  for (let i = start; i < start + lag; i++) {
    const weight = (i - start + 0.5) / lag;
    samples[i + lag] = Math.round(samples[i] + (samples[i + lag] - samples[i]) * weight);
  }
}
