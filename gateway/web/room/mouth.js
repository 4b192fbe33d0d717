/** What one says: recorded, handed on as the connection takes it, and ended after the last of it. */

import { Recording } from "../session/recording.js";
import { ROOM } from "./troubles.js";

/**
 * @typedef {import("../protocol.js").ServerMessage} ServerMessage
 * @typedef {import("../protocol.js").SessionStarted} SessionStarted
 * @typedef {import("../session/link.js").Link} Link
 */

const PUMP_MS = 50;

export class Mouth {
  #recording = new Recording();
  /** @type {Link | undefined} */
  #link;
  #ends = false;
  #endSaid = false;
  #pumping = 0;

  /** Whether the server was told the end. */
  get endSaid() {
    return this.#endSaid;
  }

  /**
   * 20 ms of the microphone.
   * @param {Int16Array} pcm
   * @param {number} at when its last sample was recorded, ms of performance.now()
   */
  push(pcm, at) {
    this.#recording.push(pcm, at);
    this.#pump();
  }

  /** The first sample of the session's audio that can still be sent. */
  get held() {
    return this.#recording.held;
  }

  /**
   * A session has begun, or goes on.
   * @param {Link} link
   * @param {SessionStarted} message
   * @returns {string[]} what is lost, in sentences
   */
  begin(link, { resumed, samples = 0 }) {
    const away = this.#link && !resumed ? [ROOM.resume_expired.text] : [];
    this.#link = link;
    this.#endSaid = false;
    if (resumed) this.#recording.resume(samples);
    else this.#recording.begin();
    this.#pump();
    const lost = this.#recording.takeLost();
    return lost > 0 ? [...away, `${Math.ceil(lost)} s of what you said could not be kept.`] : away;
  }

  /** Takes note of what the server has. @param {ServerMessage} message */
  follow(message) {
    this.#recording.follow(message);
  }

  /** Nothing more will be said. */
  end() {
    this.#ends = true;
    this.#pumping = window.setInterval(() => this.#pump(), PUMP_MS);
    this.#pump();
  }

  close() {
    window.clearInterval(this.#pumping);
    this.#link = undefined;
  }

  #pump() {
    if (!this.#link?.open) return;
    this.#recording.sendTo(this.#link);
    if (!this.#ends || this.#recording.waiting || this.#endSaid) return;
    this.#endSaid = true;
    this.#link.send({ type: "session.end" });
  }
}
