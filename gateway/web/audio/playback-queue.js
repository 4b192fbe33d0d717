/**
 * Turns pieces of translated speech, as the network brings them, into one gapless stream of samples.
 *
 * Each sample is heard once, in its place, without a click: where speech has to stop in the middle (it ran
 * dry, pause, stop, drop) it fades. The caller owns the clock: time passes by `pull`.
 */

import { Backlog } from "./backlog.js";
import { CatchUp } from "./catch-up.js";
import { Prebuffer } from "./prebuffer.js";

/** @typedef {import("./segment-audio.js").SegmentAudio} SegmentAudio */

/**
 * `at` is how many samples had been pulled at that instant. A segment without samples ends unbegun.
 * @typedef {{type: "began" | "underrun", segment: number, at: number}
 *   | {type: "ended", segment: number, at: number, playedMs: number}
 *   | {type: "dropped", segment: number, at: number, ms: number}
 *   | {type: "paused" | "resumed" | "stopped", at: number}} PlaybackEvent
 */

/** @type {readonly PlaybackEvent[]} */
const NO_EVENTS = Object.freeze([]);

export class PlaybackQueue {
  #rate;
  #fade;
  #backlog;
  #prebuffer;
  #catchUp;
  /** @type {PlaybackEvent[]} */
  #events = [];
  #pulled = 0;
  /** The gain in steps, 0 to #fade: whole numbers, so that a fade ends exactly where it should. */
  #level = 0;
  #paused = false;
  /** @type {"paused" | "resumed" | undefined} what is told when its fade is over */
  #change;
  /** @type {SegmentAudio | undefined} what fades out because of a stop */
  #stopping;

  /**
   * @param {number} rate Hz of the pieces and of what is pulled
   * @param {{prebufferMs?: number, maxPrebufferMs?: number, maxSeconds?: number, fadeMs?: number}} [options]
   */
  constructor(rate, { prebufferMs = 60, maxPrebufferMs = 200, maxSeconds = 60, fadeMs = 5 } = {}) {
    this.#rate = rate;
    this.#fade = Math.max(1, this.#samples(fadeMs));
    this.#backlog = new Backlog(maxSeconds * rate);
    this.#prebuffer = new Prebuffer(prebufferMs, maxPrebufferMs);
    this.#catchUp = new CatchUp(rate);
  }

  /** `playing` is whether speech was audible in the last pull, `segment` what is heard and `playedMs` how much of it. */
  get stats() {
    const { first } = this.#backlog;
    return {
      segment: first?.begun ? first.segment : undefined,
      playedMs: first?.begun ? this.#ms(first.played) : 0,
      queuedMs: this.#ms(this.#backlog.queued),
      waitingMs: this.#ms(this.#backlog.waiting),
      speed: this.#catchUp.speed,
      underruns: this.#prebuffer.underruns,
      prebufferMs: this.#prebuffer.ms,
      playing: this.#level > 0,
      paused: this.#paused,
    };
  }

  /**
   * Pieces of one segment come in order; those of a segment that is over are ignored.
   * @param {import("./backlog.js").Piece} piece
   */
  push(piece) {
    for (const { segment, samples } of this.#backlog.add(piece)) {
      this.#events.push({ type: "dropped", segment, at: this.#pulled, ms: this.#ms(samples) });
    }
  }

  /**
   * Fills all of `out`, with silence where nothing is to be heard.
   * @param {Float32Array} out
   */
  pull(out) {
    let filled = 0;
    while (filled < out.length) {
      const speech = this.#audible();
      this.#catchUp.follow(this.#ms(this.#backlog.waiting));
      if (speech === undefined) {
        out.fill(0, filled);
        this.#pulled += out.length - filled;
        this.#level = 0;
        break;
      }
      const count = this.#play(speech, out, filled);
      filled += count;
      this.#pulled += count;
      if (speech.closed && speech.available === 0) this.#end(speech);
    }
    this.#tellChange();
  }

