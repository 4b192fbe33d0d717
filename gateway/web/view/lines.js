/** The transcript on the page: finals in the log, what is still coming below it, in a bounded number of rows. */

import { make } from "./dom.js";
import { Row } from "./row.js";

/**
 * @typedef {import("../session/transcript.js").Change} Change
 * @typedef {import("../session/transcript.js").Line} Line
 * @typedef {import("../session/transcript.js").Part} Part
 */

/** Rows in the document at most; the older ones stay in the transcript, and come back when asked for. */
const ROWS = 200;
/** So many times more for who reads back, so that nothing goes away under their eyes. */
const PATIENCE = 5;

export class Lines {
  #log;
  #now;
  #earlier;
  #follow;
  #transcript;
  #context;
  /** @type {Map<number, Row>} by id of the line */
  #rows = new Map();
  #most = ROWS;

  /**
   * @param {{log: HTMLElement, now: HTMLElement, earlier: HTMLElement}} elements
   * @param {import("./follow.js").Follow} follow
   * @param {import("../session/transcript.js").Transcript} transcript
   * @param {import("./row.js").Context} context
   */
  constructor({ log, now, earlier }, follow, transcript, context) {
    this.#log = log;
    this.#now = now;
    this.#earlier = earlier;
    this.#follow = follow;
    this.#transcript = transcript;
    this.#context = context;
    earlier.addEventListener("click", () => this.#showEarlier());
  }

  /** @param {Change} change */
  show({ changed, withdrawn }) {
    for (const { id } of withdrawn) {
      this.#rows.get(id)?.element.remove();
      this.#rows.delete(id);
    }
    for (const line of changed) this.#showLine(line);
    this.#trim();
    this.#follow.keep(changed.some((line) => line.source.final));
  }

  /** A title between two recordings. @param {string} title */
  divide(title) {
    this.#log.append(make("h2", "divider", title));
  }

  /** @param {Line} line */
  #showLine(line) {
    const part = this.#transcript.partOf(line.id);
    // Withdrawn in the meantime, or so old that its row has made room.
    if (!part) return;
    const row = this.#rows.get(line.id) ?? new Row(this.#context);
    row.show(line, part);
    const settled = line.source.final || line.state === "failed" || line.state === "done";
    const place = settled ? this.#log : this.#now;
    if (row.element.parentElement !== place) place.insertBefore(row.element, this.#after(line, part, place));
    this.#rows.set(line.id, row);
  }

  /**
   * The first row here of what was said later: sentences are not always translated in their order.
   * @param {Line} line
   * @param {Part} part
   * @param {HTMLElement} place
   */
  #after(line, part, place) {
    const later = part.lines.slice(part.lines.lastIndexOf(line) + 1);
    const rows = later.map(({ id }) => this.#rows.get(id)?.element);
    return rows.find((element) => element?.parentElement === place) ?? null;
  }

  #trim() {
    const most = this.#follow.following ? this.#most : PATIENCE * this.#most;
    while (this.#log.childElementCount > most) this.#log.firstElementChild?.remove();
    if (this.#rows.size > 2 * this.#most) {
      for (const [id, row] of this.#rows) if (!row.element.isConnected) this.#rows.delete(id);
    }
    this.#earlier.hidden = !this.#hidden().length;
  }

  /** The lines above the first one shown, newest last. */
  #hidden() {
    const all = this.#transcript.parts.flatMap((part) => part.lines);
    const first = all.findIndex((line) => this.#rows.get(line.id)?.element.isConnected);
    return all.slice(0, Math.max(0, first));
  }

  #showEarlier() {
    this.#most += ROWS;
    const rows = this.#hidden().slice(-ROWS).map((line) => {
      const row = this.#rows.get(line.id) ?? new Row(this.#context);
      row.show(line, this.#transcript.partOf(line.id));
      this.#rows.set(line.id, row);
      return row.element;
    });
    this.#follow.prepend(() => this.#log.prepend(...rows));
    this.#earlier.hidden = !this.#hidden().length;
  }
}
