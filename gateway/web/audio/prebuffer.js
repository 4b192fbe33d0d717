/**
 * How much of a segment must be there before it begins, learnt from how the network behaves.
 */

/** A network that stuttered once will again; 60 ms become 200 ms in three steps. */
const GROWTH = 1.5;
/** So many segments without an underrun make it smaller again: about a minute of speech. */
const CALM_SEGMENTS = 10;

export class Prebuffer {
  #leastMs;
  #mostMs;
  #ms;
  #underruns = 0;
  #calmSegments = 0;

  /**
   * @param {number} leastMs where it begins and to which it returns
   * @param {number} mostMs
   */
  constructor(leastMs, mostMs) {
    this.#leastMs = leastMs;
    this.#mostMs = mostMs;
    this.#ms = leastMs;
  }

  get ms() {
    return this.#ms;
  }

  get underruns() {
    return this.#underruns;
  }

  /** A segment ran dry. */
  ranDry() {
    this.#underruns += 1;
    this.#calmSegments = 0;
    this.#ms = Math.min(this.#mostMs, this.#ms * GROWTH);
  }

  /** A segment was heard to its end and never ran dry. */
  stayedCalm() {
    this.#calmSegments += 1;
    if (this.#calmSegments < CALM_SEGMENTS) return;
    this.#calmSegments = 0;
    this.#ms = Math.max(this.#leastMs, this.#ms / GROWTH);
  }
}
