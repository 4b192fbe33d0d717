/** Short notices that need no answer. */

import { byId, make } from "./dom.js";

const SHOWN_MS = 6_000;

/** @param {string} text */
export function toast(text) {
  const element = make("p", "toast", text.trim());
  byId("toasts", HTMLElement).append(element);
  window.setTimeout(() => element.remove(), SHOWN_MS);
}
