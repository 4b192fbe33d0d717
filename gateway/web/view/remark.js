/** What has to be known for a while, beside the state: `#remark`. */

import { byId } from "./dom.js";

export class Remark {
  #element = byId("remark", HTMLElement);
  /** @type {Map<string, string>} by code, oldest first */
  #texts = new Map();
  /** @type {Map<string, number>} timers by code */
  #leaving = new Map();

  /**
   * @param {string} code one text of each is shown
   * @param {string} text empty where it does not hold any more
   * @param {number} [seconds] after which it goes away
   */
  show(code, text, seconds) {
    window.clearTimeout(this.#leaving.get(code));
    if (text) this.#texts.set(code, text);
    else this.#texts.delete(code);
    if (text && seconds) this.#leaving.set(code, window.setTimeout(() => this.show(code, ""), seconds * 1_000));
    this.#tell();
  }

  /** Nothing of it holds on a connection of its own. */
  clear() {
    this.#leaving.forEach((timer) => window.clearTimeout(timer));
    this.#texts.clear();
    this.#tell();
  }

  #tell() {
    const shown = [...this.#texts.values()].join(" ");
    // Only where it changes, so that it is read out once.
    if (this.#element.textContent !== shown) this.#element.textContent = shown;
  }
}
