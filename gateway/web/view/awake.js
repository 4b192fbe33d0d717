/** Keeps the screen on while somebody speaks, and comes back when the page does. */

export class Awake {
  #wanted = false;
  /** @type {WakeLockSentinel | undefined} */
  #lock;

  /** @param {() => void} back the page is seen again while it should be awake */
  constructor(back) {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden || !this.#wanted) return;
      void this.#hold();
      back();
    });
  }

  /** @param {boolean} on */
  keep(on) {
    if (this.#wanted === on) return;
    this.#wanted = on;
    if (on) void this.#hold();
    else void this.#lock?.release();
  }

  async #hold() {
    try {
      // Taken away whenever the page is hidden.
      this.#lock = await navigator.wakeLock?.request("screen");
      if (!this.#wanted) await this.#lock?.release();
    } catch {
      // Low battery, or forbidden: the screen then goes dark as it always does.
    }
  }
}
