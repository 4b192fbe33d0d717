/** One sentence on a screen of captions alone: its translation, and above it the words as they were said. */

import { make } from "./dom.js";
import { Words } from "./words.js";

/** @typedef {import("../session/mirror.js").Mirrored} Mirrored */

export class Caption {
  element = make("div", "caption");
  #source = new Paragraph("source");
  #translation = new Paragraph("translation");

  /** @param {boolean} both whether the words are shown as they were said as well */
  constructor(both) {
    if (both) this.element.append(this.#source.element);
    this.element.append(this.#translation.element);
  }

  /** @param {import("../session/mirror.js").Said} said */
  show({ source, translation }) {
    this.#source.show(source);
    this.#translation.show(translation);
  }
}

class Paragraph {
  #words;

  /** @param {string} name */
  constructor(name) {
    this.element = make("p", name);
    this.#words = new Words(this.element);
  }

  /** @param {Mirrored} caption */
  show(caption) {
    const { language, dir } = caption;
    if (language && language !== "auto") this.element.lang = language;
    this.element.dir = dir;
    this.#words.show(caption);
  }
}
