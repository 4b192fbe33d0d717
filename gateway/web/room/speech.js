/**
 * Which speech is of which line: a sentence may come in two languages where somebody chose another one
 * meanwhile, and each of them is played as speech of its own.
 */

/** @typedef {{ key: number, line: number, segment: number, target: string, index: number }} Speech */

/** Speech remembered; far more than can wait to be heard. */
const KEPT = 200;

export class Speeches {
  /** @type {Map<number, Speech>} by key, oldest first */
  #known = new Map();
  #lastKey = 0;

  /**
   * Speech of a line begins, or begins again.
   * @param {number} line id of it
   * @param {{ segment: number, target: string, index: number }} announced
   */
  begin(line, { segment, target, index }) {
    const known = [...this.#known.values()].find((each) => each.segment === segment && each.target === target);
    const speech = { key: known?.key ?? (this.#lastKey += 1), line, segment, target, index };
    this.#known.set(speech.key, speech);
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > KEPT && oldest !== undefined) this.#known.delete(oldest);
  }

  /**
   * What a piece of audio belongs to.
   * @param {{ segment: number, target: number }} frame `target` is the index announced
   */
  of({ segment, target }) {
    return [...this.#known.values()].reverse().find((each) => each.segment === segment && each.index === target);
  }

  /** @param {number} key */
  byKey(key) {
    return this.#known.get(key);
  }

  /** What is not in this language. @param {string} language */
  others(language) {
    return [...this.#known.values()].filter(({ target }) => target !== language);
  }
}
