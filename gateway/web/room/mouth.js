/** What one says: recorded, handed on as the connection takes it, and ended after the last of it. */

import { SPEECH_RATE } from "../audio/framer.js";
import { Recording } from "../session/recording.js";

/** @typedef {import("../session/link.js").Link} Link */

const PUMP_MS = 50;
const SAMPLES_PER_MS = SPEECH_RATE / 1000;

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

  /** A session has begun. @param {Link} link */
  begin(link) {
    this.#link = link;
    this.#endSaid = false;
    this.#recording.begin();
    this.#pump();
  }

  /** The server has it in safety up to here. @param {number} samples of this session */
  acknowledged(samples) {
    this.#recording.settle(samples / SAMPLES_PER_MS);
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
