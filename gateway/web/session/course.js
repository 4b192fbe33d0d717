/** What was recorded and what became of it, from Start to Stop, through all the sessions that this takes. */

import { Recording } from "./recording.js";
import { Rescue } from "./rescue.js";

/**
 * @typedef {import("../protocol.js").ServerMessage} ServerMessage
 * @typedef {import("../protocol.js").SessionStarted} SessionStarted
 * @typedef {import("./start.js").Wish} Wish
 * @typedef {import("./transcript.js").Change} Change
 */

export class Course {
  recording = new Recording();
  #transcript;
  #rescue;

  /** @param {import("./transcript.js").Transcript} transcript */
  constructor(transcript) {
    this.#transcript = transcript;
    this.#rescue = new Rescue(transcript);
  }

  /** Nothing is recorded yet. */
  restart() {
    this.recording = new Recording();
  }

  /** A part of its own, which begins with what the next session will be sent. @param {Wish} wish */
  openPart({ source, target, pair }) {
    const at = Date.now() - this.recording.keptMs;
    this.#transcript.openPart({ title: "", kind: "live", at, source, target, pair });
    this.recording.openPart();
  }

  /** Who speaks has changed: what is said from now on is in another language. @param {Wish} wish */
  turn({ source, target }) {
    if (this.#transcript.part) Object.assign(this.#transcript.part, { source, target });
  }

  /**
   * A session runs, the one before or another one.
   * @param {SessionStarted} message
   * @returns {Change}
   */
  started(message) {
    const { resumed = false, samples = 0 } = message;
    const change = resumed ? { changed: [], withdrawn: [] } : this.lose();
    if (resumed) this.recording.resume(samples);
    else this.#transcript.connected(this.recording.begin());
    this.#transcript.apply(message);
    return change;
  }

  /**
   * The session is over; what it leaves open comes again with the next one.
   * @returns {Change}
   */
  lose() {
    const { from, ...change } = this.#transcript.lose(this.recording.firstMs);
    this.recording.rewind(from);
    return change;
  }

  /**
   * @param {ServerMessage} message of the running session
   * @returns {Change}
   */
  take(message) {
    this.recording.follow(message);
    this.#rescue.follow(message, this.recording);
    const change = this.#transcript.apply(message);
    const line = message.type === "translation.final" ? this.#transcript.line(message.segment) : undefined;
    if (line) this.#transcript.captioned(line.id, this.recording.since(line, performance.now()));
    return change;
  }

  /** Whether the speech of a line that failed is still here. @param {number} id */
  canRescue(id) {
    return this.#rescue.has(id);
  }

  /** Sends the speech of a line that failed once more. @param {Parameters<Rescue["again"]>} how */
  rescue(...how) {
    this.#rescue.again(...how);
  }
}
