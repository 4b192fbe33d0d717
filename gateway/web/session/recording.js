/** What the microphone gave in this conversation: what is to be sent, and when each place of it was spoken. */

import { SPEECH_RATE } from "../audio/framer.js";
import { Recorded } from "./recorded.js";
import { Uplink } from "./uplink.js";

/**
 * @typedef {import("../protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./transcript.js").Line} Line
 */

const SAMPLES_PER_MS = SPEECH_RATE / 1000;

/** Places of a part's timeline begin with the first sample that its first session was sent. */
export class Recording {
  #uplink = new Uplink();
  #recorded = new Recorded();
  /** @type {number | undefined} */
  #partBegin;
  #lost = 0;

  /**
   * @param {Int16Array} pcm 20 ms
   * @param {number} at when its last sample was recorded, ms of performance.now()
   */
  push(pcm, at) {
    this.#uplink.push(pcm);
    this.#recorded.note(this.#uplink.end, at);
  }

  /** Hands on what this connection was not sent, as much as it takes. @param {import("./link.js").Link} link */
  sendTo(link) {
    while (link.ready) {
      const frame = this.#uplink.next();
      if (!frame) break;
      link.sendAudio(frame);
    }
  }

  get waiting() {
    return this.#uplink.waiting;
  }

  /** How much of it the next session would be sent, in ms. */
  get keptMs() {
    return this.#uplink.unsafe / SAMPLES_PER_MS;
  }

  /** The first sample of this session that can still be sent. */
  get held() {
    return this.#uplink.held;
  }

  /** From where on it is still here, in ms of the part's timeline. */
  get firstMs() {
    return this.#ms(this.#uplink.first);
  }

  get end() {
    return this.#uplink.end;
  }

  /** What comes is another part, with a timeline of its own. */
  openPart() {
    this.#partBegin = undefined;
  }

  /**
   * A new session: it is sent what the one before did not have safe, or from where it was rewound to.
   * @returns {(sessionMs: number) => number} from the session's audio to the part's timeline, in ms
   */
  begin() {
    const begin = this.#uplink.begin();
    this.#partBegin ??= begin;
    return (ms) => this.#ms(this.#uplink.placeOf(ms * SAMPLES_PER_MS));
  }

  /** The session goes on, from this sample of its audio on. @param {number} samples */
  resume(samples) {
    this.#uplink.resume(samples);
  }

  /** The next session is to be sent what was said from here on. @param {number | undefined} ms of the part's timeline */
  rewind(ms) {
    if (ms !== undefined) this.#uplink.rewind(this.place(ms));
  }

  /** Takes note of what the server has: what it says so of, and what it has understood. @param {ServerMessage} message */
  follow(message) {
    if (message.type === "audio.ack") {
      this.#uplink.acknowledge(message.samples);
    } else if (message.type === "transcript.final") {
      this.#uplink.acknowledge(Math.floor(message.end_ms * SAMPLES_PER_MS), false);
    }
  }

  /** Seconds that were lost since this was asked last. */
  takeLost() {
    const lost = this.#uplink.lost - this.#lost;
    this.#lost = this.#uplink.lost;
    return lost / SPEECH_RATE;
  }

  /**
   * How long ago the last sample of a line was spoken.
   * @param {Line} line
   * @param {number} now ms of performance.now()
   * @returns {number | undefined} ms
   */
  since(line, now) {
    const spoken = line.endMs === undefined ? undefined : this.#recorded.at(this.place(line.endMs));
    return spoken === undefined ? undefined : now - spoken;
  }

  /**
   * What was recorded between two places, as far as it is still here.
   * @param {number} from
   * @param {number} to
   */
  slice(from, to) {
    return this.#uplink.slice(from, to);
  }

  /** The place of a time on the part's timeline. @param {number} ms */
  place(ms) {
    return (this.#partBegin ?? 0) + ms * SAMPLES_PER_MS;
  }

  /** @param {number} place */
  #ms(place) {
    return (place - (this.#partBegin ?? 0)) / SAMPLES_PER_MS;
  }
}
