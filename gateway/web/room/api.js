/** What the server says and does about rooms over HTTP. */

import { NO_SERVER, ofError } from "../troubles.js";
import { OLD_SERVER } from "./troubles.js";

/**
 * @typedef {import("../troubles.js").Trouble} Trouble
 * @typedef {import("../languages.js").Language} Language
 * @typedef {import("../protocol.js").Speaker} Speaker
 * @typedef {{ secret: string, path: string }} Way
 * @typedef {{ room: string, name: string, listen: Way, speak: Way, expires_s: number }} Opened
 * @typedef {{ speakers: Speaker[], listeners: Record<string, number> }} People
 * @typedef {People & { room: string, name: string, role: "listener" | "speaker", languages: Language[] }} About
 */

/** Of this server; below a path where a proxy puts it there. */
export const ROOT = new URL("../../", import.meta.url);

const PATIENCE_MS = 10_000;

/** It was refused; `trouble` says why. */
export class Refused extends Error {
  /** @param {Trouble} trouble */
  constructor(trouble) {
    super(trouble.text);
    this.trouble = trouble;
  }
}

/** Where a session is opened. */
export function streamUrl() {
  const url = new URL("v1/stream", ROOT);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/**
 * @param {string} name may be empty
 * @returns {Promise<Opened>}
 * @throws {Refused}
 */
export function open(name) {
  return ask("v1/rooms", { method: "POST", ...json(name ? { name } : {}) });
}

/**
 * @param {string} room
 * @param {string} secret for speaking or for listening
 * @returns {Promise<About>}
 * @throws {Refused}
 */
export function about(room, secret) {
  return ask(`v1/rooms/${encodeURIComponent(room)}`, { headers: bearer(secret) });
}

/**
 * Ends the room for everybody.
 * @param {string} room
 * @param {string} secret for speaking
 * @throws {Refused}
 */
export async function end(room, secret) {
  await ask(`v1/rooms/${encodeURIComponent(room)}`, { method: "DELETE", headers: bearer(secret) });
}

/**
 * The modules of a QR code, row by row, "1" is dark.
 * @param {string} text
 * @returns {Promise<string[]>}
 * @throws {Refused}
 */
export async function qr(text) {
  const { rows } = await ask("v1/qr", { method: "POST", ...json({ text }) });
  return rows;
}

/**
 * What can be spoken and heard.
 * @returns {Promise<import("../languages.js").Offer>}
 * @throws {Refused}
 */
export function languages() {
  return ask("v1/languages", {});
}

/**
 * @param {string} path
 * @param {RequestInit} wish
 * @returns {Promise<any>}
 */
async function ask(path, wish) {
  let answer;
  try {
    answer = await fetch(new URL(path, ROOT), { ...wish, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Refused(NO_SERVER);
  }
  if (answer.status === 204) return undefined;
  const told = await answer.json().catch(() => undefined);
  if (answer.ok && told !== undefined) return told;
  // A server without rooms knows no such path; a proxy on the way has words of its own. Neither has a code.
  if (!told?.code) throw new Refused(answer.status === 404 ? OLD_SERVER : NO_SERVER);
  const retryable = told.retryable ?? answer.status >= 500;
  throw new Refused(ofError({ ...told, retryable, retry_after_ms: told.retry_after_ms }));
}

/** @param {unknown} content */
function json(content) {
  return { body: JSON.stringify(content), headers: { "content-type": "application/json" } };
}

/** @param {string} secret */
function bearer(secret) {
  return { authorization: `Bearer ${secret}` };
}
