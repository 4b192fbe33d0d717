/** Has a whole piece of sound translated, as fast as the gateway takes it: a file, or one sentence again. */

import { SPEECH_RATE } from "../audio/framer.js";
import { Link } from "./link.js";
import { streamUrl } from "./start.js";

/**
 * @typedef {import("../troubles.js").Trouble} Trouble
 * @typedef {import("./transcript.js").Change} Change
 * @typedef {import("./transcript.js").Line} Line
 * @typedef {object} Handlers
 * @property {() => import("../protocol.js").SessionStart} start
 * @property {(change: Change) => void} lines
 * @property {(line: Line, frame: import("../wire.js").AudioFrame) => void} audio
 * @property {(rate: number) => void} [rate] Hz of that audio, told before it
 * @property {(share: number) => void} [progress] 0 to 1
 * @property {(trouble: Trouble | undefined, againAt?: number) => void} trouble
 * @property {() => void} done all is translated
 */

const SAMPLES_PER_MS = SPEECH_RATE / 1000;
const SAMPLE_BYTES = 2;
/** Half a second at a time, if the server takes so much. */
const CHUNK_SAMPLES = SPEECH_RATE / 2;
const PUMP_MS = 20;
/** Three times the server's deadline of a segment: what neither reads nor writes for so long is stuck. */
const PATIENCE_MS = 180_000;

export class Errand {
  #transcript;
  #pcm;
  #handlers;
  #link;
  #pumping;
  #chunk = CHUNK_SAMPLES;
  /** Samples of `pcm`: where this session begins, up to where the server has it, up to where it is sent. */
  #begin = 0;
  #safe = 0;
  #sent = 0;
  #endSaid = false;
  #asked = false;

  /**
   * Starts at once.
   * @param {import("./transcript.js").Transcript} transcript whose last part takes the lines
   * @param {Int16Array} pcm mono 16 kHz
   * @param {Handlers} handlers
   */
  constructor(transcript, pcm, handlers) {
    this.#transcript = transcript;
    this.#pcm = pcm;
    this.#handlers = handlers;
    this.#link = new Link(streamUrl(), this.#ofLink, PATIENCE_MS);
    this.#pumping = window.setInterval(() => this.#pump(), PUMP_MS);
    this.#link.connect();
  }

  /** Connects now where it waits to. */
  retry() {
    if (!this.#link.open) this.#link.connect();
  }

  cancel() {
    window.clearInterval(this.#pumping);
    this.#link.close();
    this.#handlers.lines(this.#transcript.close());
  }

  #pump() {
    while (this.#link.ready && this.#sent < this.#pcm.length) {
      const chunk = this.#pcm.subarray(this.#sent, this.#sent + this.#chunk);
      this.#link.sendAudio(chunk);
      this.#sent += chunk.length;
    }
    // In a hidden page timers may run once a minute; what the server says is heard at once.
    if (document.hidden && this.#link.open && !this.#endSaid) this.#ask();
    if (!this.#link.open || this.#sent < this.#pcm.length || this.#endSaid) return;
    this.#endSaid = true;
    this.#link.send({ type: "session.end" });
  }

  /** A new session: it is sent what is not translated. */
  #again() {
    const { from, ...change } = this.#transcript.lose(0);
    const begin = from === undefined ? this.#safe : Math.floor(from * SAMPLES_PER_MS);
    this.#begin = this.#safe = this.#sent = begin;
    this.#handlers.lines(change);
    this.#transcript.connected((ms) => ms + begin / SAMPLES_PER_MS);
  }

  /** The server has it up to here. @param {number} samples of this session */
  #keep(samples) {
    this.#safe = Math.max(this.#safe, this.#begin + samples);
  }

  /** @param {Line | undefined} line up to which all is translated */
  #progress(line) {
    if (line?.endMs !== undefined) this.#handlers.progress?.((line.endMs * SAMPLES_PER_MS) / this.#pcm.length);
  }

  #ask() {
    if (this.#asked) return;
    this.#asked = true;
    this.#link.send({ type: "ping" });
  }

  /** @type {ConstructorParameters<typeof Link>[1]} */
  #ofLink = {
    // Words so far are for who hears somebody speak; engines that wait for a whole piece have better to do.
    start: () => ({ ...this.#handlers.start(), features: undefined }),
    pong: () => {
      this.#asked = false;
      this.#pump();
    },
    started: (message) => {
      if (message.resumed) this.#sent = this.#begin + (message.samples ?? 0);
      else this.#again();
      this.#endSaid = this.#asked = false;
      this.#chunk = Math.min(CHUNK_SAMPLES, Math.floor(message.limits.max_message_bytes / SAMPLE_BYTES));
      this.#handlers.lines(this.#transcript.apply(message));
      this.#handlers.trouble(undefined);
      this.#pump();
    },
    message: (message) => {
      if (message.type === "audio.start") this.#handlers.rate?.(message.rate);
      if (message.type === "audio.ack") this.#keep(message.samples);
      if (message.type === "transcript.final") this.#keep(Math.floor(message.end_ms * SAMPLES_PER_MS));
      this.#handlers.lines(this.#transcript.apply(message));
      if (message.type === "segment.done") this.#progress(this.#transcript.line(message.segment));
    },
    audio: (frame) => {
      const line = this.#transcript.line(frame.segment);
      if (line) this.#handlers.audio(line, frame);
    },
    lost: (trouble, againAt) => {
      if (againAt === undefined) this.cancel();
      this.#handlers.trouble(trouble, againAt);
    },
    ended: () => {
      window.clearInterval(this.#pumping);
      this.#handlers.done();
    },
  };
}
