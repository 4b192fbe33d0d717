/** How a session in a room begins. */

import { yielding } from "../preferences.js";
import { PROTOCOL } from "../wire.js";

/** @typedef {import("../preferences.js").Choices} Choices */
/**
 * `language` is what one hears, empty for who only speaks.
 * @typedef {{ room: string, secret: string, role: import("../protocol.js").Role, name: string, source: string,
 *   language: string }} Wish
 */

/** What the gateway sends at unless it is asked for another rate. */
const RATE = 24_000;

/**
 * @param {Wish} wish
 * @param {Pick<Choices, "surroundings" | "bargeIn" | "headphones">} choices
 * @param {import("../protocol.js").Rate} [rate] Hz of the speech wanted
 * @returns {import("../protocol.js").SessionStart}
 */
export function sessionStart(wish, choices, rate = RATE) {
  const { room, secret, role, name, source, language } = wish;
  const speaks = role !== "listener";
  return {
    type: "session.start",
    protocol: PROTOCOL,
    room,
    secret,
    role,
    name: speaks && name ? name : undefined,
    source: speaks ? { language: source } : undefined,
    targets: role === "speaker" ? undefined : [{ language }],
    output: { rate, pacing: "burst" },
    vad: speaks ? cut(choices) : undefined,
    barge_in: bargeIn(wish, choices),
    features: ["partials"],
  };
}

/**
 * What one's own speech does to the speech of the others.
 * @param {Pick<Wish, "role">} wish
 * @param {Pick<Choices, "bargeIn" | "headphones">} choices
 */
export function bargeIn({ role }, choices) {
  return role === "both" ? yielding(choices) : undefined;
}

/** How speech is cut. @param {Pick<Choices, "surroundings">} choices */
export function cut({ surroundings }) {
  return surroundings === null ? undefined : { aggressiveness: surroundings };
}

/**
 * What was chosen while there was no connection, since a session goes on as it was.
 * @param {Wish} wish
 * @param {import("../protocol.js").Effective} config in force
 * @returns {Partial<Wish> | undefined}
 */
export function changedMeanwhile({ role, source, language }, config) {
  /** @type {Partial<Wish>} */
  const changed = {};
  if (role !== "listener" && config.source?.language !== source) changed.source = source;
  if (role !== "speaker" && config.targets[0]?.language !== language) changed.language = language;
  return Object.keys(changed).length ? changed : undefined;
}
