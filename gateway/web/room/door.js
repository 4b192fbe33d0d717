/** Asks about a room until it is told, or until there is nothing to wait for. */

import { waitMs } from "../session/retry.js";
import { about, Refused } from "./api.js";
import { NO_SECRET } from "./troubles.js";

/**
 * @typedef {object} Handlers
 * @property {(about: import("./api.js").About) => void} open
 * @property {(trouble: import("../troubles.js").Trouble | undefined, againAt?: number) => void} trouble
 */

export class Door {
  #address;
  #handlers;
  #attempt = 0;
  #timer = 0;

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
    if (!secret) return this.#handlers.trouble(NO_SECRET);
    try {
      const told = await about(room, secret);
      this.open = true;
      this.#attempt = 0;
      this.#handlers.trouble(undefined);
      this.#handlers.open(told);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#refused(error.trouble);
    }
  }

  /** @param {import("../troubles.js").Trouble} trouble */
  #refused(trouble) {
    if (!trouble.again) return this.#handlers.trouble(trouble);
    const wait = waitMs(this.#attempt++, Math.random(), trouble.retryAfterMs);
    this.#timer = window.setTimeout(() => void this.knock(), wait);
    this.#handlers.trouble(trouble, performance.now() + wait);
  }
}
