/** What the server says beside what was said: as a notice that goes away, or as a remark beside the state. */

import { ECHO } from "./segments.js";

/**
 * @typedef {import("../protocol.js").ServerMessage} ServerMessage
 * @typedef {object} Handlers
 * @property {(text: string) => void} notice
 * @property {(code: string, text: string, seconds?: number) => void} remark one of each code is shown, for so long or
 *   until it is empty
 */

/** What was asked for before every server can do it, and an end that was said once more after a lost connection. */
const QUIET = ["not_available", "ending"];
/** Time to read a remark. */
const READ_S = 6;

/**
 * What holds until the server says that it is over.
 * @type {Record<string, string>}
 */
const LASTING = {
  captions_only: "Captions only for now: the server is busy.",
  late: "Some sentences are left out for now: the server is busy.",
};

/**
 * Tells it, if it is of this kind.
 * @param {ServerMessage} message
 * @param {Handlers} handlers
 * @returns {boolean} false where it says something of what was said
 */
export function tell(message, { notice, remark }) {
  switch (message.type) {
    case "warning":
      if (Object.hasOwn(LASTING, message.code)) remark(message.code, "over" in message && message.over ? "" : LASTING[message.code]);
      else if (!QUIET.includes(message.code)) notice(`${message.message} ${message.hint ?? ""}`);
      return true;
    case "error":
      if (!QUIET.includes(message.code)) notice(`${message.message} ${message.hint ?? ""}`);
      return true;
    case "playback.skipped":
      notice("The network was too slow: some speech was left out, its captions are here.");
      return true;
    case "segment.failed":
      if (message.code === ECHO) remark(ECHO, "The loudspeaker was heard, and is left out.", READ_S);
      return false;
    default:
      return false;
  }
}
