/** The translation as it is heard: sentence by sentence, held, silenced, and its latency at the ear. */

import { Speaker } from "../audio/speaker.js";

/**
 * @typedef {import("../preferences.js").Choices} Choices
 * @typedef {import("../protocol.js").ClientMessage} ClientMessage
 * @typedef {import("./transcript.js").Line} Line
 * @typedef {object} Handlers
 * @property {(message: ClientMessage) => void} send
 * @property {(line: Line, at: number) => number | undefined} since ms from the end of its speech to `at`
 * @property {(line: Line) => void} heard its latency is known
 * @property {(text: string) => void} notice
 * @property {(running: boolean) => void} [allowed] whether the browser lets it sound, at first or again
 *
 * @typedef {Pick<import("./transcript.js").Transcript, "line" | "byId" | "heard">} Spoken what was said
 */

/** Beyond what the browser knows of: its estimate leaves out the last buffers. */
const TAIL_MS = 200;

export class Voice {
  #transcript;
  #handlers;
  #speaker;
  #held = false;
  /** Whether it ever was. */
  #holds = false;
  /** @type {Set<number>} lines with speech that is not yet over */
  #open = new Set();
  /** @type {(() => void) | undefined} */
  #then;

  /**
   * To be made within a tap or key, as Speaker.
   * @param {Spoken} transcript
   * @param {Handlers} handlers
   */
  constructor(transcript, handlers) {
    this.#transcript = transcript;
    this.#handlers = handlers;
    this.#speaker = new Speaker({
      began: (id, at) => this.#began(id, at),
      ended: (id, playedMs) => this.#ended(id, playedMs),
      dropped: (id) => {
        this.#close(id);
        handlers.notice("Speech was left out, because too much was waiting to be heard.");
      },
      allowed: handlers.allowed,
    });
  }

  get rate() {
    return this.#speaker.rate;
  }

  get level() {
    return this.#speaker.level;
  }

  get stats() {
    return this.#speaker.stats;
  }

  open() {
    return this.#speaker.open();
  }

  /** @param {import("../wire.js").AudioFrame} frame of the running session */
  play(frame) {
    const line = this.#transcript.line(frame.segment);
    if (line) this.say(line.id, frame);
  }

  /**
   * @param {number} id of a line
   * @param {{offset: number, pcm: Int16Array, last: boolean}} piece
   */
  say(id, piece) {
    this.#open.add(id);
    this.#speaker.play({ segment: id, offset: piece.offset, pcm: piece.pcm, last: piece.last });
  }

  /** A new session knows nothing of what is held, and one that goes on may have missed the last word on it. */
  begin() {
    if (this.#holds) this.#handlers.send({ type: this.#held ? "playback.pause" : "playback.resume" });
  }

  /** @param {boolean} on */
  hold(on) {
    if (this.#held === on) return;
    this.#held = on;
    this.#holds ||= on;
    if (on) this.#speaker.pause();
    else this.#speaker.resume();
    this.#handlers.send({ type: on ? "playback.pause" : "playback.resume" });
  }

  /** Silences all that was said so far. */
  silence() {
    this.#speaker.stop();
    this.#handlers.send({ type: "playback.stop" });
    this.#open.clear();
    this.#finish();
  }

  /** Nothing more will come. @param {() => void} then called when all is heard */
  finish(then) {
    this.#then = then;
    this.#finish();
  }

  /** @param {readonly Pick<Line, "id">[]} lines that will come again */
  drop(lines) {
    for (const { id } of lines) {
      if (!this.#open.has(id)) continue;
      this.#speaker.drop(id);
      this.#close(id);
    }
  }

  /** @param {Choices} choices */
  adjust(choices) {
    this.#speaker.setVolume(choices.volume / 100);
    void this.#speaker.use(choices.speaker);
  }

  wake() {
    return this.#speaker.wake();
  }

  close() {
    this.#speaker.close();
  }

  /**
   * @param {number} id
   * @param {number} at
   */
  #began(id, at) {
    const line = this.#transcript.byId(id);
    if (!line) return;
    this.#transcript.heard(id, this.#handlers.since(line, at));
    this.#handlers.heard(line);
    this.#mark(line, Math.max(0, performance.now() - at));
  }

  /**
   * @param {number} id
   * @param {number} playedMs
   */
  #ended(id, playedMs) {
    const line = this.#transcript.byId(id);
    if (line) this.#mark(line, playedMs);
    this.#close(id);
  }

  /** @param {number} id */
  #close(id) {
    this.#open.delete(id);
    this.#finish();
  }

  /** What was rendered is still on its way to the ear, over Bluetooth for a quarter of a second. */
  #finish() {
    if (this.#then && this.#open.size === 0) window.setTimeout(this.#then, this.#speaker.latencyMs + TAIL_MS);
  }

  /**
   * @param {Line} line
   * @param {number} playedMs
   */
  #mark(line, playedMs) {
    if (this.#transcript.line(line.segment) !== line) return;
    this.#handlers.send({ type: "playback.mark", segment: line.segment, played_ms: playedMs });
  }
}