  pause() {
    if (!this.#paused) this.#change = "paused";
    this.#paused = true;
  }

  resume() {
    if (this.#paused) this.#change = "resumed";
    this.#paused = false;
  }

  /** Forgets all that is queued; a pause stays. */
  stop() {
    this.#backlog.forgetWaiting();
    this.#stopping = this.#backlog.first;
    if (this.#stopping === undefined) this.#events.push({ type: "stopped", at: this.#pulled });
    else this.#cutOff(this.#stopping);
  }

  /** @param {number} segment */
  drop(segment) {
    const speech = this.#backlog.find(segment);
    if (speech?.begun) this.#cutOff(speech);
    else this.#backlog.forget(segment);
  }

  /**
   * What happened since the last call, oldest first.
   * @returns {readonly PlaybackEvent[]}
   */
  takeEvents() {
    if (this.#events.length === 0) return NO_EVENTS;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** @returns {SegmentAudio | undefined} the segment whose next sample is to be heard now */
  #audible() {
    for (;;) {
      const speech = this.#backlog.first;
      if (speech === undefined) return undefined;
      if (!speech.begun) {
        if (this.#paused || !this.#ready(speech)) return undefined;
        if (speech.available > 0) this.#begin(speech);
      }
      const faded = speech.cut && this.#level === 0 && speech.available <= this.#fade;
      if (faded || (speech.closed && speech.available === 0)) this.#end(speech);
      else return this.#level > 0 || this.#goal(speech) > 0 ? speech : undefined;
    }
  }

  /** How many samples must be there before an open segment is heard. */
  get #prebuffered() {
    return Math.max(this.#fade + 1, this.#samples(this.#prebuffer.ms));
  }

  /** @param {SegmentAudio} speech */
  #ready(speech) {
    return speech.closed || speech.available >= this.#prebuffered;
  }

  /** @type {(speech: SegmentAudio) => number} the level to be reached */
  #goal(speech) {
    if (speech.starving && this.#ready(speech)) speech.starving = false;
    if (this.#paused || speech.starving) return 0;
    if (speech.whole || speech.available > this.#fade) return this.#fade;
    if (!speech.cut) this.#starve(speech);
    return 0;
  }

  /**
   * @param {SegmentAudio} speech
   * @param {Float32Array} out
   * @param {number} at
   * @returns {number} how many samples were played; 0 where the rest was left out
   */
  #play(speech, out, at) {
    const goal = this.#goal(speech);
    const steady = goal === this.#level;
    // What is needed to fade out stays in hand until the end is known.
    const inHand = speech.whole || goal < this.#level ? 0 : this.#fade;
    const kept = speech.closed ? inHand : this.#prebuffered;
    if (steady) this.#catchUp.trim(speech, speech.available - kept);
    const most = steady ? this.#catchUp.stride : Math.abs(goal - this.#level);
    const count = Math.min(out.length - at, speech.available - inHand, most);
    speech.take(out, at, count);
    if (steady) this.#catchUp.heard(out, at, at + count);
    else this.#ramp(out, at, at + count, Math.sign(goal - this.#level));
    return count;
  }

  /** @type {(out: Float32Array, from: number, to: number, step: number) => void} */
  #ramp(out, from, to, step) {
    for (let i = from; i < to; i++) {
      this.#level += step;
      out[i] *= this.#level / this.#fade;
    }
  }

  /** @param {SegmentAudio} speech */
  #begin(speech) {
    speech.begun = true;
    // After silence the beginning is heard as it is; after speech that is fading in, it goes on fading in.
    if (this.#level === 0) this.#level = this.#fade;
    this.#events.push({ type: "began", segment: speech.segment, at: this.#pulled });
  }

  /** @param {SegmentAudio} speech */
  #starve(speech) {
    speech.starving = true;
    speech.ranDry = true;
    this.#prebuffer.ranDry();
    this.#events.push({ type: "underrun", segment: speech.segment, at: this.#pulled });
  }

  /** @param {SegmentAudio} speech */
  #end(speech) {
    this.#backlog.forget(speech.segment);
    const playedMs = this.#ms(speech.played);
    this.#events.push({ type: "ended", segment: speech.segment, at: this.#pulled, playedMs });
    if (speech === this.#stopping) this.#events.push({ type: "stopped", at: this.#pulled });
    if (speech.cut) this.#level = 0;
    if (speech.whole && !speech.ranDry) this.#prebuffer.stayedCalm();
  }

  /** @param {SegmentAudio} speech of which only what fades out is still to be heard */
  #cutOff(speech) {
    speech.cutAfter(this.#level);
    if (speech.available === 0) this.#end(speech);
  }

  #tellChange() {
    const done = this.#level === 0 || (this.#change === "resumed" && this.#level === this.#fade);
    if (this.#change === undefined || !done) return;
    this.#events.push({ type: this.#change, at: this.#pulled });
    this.#change = undefined;
  }

  /** @param {number} samples */
  #ms(samples) {
    return (samples * 1_000) / this.#rate;
  }

  /** @param {number} ms */
  #samples(ms) {
    return Math.round((ms * this.#rate) / 1_000);
  }
}
