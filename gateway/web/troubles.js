/** Every way in which it may not work, as one human sentence and one button. */

import { ROOM } from "./room/troubles.js";
import { isSilence } from "./session/segments.js";

/**
 * @typedef {"retry" | "settings" | "languages" | "reload" | "steps" | "dismiss" | "listen"} Act
 * @typedef {object} Trouble
 * @property {string} code stable name, for tests and reports
 * @property {string} text one sentence: what happened and what to do
 * @property {string} label of the button
 * @property {Act} act what the button does
 * @property {string} [steps] shown by the act "steps"
 * @property {boolean} [again] true where it is tried again by itself
 * @property {number} [retryAfterMs] the server's wish
 */

/** Plain http on another host: what a microphone needs, in the order of effort. */
const HTTPS_STEPS =
  "On the server's own computer: open http://localhost with the same port.\n" +
  "From another computer: ssh -L 8000:localhost:8000 SERVER, then open http://localhost:8000.\n" +
  "For everybody: put a proxy with a certificate before the server, such as " +
  "caddy reverse-proxy --from talk.example.org --to localhost:8000";

/**
 * Why there is no microphone.
 * @param {unknown} error what getUserMedia threw
 * @returns {Trouble}
 */
export function ofMicrophone(error) {
  const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
  if (name === "NotAllowedError" && /system/i.test(message)) {
    return retry(
      "system_denied",
      "Your system keeps the microphone from the browser: allow it in the system's privacy settings.",
    );
  }
  if (name === "NotAllowedError" && /dismissed/i.test(message)) {
    return retry("dismissed", "The question for the microphone was closed: ask again and choose Allow.", "Ask again");
  }
  if (name === "NotAllowedError" || name === "SecurityError") {
    return retry(
      "denied",
      "The microphone is blocked for this page: allow it with the symbol beside the address, then try again.",
    );
  }
  if (name === "NotFoundError" || name === "OverconstrainedError") {
    return retry("no_microphone", "No microphone was found: plug one in, then try again.");
  }
  if (name === "NotReadableError" || name === "AbortError") {
    return retry("in_use", "Another program is using the microphone: close it, then try again.");
  }
  return retry("microphone_failed", `The microphone cannot be used (${message || name}).`);
}

/** @type {Trouble} */
export const INSECURE = {
  code: "insecure",
  text: "Browsers give the microphone to secure pages only, and this one came over plain http.",
  label: "Show how",
  act: "steps",
  steps: HTTPS_STEPS,
};

/** @type {Trouble} */
export const OLD_BROWSER = {
  code: "old_browser",
  text: "This browser cannot process live sound: use a current Chrome, Edge, Firefox or Safari.",
  label: "Understood",
  act: "dismiss",
};

/** @type {Trouble} */
export const OLD_PAGE = {
  code: "protocol_version",
  text: "This page is older than the server.",
  label: "Reload",
  act: "reload",
};

/** @type {Trouble} */
export const SUSPENDED = {
  code: "suspended",
  text: "The browser has stopped the sound, as it does in the background.",
  label: "Go on",
  act: "retry",
};

/** @type {Trouble} */
export const UNPLUGGED = {
  code: "unplugged",
  text: "The microphone is gone: plug it in again, and it goes on by itself.",
  label: "Use another",
  act: "settings",
};

/** @type {Trouble} */
export const NO_SOUND = {
  code: "no_sound",
  text: "No sound at all comes from the microphone: it may be switched off.",
  label: "Choose another",
  act: "settings",
};

/** @type {Trouble} */
export const NO_LANGUAGES = {
  code: "no_languages",
  text: "The server offers no language pair at the moment: its workers are not running.",
  label: "Try again",
  act: "retry",
  again: true,
};

/** @type {Trouble} */
export const NO_SERVER = {
  code: "no_server",
  text: "The server does not answer.",
  label: "Try now",
  act: "retry",
  again: true,
};

/** @type {Trouble} */
export const LOST = {
  code: "connection_lost",
  text: "The connection is lost; what you say is kept and translated as soon as it is back.",
  label: "Try now",
  act: "retry",
  again: true,
};

/** @type {Trouble} */
export const TAKEN_OVER = {
  code: "taken_over",
  text: "This goes on in another window or on another device, so it has ended here.",
  label: "Start again",
  act: "retry",
};

/**
 * Why the server refused or ended the session: its own error frame.
 * @param {{code: string, message: string, hint?: string, retryable?: boolean, retry_after_ms?: number}} error
 * @returns {Trouble}
 */
export function ofError(error) {
  const said = `${error.message} ${error.hint ?? ""}`.trim();
  const retryAfterMs = error.retry_after_ms;
  switch (error.code) {
    case "room_full":
      return again(error.code, `There is no place in the room at the moment: ${lower(said)}`, retryAfterMs);
    case "overloaded":
      return again("server_full", "The server is full: all its places are taken.", retryAfterMs);
    case "no_worker":
      return again("no_worker", `The server cannot translate right now: ${lower(error.message)}`, retryAfterMs);
    case "redis_unavailable":
      return again("server_incomplete", "The server cannot translate right now: its Redis does not answer.", retryAfterMs);
    case "draining":
      return { ...LOST, retryAfterMs };
    case "idle":
      return retry("idle", "The server ended the session because nothing was heard for long.", "Start again");
    case "unsupported_language":
    case "cannot_detect":
      return { code: error.code, text: said, label: "Choose languages", act: "languages" };
    case "protocol_version":
      return OLD_PAGE;
    case "taken_over":
      return TAKEN_OVER;
    case "forbidden_origin":
      return { code: error.code, text: said, label: "Understood", act: "dismiss" };
    default:
      if (Object.hasOwn(ROOM, error.code)) return ROOM[error.code];
      return error.retryable ? again(error.code, said, retryAfterMs) : retry(error.code, said);
  }
}

/**
 * Why the connection closed without an error frame.
 * @param {number} code of the close
 * @param {boolean} met whether the server has answered on this page before
 * @returns {Trouble}
 */
export function ofClose(code, met) {
  if (code === 4409) return TAKEN_OVER;
  if (code === 1009) return retry("too_big", "The server takes no frames of this size (WS_MAX_MESSAGE_SIZE).");
  return met ? LOST : NO_SERVER;
}

/**
 * Why a sentence will not be heard.
 * @param {{stage: string, code: string, message: string}} failure
 * @returns {string}
 */
export function ofSegment(failure) {
  if (isSilence(failure)) return "Its speech came too late and was left out.";
  const what = { stt: "understood", translation: "translated", tts: "spoken" }[failure.stage] ?? "translated";
  const why = failure.code === "timed_out" || failure.code === "too_late" ? "it took too long" : failure.message;
  return `This could not be ${what}: ${why.replace(/\.$/, "")}.`;
}

/**
 * @param {string} code
 * @param {string} text
 * @param {string} [label]
 * @returns {Trouble}
 */
function retry(code, text, label = "Try again") {
  return { code, text, label, act: "retry" };
}

/**
 * @param {string} code
 * @param {string} text
 * @param {number} [retryAfterMs]
 * @returns {Trouble}
 */
function again(code, text, retryAfterMs) {
  return { code, text, label: "Try now", act: "retry", again: true, retryAfterMs };
}

/** @param {string} sentence to go on behind a colon */
function lower(sentence) {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
