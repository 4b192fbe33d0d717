/** What went wrong: one sentence, one button, and how long until it is tried again. */

import { byId } from "./dom.js";

/**
 * @typedef {import("../troubles.js").Trouble} Trouble
 * @typedef {import("../troubles.js").Act} Act
 */

const TICK_MS = 200;

export class Banner {
  #element = byId("trouble", HTMLElement);
  #text = byId("trouble-text", HTMLElement);
  #steps = byId("trouble-steps", HTMLElement);
  #countdown = byId("trouble-countdown", HTMLElement);
  #button = byId("trouble-action", HTMLButtonElement);
  #act;
  /** @type {Trouble | undefined} */
  #trouble;
  #againAt = 0;
  #ticking = 0;

  /** @param {(act: Act) => void} act what the button does, but for "steps" and "dismiss" */
  constructor(act) {
    this.#act = act;
    this.#button.addEventListener("click", () => this.#pressed());
  }

  /**
   * @param {Trouble | undefined} trouble undefined: all is well
   * @param {number} [againAt] when it is tried again, in ms of performance.now()
   */
  show(trouble, againAt = 0) {
    this.#trouble = trouble;
    this.#againAt = againAt;
    window.clearInterval(this.#ticking);
    this.#element.hidden = trouble === undefined;
    this.#element.dataset.code = trouble?.code ?? "";
    if (this.#text.textContent !== (trouble?.text ?? "")) this.#text.textContent = trouble?.text ?? "";
    this.#steps.hidden = true;
    this.#button.textContent = trouble?.label ?? "";
    this.#count();
    if (againAt) this.#ticking = window.setInterval(() => this.#count(), TICK_MS);
  }

  #count() {
    const left = Math.ceil((this.#againAt - performance.now()) / 1000);
    this.#countdown.textContent = this.#againAt === 0 ? "" : left > 0 ? `again in ${left} s` : "trying";
  }

  #pressed() {
    const trouble = this.#trouble;
    if (!trouble) return;
    if (trouble.act === "steps") {
      this.#steps.textContent = trouble.steps ?? "";
      this.#steps.hidden = !this.#steps.hidden;
    } else if (trouble.act === "dismiss") {
      this.show(undefined);
    } else {
      this.#act(trouble.act);
    }
  }
}
