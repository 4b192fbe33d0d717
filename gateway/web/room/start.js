/** How a session in a room begins. */

import { PROTOCOL } from "../wire.js";

/**
 * `language` is what one hears, empty for who only speaks.
 * @typedef {{ room: string, secret: string, role: import("../protocol.js").Role, name: string, source: string,
 *   language: string }} Wish
 */

/** What the gateway sends at unless it is asked for another rate. */
const RATE = 24_000;

/**
 * @param {Wish} wish
 * @param {Pick<import("../preferences.js").Choices, "surroundings">} choices
 * @param {import("../protocol.js").Rate} [rate] Hz of the speech wanted
 * @returns {import("../protocol.js").SessionStart}
 */
export function sessionStart({ room, secret, role, name, source, language }, choices, rate = RATE) {
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
  };
}

/** How speech is cut. @param {Pick<import("../preferences.js").Choices, "surroundings">} choices */
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
