/**
 * Tells when something heard or recorded happened on the page's clock: an audio context counts its own time.
 */

/** The clocks drift apart by up to about 100 ppm, 1 ms in these 10 s, so older notes are forgotten. */
const WINDOW_S = 10;

/**
 * Maps one audio context's clock to `performance.now()`. Messages from the audio thread are only ever late,
 * so the smallest difference of the last ten seconds is nearest the truth. It is kept second by second, which
 * bounds the memory. A context that was suspended stood still and needs a new Clock.
 */
export class Clock {
  /** The smallest difference of each second, ms; the second s is in slot s % WINDOW_S. */
  #least = new Float64Array(WINDOW_S).fill(Infinity);
  /** @type {number | undefined} the second of the last note */
  #second;

  /**
   * A message that was sent at `contextSeconds` arrived at `nowMs`.
   * @param {number} contextSeconds on the context's clock
   * @param {number} nowMs of `performance.now()`; never falls from one call to the next
   */
  note(contextSeconds, nowMs) {
    const second = Math.floor(nowMs / 1000);
    this.#forget(second);
    const slot = second % WINDOW_S;
    this.#least[slot] = Math.min(this.#least[slot], nowMs - contextSeconds * 1000);
  }

  /**
   * The same instant in ms of `performance.now()`; undefined before the first note.
   * @param {number} contextSeconds
   */
  toPage(contextSeconds) {
    return this.#second === undefined ? undefined : contextSeconds * 1000 + Math.min(...this.#least);
  }

  /** @param {number} second that begins with this note, or goes on */
  #forget(second) {
    const first = Math.max((this.#second ?? second) + 1, second - WINDOW_S + 1);
    for (let old = first; old <= second; old++) this.#least[old % WINDOW_S] = Infinity;
    this.#second = second;
  }
}
