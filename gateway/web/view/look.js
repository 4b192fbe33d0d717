/** How the page looks: the size of its captions and its colours, chosen in `#size` and `#theme` and remembered. */

import { byId } from "./dom.js";

const DARK = window.matchMedia("(prefers-color-scheme: dark)");

export class Look {
  #size = byId("size", HTMLInputElement);
  #theme = byId("theme", HTMLSelectElement);
  #preferences;

  /** @param {import("../preferences.js").Preferences} preferences */
  constructor(preferences) {
    this.#preferences = preferences;
    const { size, theme } = preferences.choices;
    this.#size.valueAsNumber = size;
    this.#theme.value = theme;
    this.#size.addEventListener("input", () => this.#take({ size: this.#size.valueAsNumber }));
    this.#theme.addEventListener("change", () => this.#take({ theme: known(this.#theme.value) }));
    DARK.addEventListener("change", () => dress(preferences.choices));
    dress(preferences.choices);
  }

  /** @param {Partial<import("../preferences.js").Choices>} choice */
  #take(choice) {
    this.#preferences.set(choice);
    dress(this.#preferences.choices);
  }
}

/** Makes the page look as it was chosen. @param {import("../preferences.js").Choices} choices */
export function dress({ size, theme }) {
  const dark = theme === "dark" || (theme === "auto" && DARK.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.documentElement.style.setProperty("--scale", String(size / 100));
}

/**
 * @param {string} value
 * @returns {import("../preferences.js").Choices["theme"]}
 */
function known(value) {
  return value === "light" || value === "dark" ? value : "auto";
}
