/** How every session of this page begins. */

import { PROTOCOL } from "../wire.js";

/** What the gateway sends at unless it is asked for another rate. */
const RATE = 24_000;

/**
 * @param {import("../preferences.js").Choices} choices
 * @param {import("../protocol.js").Rate} [rate] Hz of the speech wanted
 * @returns {import("../protocol.js").SessionStart}
 */
export function sessionStart({ source, target, surroundings }, rate = RATE) {
  return {
    type: "session.start",
    protocol: PROTOCOL,
    source: { language: source },
    targets: [{ language: target }],
    output: { rate },
    vad: surroundings === null ? undefined : { aggressiveness: surroundings },
    features: ["partials"],
  };
}
