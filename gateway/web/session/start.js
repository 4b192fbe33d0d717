/** How every session of this page begins, and what it is told when languages change. */

import { AUTO } from "../languages.js";
import { yielding } from "../preferences.js";
import { PROTOCOL } from "../wire.js";

/**
 * `pair`: two people who share the device; without a source of its own, the one spoken is detected among the two.
 * @typedef {import("../preferences.js").Choices & { pair?: [string, string] }} Wish
 */

/** What the gateway sends at unless it is asked for another rate. */
const RATE = 24_000;

/**
 * @param {Wish} wish
 * @param {import("../protocol.js").Rate} [rate] Hz of the speech wanted
 * @returns {import("../protocol.js").SessionStart}
 */
export function sessionStart(wish, rate = RATE) {
  const { surroundings } = wish;
  return {
    type: "session.start",
    protocol: PROTOCOL,
    ...languages(wish),
    output: { rate, pacing: "burst" },
    vad: surroundings === null ? undefined : { aggressiveness: surroundings },
    barge_in: bargeIn(wish),
    features: ["partials"],
  };
}

/** What one's own speech does: of two who talk with each other, not of who hears only themselves. @param {Wish} wish */
export function bargeIn(wish) {
  return wish.pair && yielding(wish);
}

/** @param {Wish} wish */
export function languages({ source, target, pair }) {
  if (!pair || source !== AUTO) return { source: { language: source }, targets: [{ language: target }] };
  return { source: { language: AUTO, among: pair }, targets: pair.map((language) => ({ language })) };
}

/**
 * Whether a session that goes on speaks of the one whose turn it is: the last word on it may have been lost.
 * @param {Wish} wish
 * @param {import("../protocol.js").Effective} config in force
 */
export function holds({ source, target, pair }, config) {
  if (!pair || source === AUTO) return true;
  return config.source?.language === source && config.targets[0]?.language === target;
}

/** The address of the stream beside this page. */
export function streamUrl() {
  const url = new URL("v1/stream", document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = url.hash = "";
  return url.href;
}
