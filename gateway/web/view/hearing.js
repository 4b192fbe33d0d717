/** What one presses while listening, by hand or by key. */

import { byId, mark } from "./dom.js";
import { seconds } from "./row.js";

/**
 * @typedef {import("../session/talk.js").State} State
 * @typedef {object} Handlers
 * @property {() => void} talk begin or leave
 * @property {(on: boolean) => void} hold
 * @property {() => void} silence
 * @property {(volume: number) => void} volume 0 to 100
 */

/** @type {Record<State, {label: string, status: string}>} */
const WORDS = {
  idle: { label: "Listen", status: "Ready" },
  starting: { label: "Cancel", status: "Joining" },
  live: { label: "Leave", status: "Listening" },
  waiting: { label: "Leave", status: "Not connected" },
  ending: { label: "Leave", status: "Leaving" },
};

export class Hearing {
  #talk = byId("talk", HTMLButtonElement);
  #hold = byId("pause", HTMLButtonElement);
  #silence = byId("silence", HTMLButtonElement);
  #status = byId("status", HTMLElement);
  #delay = byId("delay", HTMLElement);
  #volume = byId("volume", HTMLInputElement);
  /** @type {State} */
  #state = "idle";

  /**
   * @param {Handlers} handlers
   * @param {number} volume 0 to 100
   */
  constructor(handlers, volume) {
    this.#volume.valueAsNumber = volume;
    this.#talk.addEventListener("click", () => handlers.talk());
    this.#hold.addEventListener("click", () => handlers.hold(!this.held));
    this.#silence.addEventListener("click", () => handlers.silence());
    this.#volume.addEventListener("input", () => handlers.volume(this.#volume.valueAsNumber));
    document.addEventListener("keydown", ({ key }) => {
      const free = !document.querySelector("dialog[open]") && !this.#silence.disabled;
      if (key === "Escape" && free) handlers.silence();
    });
  }

  get held() {
    return this.#hold.getAttribute("aria-pressed") === "true";
  }

  /** @param {boolean} ready whether there is a room and a language */
  enable(ready) {
    this.#talk.disabled = !ready && this.#state === "idle";
  }

  /** @param {State} state */
  show(state) {
    this.#state = state;
    const running = state === "live" || state === "waiting";
    this.#talk.textContent = WORDS[state].label;
    mark(this.#talk, "live", running);
    mark(this.#status, "live", state === "live");
    this.#hold.disabled = this.#silence.disabled = !running;
    if (!running) this.hold(false);
    if (state === "idle") this.delay(undefined);
    this.#tell();
  }

  /** @param {boolean} on */
  hold(on) {
    this.#hold.setAttribute("aria-pressed", String(on));
    this.#tell();
  }

  /** How late the last sentences were heard. @param {number | undefined} ms */
  delay(ms) {
    this.#delay.textContent = ms === undefined ? "" : `${seconds(ms)} behind`;
  }

  #tell() {
    const status = this.held && this.#state === "live" ? "Speech is held" : WORDS[this.#state].status;
    if (this.#status.textContent !== status) this.#status.textContent = status;
  }
}
