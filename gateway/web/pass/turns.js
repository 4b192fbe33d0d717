/** Whose turn it is where the server cannot hear which language is spoken: by a button for each half. */

/**
 * @typedef {import("./plan.js").Side} Side
 * @typedef {object} Handlers
 * @property {(side: Side) => void} begin this half speaks
 * @property {(side: Side) => void} end it has ended
 */

/** A button that is held for longer than this ends the turn when it is let go; tapped, when it is tapped again. */
const HELD_MS = 400;

/** Times in ms of one clock. */
export class Turns {
  #handlers;
  /** @type {Side | undefined} */
  #speaking;
  /** When the button was pressed that began the turn; undefined once it was let go. @type {number | undefined} */
  #pressed;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  get speaking() {
    return this.#speaking;
  }

  /**
   * @param {Side} side whose button is pressed
   * @param {number} now
   */
  press(side, now) {
    if (this.toggle(side) === side) this.#pressed = now;
  }

  /**
   * @param {Side} side whose button is let go
   * @param {number} now
   */
  release(side, now) {
    if (this.#speaking !== side) return;
    const held = this.#pressed !== undefined && now - this.#pressed >= HELD_MS;
    this.#pressed = undefined;
    if (held) this.end();
  }

  /**
   * By a key, which is not held.
   * @param {Side} side
   * @returns {Side | undefined} who speaks now
   */
  toggle(side) {
    const before = this.#speaking;
    this.end();
    if (before === side) return undefined;
    this.#speaking = side;
    this.#handlers.begin(side);
    return side;
  }

  /** Nobody's turn. */
  end() {
    const side = this.#speaking;
    this.#speaking = this.#pressed = undefined;
    if (side) this.#handlers.end(side);
  }
}
