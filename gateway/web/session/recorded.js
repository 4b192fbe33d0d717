/** When each place of the recording was spoken, so that latency is measured from the true end of speech. */

/** Marks kept: 3 minutes at one each 200 ms, longer than any segment waits for its translation. */
const KEPT = 900;
const STEP_SAMPLES = 3_200;
const SAMPLES_PER_MS = 16;

export class Recorded {
  /** @type {{place: number, ms: number}[]} */
  #marks = [];

  /**
   * The sample before `place` was recorded at `ms` of the page's clock.
   * @param {number} place
   * @param {number} ms
   */
  note(place, ms) {
    const last = this.#marks.at(-1);
    if (last && place < last.place + STEP_SAMPLES) return;
    this.#marks.push({ place, ms });
    if (this.#marks.length > KEPT) this.#marks.shift();
  }

  /**
   * When the sample before `place` was recorded; undefined for what was long ago or is still to come.
   * @param {number} place
   * @returns {number | undefined} ms of the page's clock
   */
  at(place) {
    const first = this.#marks[0];
    if (!first || place < first.place - STEP_SAMPLES) return undefined;
    for (let at = this.#marks.length - 1; at >= 0; at--) {
      const mark = this.#marks[at];
      if (mark.place <= place) return mark.ms + (place - mark.place) / SAMPLES_PER_MS;
    }
    return first.ms - (first.place - place) / SAMPLES_PER_MS;
  }
}
