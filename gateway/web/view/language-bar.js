/** The two languages: what can be had together, and nothing that cannot. */

import * as languages from "../languages.js";
import { waitMs } from "../session/retry.js";
import { NO_LANGUAGES, NO_SERVER, ofError } from "../troubles.js";
import { byId } from "./dom.js";

/**
 * @typedef {import("../languages.js").Offer} Offer
 * @typedef {{source: string, target: string}} Pair
 * @typedef {object} Handlers
 * @property {() => void} changed by the user
 * @property {(offered: boolean) => void} ready whether there is a pair; another one may be chosen than before
 * @property {(trouble: import("../troubles.js").Trouble | undefined, againAt?: number) => void} trouble
 */

/** An offer older than this is asked for again when a list is opened: workers come and go. */
const FRESH_MS = 10_000;

export class LanguageBar {
  #source = byId("source", HTMLSelectElement);
  #target = byId("target", HTMLSelectElement);
  #swap = byId("swap", HTMLButtonElement);
  #handlers;
  /** @type {Offer | undefined} */
  #offer;
  #pair;
  #loadedAt = -Infinity;
  #attempt = 0;
  #timer = 0;

  /**
   * @param {Pair} wanted
   * @param {Handlers} handlers
   */
  constructor(wanted, handlers) {
    this.#pair = wanted;
    this.#handlers = handlers;
    this.#source.addEventListener("change", () => this.#choose({ ...this.#pair, source: this.#source.value }));
    this.#target.addEventListener("change", () => this.#choose({ ...this.#pair, target: this.#target.value }));
    this.#swap.addEventListener("click", () => this.#choose(this.#swapped()));
    for (const list of [this.#source, this.#target]) list.addEventListener("focus", () => this.#freshen());
    document.addEventListener("visibilitychange", () => document.hidden || this.#freshen());
  }

  /** What is chosen now. */
  get pair() {
    return this.#pair;
  }

  /** @param {string} tag */
  direction(tag) {
    return this.#offer ? languages.direction(this.#offer, tag) : "ltr";
  }

  focus() {
    this.#target.focus();
  }

  /** Asks the server what it offers, again and again until it offers something. */
  async load() {
    window.clearTimeout(this.#timer);
    const { offer, refusal } = await fetched();
    if (!offer?.pairs.length) {
      const wait = waitMs(this.#attempt++, Math.random());
      this.#timer = window.setTimeout(() => this.load(), wait);
      if (this.#offer?.pairs.length) return;
      this.#handlers.trouble(refusal ?? NO_LANGUAGES, performance.now() + wait);
      this.#handlers.ready(false);
      return;
    }
    if (!this.#offer) this.#handlers.trouble(undefined);
    this.#attempt = 0;
    this.#loadedAt = performance.now();
    this.#offer = offer;
    const pair = languages.settle(offer, this.#pair, navigator.languages);
    if (!pair) return;
    this.#pair = pair;
    this.#show(offer);
    this.#handlers.ready(true);
  }

  #freshen() {
    if (performance.now() - this.#loadedAt > FRESH_MS) void this.load();
  }

  /** @param {Pair} wanted */
  #choose(wanted) {
    if (!this.#offer) return;
    const pair = languages.settle(this.#offer, wanted, [this.#pair.target, ...navigator.languages]);
    if (!pair) return;
    this.#pair = pair;
    this.#show(this.#offer);
    this.#handlers.changed();
  }

  /** @param {Offer} offer */
  #show(offer) {
    fill(this.#source, languages.sources(offer), this.#pair.source);
    fill(this.#target, languages.targets(offer, this.#pair.source), this.#pair.target);
    const { source, target } = this.#swapped();
    this.#swap.disabled = !offer.pairs.some((pair) => pair.source === source && pair.target === target);
  }

  /** @returns {Pair} */
  #swapped() {
    return { source: this.#pair.target, target: this.#pair.source };
  }
}

/** What the server offers. @returns {Promise<{offer?: Offer, refusal?: import("../troubles.js").Trouble}>} why there is no offer */
export async function fetched() {
  try {
    const answer = await fetch("v1/languages", { signal: AbortSignal.timeout(10_000) });
    const told = await answer.json();
    if (answer.ok) return { offer: told };
    // A proxy on the way has words of its own, and no code.
    return { refusal: told.code ? ofError({ ...told, retryable: true }) : NO_SERVER };
  } catch {
    return { refusal: NO_SERVER };
  }
}

/**
 * @param {HTMLSelectElement} list
 * @param {readonly import("../languages.js").Choice[]} choices
 * @param {string} chosen
 */
export function fill(list, choices, chosen) {
  const options = choices.map(({ tag, name, enabled }) => {
    const option = new Option(name, tag, false, tag === chosen);
    option.disabled = !enabled;
    return option;
  });
  list.replaceChildren(...options);
  list.disabled = false;
}
