/**
 * How long after it was said something is heard by who has no clock of the speaker's: the server's count up to
 * the first audio it sends, half the way there and back, and what passes from there to the ear.
 */

/** Sentences whose median is told. */
const RECENT = 5;
/** Sentences remembered while one of their two numbers is still to come. */
const PENDING = 50;

/** @typedef {{ arrived?: number, heard?: number, served?: number }} Pending */

export class Delay {
  /** @type {Map<number, Pending>} by id of the line */
  #pending = new Map();
  /** @type {number[]} */
  #recent = [];
  #wayMs = 0;

  /** Median of the last sentences, in ms; undefined before the first. */
  get typicalMs() {
    const sorted = [...this.#recent].sort((one, other) => one - other);
    return sorted.length ? sorted[Math.floor(sorted.length / 2)] : undefined;
  }

  /** A question and its answer took so long. @param {number} ms */
  roundTrip(ms) {
    this.#wayMs = ms / 2;
  }

  /**
   * Its first audio is here.
   * @param {number} id
   * @param {number} at ms
   */
  arrived(id, at) {
    const pending = this.#of(id);
    pending.arrived ??= at;
  }

  /**
   * Its first sample leaves the loudspeaker.
   * @param {number} id
   * @param {number} at ms of the same clock
   * @returns {number | undefined} ms from the end of speech, where all is known
   */
  heard(id, at) {
    this.#of(id).heard = at;
    return this.#whole(id);
  }

  /**
   * The server has told how long it took.
   * @param {number} id
   * @param {number | undefined} firstAudioMs
   * @returns {number | undefined} ms from the end of speech, where all is known
   */
  served(id, firstAudioMs) {
    if (firstAudioMs === undefined) this.#pending.delete(id);
    else this.#of(id).served = firstAudioMs;
    return this.#whole(id);
  }

  /** @param {number} id */
  #of(id) {
    const pending = this.#pending.get(id) ?? {};
    this.#pending.set(id, pending);
    const oldest = this.#pending.keys().next().value;
    if (this.#pending.size > PENDING && oldest !== undefined) this.#pending.delete(oldest);
    return pending;
  }

  /** @param {number} id */
  #whole(id) {
    const { arrived, heard, served } = this.#pending.get(id) ?? {};
    if (arrived === undefined || heard === undefined || served === undefined) return undefined;
    this.#pending.delete(id);
    const ms = served + this.#wayMs + Math.max(0, heard - arrived);
    this.#recent.push(ms);
    if (this.#recent.length > RECENT) this.#recent.shift();
    return ms;
  }
}
