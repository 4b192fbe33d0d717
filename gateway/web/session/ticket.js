/** How to come back after the connection was lost: to which session, as far as it was heard, and when to try. */

import { resumeMs, waitMs } from "./retry.js";

/**
 * @typedef {import("../protocol.js").Resume} Resume
 * @typedef {import("../protocol.js").ServerMessage} ServerMessage
 * @typedef {import("../protocol.js").SessionStarted} SessionStarted
 */

/** Time a session must have run for its loss to be the first again: a server that drops at once is not hurried. */
const STABLE_MS = 2_000;

/** Of one session at a time; times in ms of one clock. */
export class Ticket {
  #session = "";
  #token = "";
  #windowMs = 0;
  #lastSeq = 0;
  #attempt = 0;
  /** @type {number | undefined} when it began to run on this connection, and when that was lost */
  #ran;
  /** @type {number | undefined} */
  #lost;

  /**
   * A session runs, or goes on with another token.
   * @param {SessionStarted} started
   * @param {number} now
   */
  take({ session_id, resume_token = "", resume_window_s = 0, resumed = false }, now) {
    this.#session = session_id;
    this.#token = resume_window_s > 0 ? resume_token : "";
    this.#windowMs = resume_window_s * 1000;
    if (!resumed) this.#lastSeq = 0;
    this.#ran = now;
    this.#lost = undefined;
  }

  /**
   * A frame of speech or a message has arrived. Only what is said of segments counts: answers overtake what waits, and
   * may carry the number of a frame that is still to come.
   * @param {import("../wire.js").AudioFrame | ServerMessage} frame
   */
  heard(frame) {
    if ("segment" in frame) this.#lastSeq = Math.max(this.#lastSeq, frame.seq);
  }

  /** A try failed, or the connection is lost. @param {number} now */
  lose(now) {
    if (this.#ran !== undefined && now - this.#ran > STABLE_MS) this.#attempt = 0;
    this.#ran = undefined;
    this.#lost ??= now;
  }

  /** There is no session to go on with any more. */
  tear() {
    this.#token = "";
  }

  /**
   * How long to wait before the next try.
   * @param {number} now
   * @param {number} random from 0 to 1
   * @param {number} [least] what the server asked for, in ms
   */
  waitMs(now, random, least) {
    const kept = this.#token !== "" && now - (this.#lost ?? now) < this.#windowMs;
    return (kept ? resumeMs : waitMs)(this.#attempt++, random, least);
  }

  /**
   * What the server is asked for.
   * @param {number} samples the first of the session's audio that can still be sent
   * @returns {Resume | undefined} undefined where there is no session to go on with
   */
  resume(samples) {
    if (!this.#token) return undefined;
    return { session_id: this.#session, token: this.#token, last_seq: this.#lastSeq, samples };
  }
}
