/**
 * The speech of one segment as it arrives: every sample in its place, taken in order, none twice.
 *
 * It is closed when its last piece is there (`whole`) or when the rest of it is not wanted (`cut`).
 */

/** Full scale of signed 16-bit samples; a power of two, so that the division is exact. */
const FULL_SCALE = 32_768;

export class SegmentAudio {
  /** Whether its first sample has been heard. */
  begun = false;
  /** Whether it ran dry and waits for more. */
  starving = false;
  /** Whether it ever ran dry. */
  ranDry = false;
  /** Samples of it that were heard. */
  played = 0;

  #samples = new Int16Array(0);
  #start = 0;
  #end = 0;
  #received = 0;
  #whole = false;
  #cut = false;

  /** @param {number} segment the page-wide key */
  constructor(segment) {
    /** @readonly */
    this.segment = segment;
  }

  /** The store; only [start, end) is still to be heard. It is replaced as it grows, so do not keep it. */
  get samples() {
    return this.#samples;
  }

  get start() {
    return this.#start;
  }

  get end() {
    return this.#end;
  }

  /** Samples that are here and not taken. */
  get available() {
    return this.#end - this.#start;
  }

  /** Whether all of it has come. */
  get whole() {
    return this.#whole;
  }

  /** Whether its rest was given up. */
  get cut() {
    return this.#cut;
  }

  /** Whether nothing will be added any more. */
  get closed() {
    return this.#whole || this.#cut;
  }

  /**
   * How many samples `add` would append for such a piece.
   * @param {number} offset samples of this segment before the piece
   * @param {number} count samples in the piece
   */
  growth(offset, count) {
    return Math.max(0, offset + count - this.#received);
  }

  /**
   * Adds what is new in a piece; what is missing before it becomes silence, so that it keeps its place.
   * @param {number} offset samples of this segment before the piece
   * @param {Int16Array} pcm
   * @param {boolean} last whether nothing follows
   */
  add(offset, pcm, last) {
    const growth = this.growth(offset, pcm.length);
    if (growth > 0) {
      this.#reserve(growth);
      const fresh = Math.min(growth, pcm.length);
      this.#samples.fill(0, this.#end, this.#end + growth - fresh);
      this.#samples.set(pcm.subarray(pcm.length - fresh), this.#end + growth - fresh);
      this.#end += growth;
      this.#received += growth;
    }
    this.#whole = last;
  }

  /**
   * Moves the next samples to `out[at ...]`, as parts of full scale.
   * @param {Float32Array} out
   * @param {number} at
   * @param {number} count at most `available`
   */
  take(out, at, count) {
    const samples = this.#samples;
    const shift = this.#start - at;
    for (let i = at; i < at + count; i++) out[i] = samples[i + shift] / FULL_SCALE;
    this.#start += count;
    this.played += count;
  }

  /**
   * Passes over the next samples unheard.
   * @param {number} count at most `available`
   */
  skip(count) {
    this.#start += count;
  }

  /**
   * Gives up all but the next samples.
   * @param {number} keep how many of them stay
   */
  cutAfter(keep) {
    this.#end = Math.min(this.#end, this.#start + keep);
    this.#cut = true;
    this.#whole = false;
  }

  /** @param {number} extra samples about to be appended */
  #reserve(extra) {
    if (this.#end + extra <= this.#samples.length) return;
    const needed = this.available + extra;
    const unheard = this.#samples.subarray(this.#start, this.#end);
    // Twice what is needed, so that appending costs the same however long the segment becomes.
    if (2 * needed > this.#samples.length) this.#samples = new Int16Array(2 * needed);
    this.#samples.set(unheard);
    this.#end = this.available;
    this.#start = 0;
  }
}
