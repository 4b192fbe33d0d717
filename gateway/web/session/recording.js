/** What the microphone gave in this conversation: what is to be sent, and when each place of it was spoken. */

import { SPEECH_RATE } from "../audio/framer.js";
import { Recorded } from "./recorded.js";
import { Uplink } from "./uplink.js";

/** @typedef {import("./transcript.js").Line} Line */

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

  /** How much of it will be sent to the next session, in ms. */
  get keptMs() {
    return this.#uplink.kept / SAMPLES_PER_MS;
  }

  get end() {
    return this.#uplink.end;
  }

  /** What comes is another part, with a timeline of its own. */
  openPart() {
    this.#partBegin = undefined;
  }

  /**
   * A new session: it is sent again what is not settled.
   * @returns {(sessionMs: number) => number} from the session's audio to the part's timeline, in ms
   */
  begin() {
    const begin = this.#uplink.begin();
    const partBegin = (this.#partBegin ??= begin);
    const uplink = this.#uplink;
    return (ms) => (uplink.placeOf(ms * SAMPLES_PER_MS) - partBegin) / SAMPLES_PER_MS;
  }

  /** Up to here, in ms of the session's audio, everything is said. @param {number | undefined} sessionMs */
  settle(sessionMs) {
    if (sessionMs !== undefined) this.#uplink.settle(this.#uplink.placeOf(sessionMs * SAMPLES_PER_MS));
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
}
