/** What one presses while talking, by hand or by key. */

import { byId, mark } from "./dom.js";

/**
 * @typedef {import("../session/talk.js").State} State
 * @typedef {object} Handlers
 * @property {() => void} talk start, stop, or end at once
 * @property {(on: boolean) => void} mute
 * @property {(on: boolean) => void} hold
 * @property {() => void} commit
 * @property {() => void} silence
 */

/** @type {Record<State, {label: string, status: string}>} */
const WORDS = {
  idle: { label: "Start", status: "Ready" },
  starting: { label: "Cancel", status: "Asking for the microphone" },
  live: { label: "Stop", status: "Listening" },
  waiting: { label: "Stop", status: "Not connected; listening all the same" },
  ending: { label: "End now", status: "Finishing what was said" },
};
/** Where Space is a letter, a choice or a press of its own. */
const OWN_SPACE = "input, select, textarea, button, a, summary, dialog, audio, [contenteditable]";
/** Loudness that fills the ring; speech at arm's length has an RMS of about 0.1. */
const FULL_LEVEL = 0.25;
/** Share of it from which somebody speaks. */
const SPOKEN = 0.2;
/** Frames for which a muted speaker stays warned: 2 s, so that it can be read, and is read out once. */
const WARNED = 100;

export class Dock {
  #talk = byId("talk", HTMLButtonElement);
  #mute = byId("mute", HTMLButtonElement);
  #commit = byId("commit", HTMLButtonElement);
  #hold = byId("pause", HTMLButtonElement);
  #silence = byId("silence", HTMLButtonElement);
  #status = byId("status", HTMLElement);
  #level = byId("level", HTMLMeterElement);
  #handlers;
  /** @type {State} */
  #state = "idle";
  #warned = 0;
  #words;

  /**
   * @param {Handlers} handlers
   * @param {Partial<typeof WORDS>} [words] where the page has others
   */
  constructor(handlers, words) {
    this.#handlers = handlers;
    this.#words = { ...WORDS, ...words };
    this.#talk.addEventListener("click", () => handlers.talk());
    this.#mute.addEventListener("click", () => this.#toggle(this.#mute, handlers.mute));
    this.#hold.addEventListener("click", () => this.#toggle(this.#hold, handlers.hold));
    this.#commit.addEventListener("click", () => handlers.commit());
    this.#silence.addEventListener("click", () => handlers.silence());
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {boolean} ready whether there is a pair of languages */
  enable(ready) {
    this.#talk.disabled = !ready && this.#state === "idle";
  }

  /** @param {State} state */
  show(state) {
    const begins = this.#state === "idle" || this.#state === "starting";
    this.#state = state;
    const running = state === "live" || state === "waiting";
    this.#talk.textContent = this.#words[state].label;
    this.#status.textContent = this.#words[state].status;
    mark(this.#talk, "live", running);
    mark(this.#status, "live", state === "live");
    for (const key of [this.#mute, this.#commit, this.#hold]) key.disabled = !running;
    this.#silence.disabled = !running && state !== "ending";
    if (state === "idle") this.#reset();
    // So that the space bar means "translate now" for who started with the keyboard.
    if (running && begins && document.activeElement === this.#talk) this.#commit.focus({ preventScroll: true });
  }

  /** @param {number} level RMS of 20 ms, 0 to 1 */
  sound(level) {
    const share = Math.min(1, level / FULL_LEVEL);
    this.#level.value = share;
    this.#talk.style.setProperty("--level", share.toFixed(2));
    const muted = this.#mute.getAttribute("aria-pressed") === "true";
    this.#warned = muted && share > SPOKEN ? WARNED : muted ? Math.max(0, this.#warned - 1) : 0;
    const status = this.#warned ? "You speak, but you are muted" : "Muted";
    this.#tell(muted && this.#state === "live" ? status : this.#words[this.#state].status);
  }

  /** @param {string} status set only when it changes, so that it is read out once */
  #tell(status) {
    if (this.#status.textContent !== status) this.#status.textContent = status;
  }

  #reset() {
    this.#level.value = 0;
    this.#talk.style.setProperty("--level", "0");
    for (const key of [this.#mute, this.#hold]) key.setAttribute("aria-pressed", "false");
    if (document.activeElement === this.#commit) this.#talk.focus({ preventScroll: true });
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {(on: boolean) => void} changed
   */
  #toggle(button, changed) {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    changed(on);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]")) return;
    const own = event.target instanceof Element && event.target.closest(OWN_SPACE);
    if (event.key === " " && !own && !this.#commit.disabled) {
      event.preventDefault();
      this.#handlers.commit();
    } else if (event.key === "Escape" && !this.#silence.disabled) {
      event.preventDefault();
      this.#handlers.silence();
    }
  }
}
