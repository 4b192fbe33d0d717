/** A list of languages to choose one from, and what is known of each. */

import { choose, labels, nameIn } from "../room/offer.js";

/** @typedef {import("../languages.js").Language} Language */

export class Tongue {
  #select;
  #fixed;
  /** @type {readonly Language[]} */
  #offered = [];
  /** Whether what is chosen was chosen, and not only proposed. */
  #chosen = false;

  /**
   * @param {HTMLSelectElement} select options that stand in it stay, above the languages
   * @param {(tag: string) => void} chosen by the user
   */
  constructor(select, chosen) {
    this.#select = select;
    this.#fixed = [...select.options];
    select.addEventListener("change", () => {
      this.#chosen = true;
      chosen(select.value);
    });
  }

  /** The tag chosen, or the value of another option; empty before anything is offered. */
  get value() {
    return this.#select.value;
  }

  /**
   * What can be chosen now; what was chosen stays.
   * @param {readonly Language[]} offered
   * @param {readonly string[]} wanted tags, the best first
   */
  offer(offered, wanted) {
    const { value } = this;
    this.#offered = offered;
    const options = labels(offered).map(({ tag, label }) => new Option(label, tag));
    this.#select.replaceChildren(...this.#fixed, ...options);
    this.#select.disabled = offered.length === 0;
    if (this.#chosen) this.#select.value = value;
    if (!this.#chosen || this.#select.selectedIndex < 0) this.#select.value = choose(offered, wanted);
  }

  /** Whether a language can be chosen. @param {string} tag */
  offers(tag) {
    return this.#of(tag) !== undefined;
  }

  /** @param {string} tag that holds now */
  show(tag) {
    this.#chosen = true;
    this.#select.value = tag;
  }

  /** While it is settled, what stands above the languages cannot be chosen, nor left. @param {boolean} on */
  settle(on) {
    const apart = this.#fixed.some(({ value }) => value === this.#select.value);
    this.#fixed.forEach((option) => (option.disabled = on && !apart));
    this.#select.disabled = (on && apart) || this.#offered.length === 0;
  }

  focus() {
    this.#select.focus();
  }

  /** @param {string} tag */
  name(tag) {
    return this.#of(tag)?.name ?? (nameIn(tag, "en") || tag);
  }

  /**
   * @param {string} tag
   * @returns {"rtl" | "ltr"}
   */
  direction(tag) {
    return this.#of(tag)?.rtl ? "rtl" : "ltr";
  }

  /** @param {string} tag */
  #of(tag) {
    const known = this.#offered.find((each) => each.tag === tag);
    return known ?? this.#offered.find((each) => each.tag === tag.split("-")[0]);
  }
}
