/** Asks about a room until it is told, or until there is nothing to wait for. */

import { waitMs } from "../session/retry.js";
import { NO_LANGUAGES } from "../troubles.js";
import { about, Refused } from "./api.js";
import { NO_SECRET } from "./troubles.js";

/**
 * @typedef {object} Handlers
 * @property {(about: import("./api.js").About) => void} open
 * @property {(trouble: import("../troubles.js").Trouble | undefined, againAt?: number) => void} trouble
 */

/** What was told is good for so long: who speaks and what is offered changes. */
const FRESH_MS = 10_000;
/** A thousand who learn at once that there is something new do not ask at once. */
const SPREAD_MS = 3_000;

export class Door {
  #address;
  #handlers;
  #attempt = 0;
  #timer = 0;
  #toldAt = -Infinity;

  /** Whether the room has answered. */
  open = false;

  /**
   * @param {import("./address.js").Address} address
   * @param {Handlers} handlers
   */
  constructor(address, handlers) {
    this.#address = address;
    this.#handlers = handlers;
  }

  /** Asks now. */
  async knock() {
    const { room, secret } = this.#address;
    window.clearTimeout(this.#timer);
    this.#timer = 0;
    if (!secret) return this.#handlers.trouble(NO_SECRET);
    try {
      const told = await about(room, secret);
      if (told.languages.length === 0) return this.#refused(NO_LANGUAGES);
      if (!this.open) this.#handlers.trouble(undefined);
      this.open = true;
      this.#attempt = 0;
      this.#toldAt = performance.now();
      this.#handlers.open(told);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#refused(error.trouble);
    }
  }

  /** Asks again where the answer is old. */
  freshen() {
    if (performance.now() - this.#toldAt > FRESH_MS && !this.#timer) void this.knock();
  }

  /** Asks again in a moment: there is something new. */
  again() {
    this.#timer ||= window.setTimeout(() => void this.knock(), Math.random() * SPREAD_MS);
  }

  /** @param {import("../troubles.js").Trouble} trouble */
  #refused(trouble) {
    // Who is in hears of it from the session.
    if (this.open) return;
    if (!trouble.again) return this.#handlers.trouble(trouble);
    const wait = waitMs(this.#attempt++, Math.random(), trouble.retryAfterMs);
    this.#timer = window.setTimeout(() => void this.knock(), wait);
    this.#handlers.trouble(trouble, performance.now() + wait);
  }
}
