/** One half of the page: what its person reads, in their own language, and the button by which they take their turn. */

import { nameIn } from "../room/offer.js";
import { isSilence } from "../session/segments.js";
import { ofSegment } from "../troubles.js";
import { byId, make, mark } from "../view/dom.js";
import { Follow } from "../view/follow.js";
import { fill } from "../view/language-bar.js";
import { Words } from "../view/words.js";
import { shown } from "./plan.js";

/**
 * @typedef {import("../session/transcript.js").Line} Line
 * @typedef {object} Handlers
 * @property {(tag: string) => void} language another one was chosen
 * @property {(tag: string) => "rtl" | "ltr"} direction
 * @property {(now: number) => void} press
 * @property {(now: number) => void} release
 * @property {() => void} toggle by a key
 */

/** @typedef {{ element: HTMLElement, words: Words }} Row */

/** Sentences that can be read back. */
const ROWS = 50;

export class Half {
  #element;
  #select;
  #log;
  #button;
  #follow;
  #handlers;
  #language = "";
  /** @type {Map<number, Row>} by id of the line */
  #rows = new Map();

  /**
   * @param {import("./plan.js").Side} side whose elements have ids that begin so
   * @param {Handlers} handlers
   */
  constructor(side, handlers) {
    this.#handlers = handlers;
    this.#element = byId(side, HTMLElement);
    this.#select = byId(`${side}-language`, HTMLSelectElement);
    this.#log = byId(`${side}-log`, HTMLElement);
    this.#button = byId(`${side}-speak`, HTMLButtonElement);
    this.#follow = new Follow(byId(`${side}-scroll`, HTMLElement), byId(`${side}-newer`, HTMLElement));
    this.#select.addEventListener("change", () => handlers.language(this.#select.value));
    this.#button.addEventListener("pointerdown", (event) => this.#press(event));
    for (const over of ["pointerup", "pointercancel"]) {
      this.#button.addEventListener(over, () => handlers.release(performance.now()));
    }
    // A pointer has been dealt with; what clicks without one is a key, or a screen reader.
    this.#button.addEventListener("click", ({ detail }) => detail === 0 && handlers.toggle());
    this.#button.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /**
   * @param {readonly import("../languages.js").Choice[]} choices
   * @param {string} tag of the one chosen
   * @param {string} name in English
   */
  choose(choices, tag, name) {
    fill(this.#select, choices, tag);
    this.#language = tag;
    const own = nameIn(tag, tag) || name;
    this.#button.lang = nameIn(tag, tag) ? tag : "en";
    this.#button.textContent = own.charAt(0).toLocaleUpperCase() + own.slice(1);
    this.#button.dir = this.#handlers.direction(tag);
    this.#button.ariaLabel = `Speak ${name}`;
    // Read by who hears this half; its words are of its language.
    this.#log.ariaLabel = `In ${name}`;
  }

  focus() {
    this.#select.focus();
  }

  /** @param {boolean} on whether turns are taken by the button */
  turns(on) {
    this.#button.hidden = !on;
  }

  /** @param {boolean} able whether it can be pressed now */
  enable(able) {
    this.#button.disabled = !able;
  }

  /** While a conversation runs its languages stay. @param {boolean} on */
  settle(on) {
    this.#select.disabled = on;
  }

  /** @param {boolean} on this half has its turn */
  speak(on) {
    this.#button.ariaPressed = String(on);
    mark(this.#element, "speaking", on);
  }

  /** @param {import("../session/transcript.js").Change} change */
  show({ changed, withdrawn }) {
    for (const { id } of withdrawn) this.#remove(id);
    for (const line of changed) this.#showLine(line);
    for (const id of this.#rows.keys()) {
      if (this.#rows.size <= ROWS) break;
      this.#remove(id);
    }
    this.#follow.keep(changed.some(({ source }) => source.final));
  }

  /** @param {Line} line */
  #showLine(line) {
    const seen = shown(line, this.#language);
    // Until it is final, another language may be found in it.
    if (!seen) return this.#remove(line.id);
    const { caption, own } = seen;
    const { element, words } = this.#rows.get(line.id) ?? this.#add(line.id);
    mark(element, "own", own);
    mark(element, "heard", !own && line.earMs !== undefined);
    const told = line.failure && own !== isSilence(line.failure) ? ofSegment(line.failure) : "";
    // What is still changing is not read to anybody.
    element.ariaHidden = caption.final || told ? null : "true";
    element.lang = this.#language;
    element.dir = this.#handlers.direction(this.#language);
    words.show(caption, caption.text ? "" : "…");
    if (told && element.childElementCount === 1) element.append(note(told, !own));
  }

  /** @param {number} id */
  #add(id) {
    const element = make("div", "words");
    const text = make("p");
    element.append(text);
    const row = { element, words: new Words(text) };
    // Sentences are told in the order in which they were begun.
    const after = [...this.#rows].filter(([other]) => other > id).sort(([one], [other]) => one - other)[0]?.[1];
    this.#log.insertBefore(element, after?.element ?? null);
    this.#rows.set(id, row);
    return row;
  }

  /** @param {number} id */
  #remove(id) {
    this.#rows.get(id)?.element.remove();
    this.#rows.delete(id);
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0) return;
    // So that a finger that slides off still ends its turn here.
    this.#button.setPointerCapture(event.pointerId);
    this.#handlers.press(performance.now());
  }
}

/**
 * What this page says itself.
 * @param {string} text
 * @param {boolean} quiet whether nothing of it has to alarm anybody
 */
function note(text, quiet) {
  const element = make("p", "note", text);
  mark(element, "quiet", quiet);
  element.lang = "en";
  element.dir = "ltr";
  return element;
}
