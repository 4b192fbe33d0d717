/** Words that come bit by bit: what is certain stands still, letter for letter, and only the rest behind it changes. */

import { make } from "./dom.js";

/** Wider or narrower than this (CSS pixels), lines break elsewhere and the height before tells nothing. */
const SAME = 1;

export class Words {
  #element;
  #firm = document.createTextNode("");
  #rest = document.createTextNode("");
  #tail = make("span", "tentative");
  #width = 0;
  #height = 0;

  /** @param {HTMLElement} element whose whole content this is */
  constructor(element) {
    this.#element = element;
    this.#tail.append(this.#rest);
  }

  /**
   * @param {Pick<import("../session/transcript.js").Caption, "text" | "final" | "stable">} caption
   * @param {string} [before] what stands in front of it, and is as certain
   */
  show({ text, final, stable = 0 }, before = "") {
    if (final || !text) this.#settle(before + text);
    else this.#grow(before + text, before.length + stable);
  }

  /** One piece, set only when it changes, so that a screen reader reads it once and whole. @param {string} text */
  #settle(text) {
    const element = this.#element;
    element.style.removeProperty("min-height");
    this.#height = 0;
    if (element.textContent !== text || this.#tail.parentNode === element) element.textContent = text;
  }

  /**
   * @param {string} text
   * @param {number} stable how much of it never changes
   */
  #grow(text, stable) {
    const element = this.#element;
    const firm = this.#firm;
    if (this.#tail.parentNode !== element) {
      firm.data = "";
      element.replaceChildren(firm, this.#tail);
    }
    // A node that only grows is neither laid out nor selected anew up to there.
    if (!text.startsWith(firm.data)) firm.data = text.slice(0, stable);
    else if (stable > firm.length) firm.appendData(text.slice(firm.length, stable));
    const rest = text.slice(firm.length);
    if (this.#rest.data !== rest) this.#rest.data = rest;
    this.#hold();
  }

  /** The box stays as high as it was, so that nothing below moves up when words are taken back. */
  #hold() {
    const { width } = this.#element.getBoundingClientRect();
    if (Math.abs(width - this.#width) > SAME) {
      this.#width = width;
      this.#height = 0;
      this.#element.style.removeProperty("min-height");
    }
    const { height } = this.#element.getBoundingClientRect();
    if (height <= this.#height) return;
    this.#height = height;
    this.#element.style.minHeight = `${height}px`;
  }
}
