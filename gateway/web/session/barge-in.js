/**
 * What one's own speech does to speech that is being heard. The server decides; where somebody is heard beyond doubt
 * the page holds the speech sooner, for a moment, and goes on if the server does not say the same.
 */

/** @typedef {import("../protocol.js").ServerMessage} ServerMessage */

/** Loudness of quiet speech; at arm's length it has an RMS of about 0.1. */
const LEAST_LEVEL = 0.03;
/** 12 dB above what the microphone gets of the speech that is heard. */
const ABOVE_ECHO = 4;
/** So much of that is listened to first, in frames of 20 ms, and each of them counts for so much later. */
const LEARN_FRAMES = 25;
const WEIGHT = 0.05;
/** Loud frames in a row: 60 ms. A knock is shorter. */
const LOUD_FRAMES = 3;
/** Time for the server's word: 96 ms of voice, the way there and back, and what a busy machine adds. */
const PATIENCE_MS = 600;
/** After it did not say the same the page waits for it, twice as long each time. */
const DOUBT_MS = 5_000;
const MOST_DOUBT_MS = 320_000;

/** Times in ms of one clock, levels from 0 to 1. */
export class BargeIn {
  /** What the server does; "off" where it lets both speak. @type {import("../protocol.js").BargeIn} */
  mode = "off";
  /** Whether the server holds the speech. */
  #told = false;
  /** Until when the page holds it without the server's word. */
  #until = 0;
  #echo = 0;
  #learnt = 0;
  #loud = 0;
  #doubtUntil = 0;
  #doubtMs = DOUBT_MS;

  /** Whether speech is to be held. */
  get holds() {
    return this.#told || this.#until > 0;
  }

  /**
   * 20 ms of the microphone.
   * @param {number} level their RMS, 0 while it is muted
   * @param {number} now
   * @param {boolean} sounds whether speech is being heard
   */
  hear(level, now, sounds) {
    if (this.mode === "off") return;
    if (this.#until && now >= this.#until) this.#doubt(now);
    if (!sounds || this.holds) {
      this.#loud = 0;
      return;
    }
    const loud = this.#learnt >= LEARN_FRAMES && level > Math.max(LEAST_LEVEL, ABOVE_ECHO * this.#echo);
    this.#loud = loud ? this.#loud + 1 : 0;
    if (!loud && level > 0) this.#learn(level);
    if (this.#loud >= LOUD_FRAMES && now >= this.#doubtUntil) this.expect(now);
  }

  /** Somebody is about to speak. @param {number} now */
  expect(now) {
    if (this.mode !== "off" && !this.#told) this.#until = now + PATIENCE_MS;
  }

  /**
   * Takes what the server said.
   * @param {ServerMessage} message
   * @returns {boolean} whether what was said so far is not to be heard any more
   */
  follow(message) {
    if (message.type === "playback.stopped") return message.reason !== undefined;
    const paused = message.type === "playback.paused";
    if ((!paused && message.type !== "playback.resumed") || message.reason === undefined) return false;
    this.#told = paused;
    this.#until = 0;
    if (paused) this.#doubtMs = DOUBT_MS;
    return false;
  }

  /** There is nobody who would say that it goes on. */
  forget() {
    this.#told = false;
    this.#until = 0;
  }

  /** @param {number} level */
  #learn(level) {
    this.#learnt += 1;
    this.#echo += (level - this.#echo) * Math.max(WEIGHT, 1 / this.#learnt);
  }

  /** The server heard nobody. @param {number} now */
  #doubt(now) {
    this.#until = 0;
    this.#doubtUntil = now + this.#doubtMs;
    this.#doubtMs = Math.min(MOST_DOUBT_MS, 2 * this.#doubtMs);
  }
}
