/**
 * Many channels to one, so that nobody who is heard in any of them is lost: bridge/media/mix.py does the same.
 * A channel of inverted polarity (a balanced cable, a swapped wire) is turned over first.
 */

/** Seconds for which the likeness of channels is remembered. */
const MEMORY_S = 1;
/** Seconds of a change's time constant: none clicks. */
const CHANGE_S = 0.003;
/**
 * Correlation with the loudest channel from which on one is turned over. Summed as they are, two equal channels
 * would lose more than half of what each holds (6 dB), and all of it at -1.
 */
const OPPOSED = -0.5;
/** Correlation from which on it is turned back. Between the two it stays, so that noise turns nothing. */
const ALIKE = 0.3;
/** Left, right, centre, low effects, surround left and right, as common downmixes weigh them. */
const SURROUND = [0.7071, 0.7071, 1, 0, 0.5, 0.5];

/** Mixes blocks of any number of channels to one channel as loud as the loudest of them. */
export class Mixer {
  #rate;
  #count = 0;
  /** The channels' weights, their signs, what they are multiplied by, and what by in the end. */
  #weights = new Float64Array(0);
  #signs = new Float64Array(0);
  #factors = new Float64Array(0);
  #wanted = new Float64Array(0);
  /** Sums of products, row by row: how much alike channels were, and how loud. */
  #alike = new Float64Array(0);

  /** @param {number} sampleRate Hz */
  constructor(sampleRate) {
    this.#rate = sampleRate;
  }

  /**
   * @param {readonly Float32Array[]} channels two or more, of one length
   * @param {Float32Array} mono gets the mix, of the same length
   */
  mix(channels, mono) {
    const fresh = channels.length !== this.#count;
    if (fresh) this.#begin(channels.length);
    this.#remember(channels);
    this.#aim();
    if (fresh) this.#factors.set(this.#wanted);
    const pace = 1 - Math.exp(-1 / (CHANGE_S * this.#rate));
    mono.fill(0);
    for (let c = 0; c < this.#count; c++) {
      const channel = channels[c];
      const wanted = this.#wanted[c];
      let factor = this.#factors[c];
      for (let i = 0; i < mono.length; i++) {
        factor += (wanted - factor) * pace;
        mono[i] += channel[i] * factor;
      }
      this.#factors[c] = factor;
    }
  }

  /** @param {number} count */
  #begin(count) {
    this.#count = count;
    this.#weights = Float64Array.from({ length: count }, (_, c) => (count === 6 ? SURROUND[c] : 1));
    const sum = this.#weights.reduce((total, weight) => total + weight);
    for (let c = 0; c < count; c++) this.#weights[c] /= sum;
    this.#signs = new Float64Array(count).fill(1);
    this.#factors = new Float64Array(count);
    this.#wanted = new Float64Array(count);
    this.#alike = new Float64Array(count * count);
  }

  /** @param {readonly Float32Array[]} channels */
  #remember(channels) {
    const length = channels[0].length;
    const kept = Math.exp(-length / (MEMORY_S * this.#rate));
    for (let a = 0; a < this.#count; a++) {
      for (let b = a; b < this.#count; b++) {
        let sum = this.#alike[a * this.#count + b] * kept;
        for (let i = 0; i < length; i++) sum += channels[a][i] * channels[b][i];
        this.#alike[a * this.#count + b] = this.#alike[b * this.#count + a] = sum;
      }
    }
  }

  /** Decides what each channel is multiplied by. */
  #aim() {
    const count = this.#count;
    let loudest = 0;
    for (let c = 1; c < count; c++) {
      if (this.#energy(c) > this.#energy(loudest)) loudest = c;
    }
    for (let c = 0; c < count; c++) {
      const scale = Math.sqrt(this.#energy(c) * this.#energy(loudest));
      const likeness = scale > 0 ? this.#alike[loudest * count + c] / scale : 0;
      if (likeness < OPPOSED) this.#signs[c] = -this.#signs[loudest];
      if (likeness > ALIKE) this.#signs[c] = this.#signs[loudest];
      this.#wanted[c] = this.#signs[c] * this.#weights[c];
    }
    const gain = this.#gain(this.#energy(loudest));
    for (let c = 0; c < count; c++) this.#wanted[c] *= gain;
  }

  /**
   * What makes the mix as loud as its loudest channel; none where they are alike, as in most recordings.
   * @param {number} loudest energy
   */
  #gain(loudest) {
    let mixed = 0;
    for (let a = 0; a < this.#count; a++) {
      for (let b = 0; b < this.#count; b++) {
        mixed += this.#wanted[a] * this.#wanted[b] * this.#alike[a * this.#count + b];
      }
    }
    if (mixed <= 0 || loudest <= 0) return 1;
    const gain = Math.min(1 / Math.max(...this.#weights), Math.sqrt(loudest / mixed));
    return gain > 1.01 ? gain : 1;
  }

  /** @param {number} channel */
  #energy(channel) {
    return this.#alike[channel * this.#count + channel];
  }
}
