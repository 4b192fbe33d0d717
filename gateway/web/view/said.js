/** What is said in a room, as it is read: who says it, in large letters what, and how late it is heard. */

import { isSilence } from "../session/segments.js";
import { ofSegment } from "../troubles.js";
import { make, mark } from "./dom.js";
import { seconds } from "./row.js";
import { Words } from "./words.js";

/**
 * @typedef {import("../room/conversation.js").Line} Line
 * @typedef {{ direction: (tag: string) => "rtl" | "ltr", name: (speaker: number) => string }} Context
 */

/** Rows in the document at most. */
const ROWS = 200;

export class Said {
  #log;
  #now;
  #follow;
  #context;
  /** @type {Map<number, Row>} by id of the line */
  #rows = new Map();

  /**
   * @param {{ log: HTMLElement, now: HTMLElement }} elements `now` for what is still coming
   * @param {import("./follow.js").Follow} follow
   * @param {Context} context
   */
  constructor({ log, now }, follow, context) {
    this.#log = log;
    this.#now = now;
    this.#follow = follow;
    this.#context = context;
  }

  /** @param {import("../room/conversation.js").Change} change */
  show({ changed, withdrawn }) {
    for (const { id } of withdrawn) this.#drop(id);
    for (const line of changed) this.#showLine(line);
    for (const [id, row] of this.#rows) {
      if (this.#log.childElementCount <= ROWS) break;
      if (row.element.parentElement === this.#log) this.#drop(id);
    }
    this.#follow.keep(changed.some(({ source }) => source.final));
  }

  /** @param {Line} line */
  #showLine(line) {
    const row = this.#rows.get(line.id) ?? new Row(this.#context);
    row.show(line);
    const settled = line.source.final || line.translation.final || line.state === "failed";
    const place = settled ? this.#log : this.#now;
    if (row.element.parentElement !== place) place.append(row.element);
    this.#rows.set(line.id, row);
  }

  /** @param {number} id */
  #drop(id) {
    this.#rows.get(id)?.element.remove();
    this.#rows.delete(id);
  }
}

class Row {
  #who = make("span", "name");
  #took = make("span", "took");
  #words = make("p", "words");
  #shown = new Words(this.#words);
  #failure = make("p", "failure");
  #context;

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
    this.element = make("div", "said");
    const head = make("p", "who");
    this.#who.dir = "auto";
    this.#took.title = "From the end of the sentence until it is heard here";
    this.#took.setAttribute("aria-hidden", "true");
    this.#failure.hidden = true;
    head.append(this.#who, this.#took);
    this.element.append(head, this.#words, this.#failure);
  }

  /** @param {Line} line */
  show(line) {
    mark(this.element, "own", line.own);
    mark(this.element, "state", line.state);
    mark(this.element, "heard", line.earMs !== undefined);
    mark(this.element, "floor", line.floor);
    write(this.#who, line.own ? "You:" : line.name || this.#context.name(line.speaker));
    write(this.#took, seconds(line.earMs));
    this.#say(line.own || !line.translation.text ? line.source : line.translation, line);
    this.#failure.hidden = line.failure === undefined;
    mark(this.#failure, "quiet", line.failure && isSilence(line.failure));
    if (line.failure) write(this.#failure, ofSegment(line.failure));
  }

  /**
   * @param {import("../session/transcript.js").Caption} caption
   * @param {Line} line
   */
  #say(caption, line) {
    const { text, language } = caption;
    const final = caption.final && (line.own || caption === line.translation);
    mark(this.#words, "foreign", !line.own && caption === line.source);
    // What is still changing, or is still in another language, is not read to anybody.
    this.element.ariaHidden = final || line.state === "failed" ? null : "true";
    if (language && language !== "auto") this.#words.lang = language;
    this.#words.dir = this.#context.direction(language);
    this.#shown.show(caption, !text && line.state === "listening" ? "…" : "");
  }
}

/**
 * Only where it changes, so that a screen reader reads each text once.
 * @param {HTMLElement} element
 * @param {string} text
 */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
