/** The translation as it is heard: sentence by sentence, held, silenced, and its latency at the ear. */

import { Speaker } from "../audio/speaker.js";
import { BargeIn } from "./barge-in.js";

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
/** How often the server is told, within a sentence, how far it was heard. */
const MARK_MS = 1_000;

export class Voice {
  #transcript;
  #handlers;
  #speaker;
  #held = false;
  /** Whether it ever was. */
  #holds = false;
  #bargeIn = new BargeIn();
  #paused = false;
  #markedAt = -Infinity;
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
      began: (id, at, queuedMs) => this.#began(id, at, queuedMs),
      sounds: (id, playedMs, queuedMs) => {
        if (performance.now() - this.#markedAt >= MARK_MS) this.#mark(id, playedMs, queuedMs);
      },
      ended: (id, playedMs, queuedMs) => {
        this.#mark(id, playedMs, queuedMs);
        this.#close(id);
      },
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

  /**
   * A new session knows nothing of what is held, and one that goes on may have missed the last word on it.
   * @param {import("../protocol.js").SessionStarted} message
   * @param {import("../protocol.js").BargeIn | undefined} bargeIn what one's own speech is to do, as `yields`
   */
  begin({ config, resumed }, bargeIn) {
    this.#bargeIn.mode = config.barge_in ?? "off";
    this.alone();
    // Asked for at the start of a new one, and not granted where it does not hold.
    if (resumed) this.yields(bargeIn);
    if (this.#holds) this.#handlers.send({ type: this.#held ? "playback.pause" : "playback.resume" });
  }

  /** @param {boolean} on */
  hold(on) {
    if (this.#held === on) return;
    this.#held = on;
    this.#holds ||= on;
    this.#apply();
    this.#handlers.send({ type: on ? "playback.pause" : "playback.resume" });
  }

  /** Silences all that was said so far. */
  silence() {
    this.#handlers.send({ type: "playback.stop" });
    this.#stop();
  }

  /**
   * What one's own speech does from now on.
   * @param {import("../protocol.js").BargeIn | undefined} bargeIn undefined where nothing else than before is wanted
   */
  yields(bargeIn) {
    if (bargeIn === undefined || bargeIn === this.#bargeIn.mode) return;
    this.#bargeIn.mode = bargeIn;
    if (bargeIn === "off") this.alone();
    this.#handlers.send({ type: "session.update", barge_in: bargeIn });
  }

  /** Nobody else knows whether one speaks: the connection is lost, or the microphone. */
  alone() {
    this.#bargeIn.forget();
    this.#apply();
  }

  /** Takes what the server said of one's own speech. @param {import("../protocol.js").ServerMessage} message */
  follow(message) {
    if (this.#bargeIn.follow(message)) this.#stop();
    this.#apply();
  }

  /**
   * 20 ms of the microphone.
   * @param {number} level 0 while it is muted
   * @param {number} now ms of performance.now()
   */
  overhear(level, now) {
    this.#bargeIn.hear(level, now, this.#speaker.stats.playing);
    this.#apply();
  }

  /** Somebody is about to speak. @param {number} now ms of performance.now() */
  expect(now) {
    this.#bargeIn.expect(now);
    this.#apply();
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

  /** It sounds unless somebody holds it. */
  #apply() {
    const paused = this.#held || this.#bargeIn.holds;
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#speaker.pause();
    else this.#speaker.resume();
  }

  #stop() {
    this.#speaker.stop();
    this.#open.clear();
    this.#finish();
  }

  /**
   * @param {number} id
   * @param {number} at
   * @param {number} queuedMs
   */
  #began(id, at, queuedMs) {
    const line = this.#transcript.byId(id);
    if (!line) return;
    this.#transcript.heard(id, this.#handlers.since(line, at));
    this.#handlers.heard(line);
    this.#mark(id, Math.max(0, performance.now() - at), queuedMs);
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
   * @param {number} id
   * @param {number} playedMs
   * @param {number} queuedMs
   */
  #mark(id, playedMs, queuedMs) {
    const line = this.#transcript.byId(id);
    if (!line || this.#transcript.line(line.segment) !== line) return;
    this.#markedAt = performance.now();
    this.#handlers.send({
      type: "playback.mark",
      segment: line.segment,
      played_ms: playedMs,
      backlog_ms: Math.round(queuedMs),
    });
  }
}
