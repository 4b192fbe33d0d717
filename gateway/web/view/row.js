/** One sentence on the two pages, and the arch on which it crosses. */

import { ofSegment } from "../troubles.js";
import { isSilence } from "../session/segments.js";
import { make, mark } from "./dom.js";
import { Words } from "./words.js";

/**
 * @typedef {import("../session/transcript.js").Line} Line
 * @typedef {import("../session/transcript.js").Part} Part
 * @typedef {{direction: (tag: string) => "rtl" | "ltr", canRescue: (id: number) => boolean,
 *   rescue: (id: number) => void}} Context
 */

const SVG = "http://www.w3.org/2000/svg";
const ARCH = "M2 22C12 22 12 3 32 3s20 19 30 19";

export class Row {
  #source = make("p", "source");
  #translation = make("p", "translation");
  #said = new Words(this.#source);
  #heard = new Words(this.#translation);
  #took = make("span", "took");
  #time = make("time");
  /** @type {HTMLElement | undefined} */
  #failure;
  #context;

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
    this.element = make("div", "line");
    const span = make("div", "span");
    span.setAttribute("aria-live", "off");
    this.#took.title = "From the end of the sentence to its translation";
    span.append(arch(), this.#took, this.#time);
    this.element.append(this.#source, span, this.#translation);
  }

  /**
   * @param {Line} line
   * @param {Part | undefined} part it belongs to
   */
  show(line, part) {
    mark(this.element, "state", line.state);
    mark(this.element, "step", String(step(line)));
    mark(this.element, "heard", line.earMs !== undefined);
    this.#write(this.#source, line.source);
    this.#said.show(line.source, !line.source.text && line.state === "listening" ? "Listening" : "");
    this.#write(this.#translation, line.translation);
    this.#heard.show(line.translation);
    // What is still changing is not read to anybody.
    this.#translation.ariaHidden = line.translation.final ? null : "true";
    this.#took.textContent = seconds(line.earMs ?? line.captionMs);
    if (part && line.startMs !== undefined) this.#time.textContent = clock(part, line.startMs);
    this.#fail(line);
  }

  /**
   * @param {HTMLElement} element
   * @param {import("../session/transcript.js").Caption} caption
   */
  #write(element, { text, language }) {
    if (language && language !== "auto") element.lang = language;
    element.dir = this.#context.direction(language);
    element.classList.toggle("waiting", !text);
  }

  /** @param {Line} line */
  #fail({ id, failure }) {
    if (!failure) {
      this.#failure?.remove();
      this.#failure = undefined;
    }
    if (this.#failure) this.#failure.querySelectorAll("button").forEach((button) => (button.disabled = false));
    if (!failure || this.#failure) return;
    const row = (this.#failure = make("div", "failure"));
    this.element.append(row);
    row.append(make("span", "", ofSegment(failure)));
    mark(row, "quiet", isSilence(failure));
    if (isSilence(failure)) return;
    const again = this.#context.canRescue(id);
    const button = make("button", "button", again ? "Try again" : "Dismiss");
    button.type = "button";
    button.addEventListener("click", () => {
      button.disabled = true;
      if (again) this.#context.rescue(id);
      else row.remove();
    });
    row.append(button);
  }
}

/** How far it has crossed: understood, translated, heard. @param {Line} line */
function step(line) {
  if (line.earMs !== undefined || line.state === "done") return 3;
  if (line.translation.final) return 2;
  return line.source.final ? 1 : 0;
}

function arch() {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "arch");
  drawing.setAttribute("viewBox", "0 0 64 24");
  drawing.setAttribute("aria-hidden", "true");
  for (const name of ["ghost", "crossed"]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", ARCH);
    path.setAttribute("pathLength", "4");
    drawing.append(path);
  }
  return drawing;
}

/** @param {number | undefined} ms */
export function seconds(ms) {
  return ms === undefined ? "" : `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
}

/**
 * When it was said: by the wall clock, in a file by its own time.
 * @param {Part} part
 * @param {number} ms on its timeline
 */
function clock(part, ms) {
  const zone = part.kind === "file" ? "UTC" : undefined;
  const at = new Date(part.kind === "file" ? ms : part.at + ms);
  return at.toLocaleTimeString("en-GB", { timeZone: zone });
}
