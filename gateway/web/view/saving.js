/** The sheet on which captions are saved. */

import * as files from "../session/export.js";
import { modelsOf } from "../session/phrases.js";
import { byId, save } from "./dom.js";

/**
 * @typedef {import("../session/transcript.js").Part} Part
 * @typedef {import("../session/export.js").Which} Which
 * @typedef {import("../session/breaks.js").Models} Models
 * @typedef {{extension: string, type: string, write: (part: Part, which: Which, models: Models) => string}} Format
 */

/** @type {Format[]} */
const FORMATS = [
  { extension: "srt", type: "application/x-subrip", write: files.srt },
  { extension: "vtt", type: "text/vtt", write: files.vtt },
  { extension: "txt", type: "text/plain", write: files.text },
  { extension: "json", type: "application/json", write: (part) => files.json(part) },
];

export class Saving {
  #button = byId("open-export", HTMLButtonElement);
  #sheet = byId("export", HTMLDialogElement);
  #part = byId("export-part", HTMLSelectElement);
  #which = byId("export-which", HTMLSelectElement);
  #transcript;

  /** @param {import("../session/transcript.js").Transcript} transcript */
  constructor(transcript) {
    this.#transcript = transcript;
    this.#button.addEventListener("click", () => this.#open());
    for (const format of FORMATS) {
      byId(`export-${format.extension}`, HTMLButtonElement).addEventListener("click", () => void this.#save(format));
    }
  }

  /** There is something to save once a sentence is final. */
  refresh() {
    this.#button.disabled = this.#parts().length === 0;
  }

  #parts() {
    return this.#transcript.parts.filter(({ lines }) => lines.some(({ source }) => source.final));
  }

  #open() {
    const options = this.#parts().map((part) => new Option(title(part), String(part.id)));
    options.at(-1)?.setAttribute("selected", "");
    this.#part.replaceChildren(...options);
    this.#sheet.showModal();
  }

  /** @param {Format} format */
  async #save({ extension, type, write }) {
    const part = this.#parts().find(({ id }) => String(id) === this.#part.value);
    const which = /** @type {Which} */ (this.#which.value);
    if (part) save(files.fileName(part, which, extension), write(part, which, await modelsOf(part)), type);
  }
}

/** @param {Part} part */
function title({ title, at }) {
  return title || new Date(at).toLocaleString();
}
