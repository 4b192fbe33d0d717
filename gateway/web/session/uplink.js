/**
 * Keeps what was recorded until it is translated, so that a lost connection loses no word.
 *
 * Samples are counted from the start of the recording, whatever connection sends them: their *place*. Each
 * connection is a session of its own, and the gateway counts from 0 what that session was sent.
 */

import { FRAME_SAMPLES, SPEECH_RATE } from "../audio/framer.js";

/** 30 s are two segments of the longest kind (15 s unless configured) and 960 kB. */
const LIMIT_SAMPLES = 30 * SPEECH_RATE;

/**
 * From sample `sample` of the session on, places follow each other from `place`.
 * @typedef {{ sample: number, place: number }} Jump
 */

/** The frames recorded, in order, and how far they are sent and settled. */
export class Uplink {
  /** @type {(Int16Array | undefined)[]} frame n is in slot n % length */
  #frames;
  // Frames are numbered. The first one kept, to be sent on this connection, sent on none, and to be recorded:
  #freed = 0;
  #sent = 0;
  #everSent = 0;
  #end = 0;
  /** Frames dropped that were never sent. */
  #lost = 0;
  /** @type {Jump[]} of this connection, rising, never empty */
  #jumps = [{ sample: 0, place: 0 }];
  /** The first frame of this connection, and how many it was sent. */
  #heard = 0;

  /**
   * @param {number} [limitSamples] how much is kept, rounded down to whole frames
   * @throws {RangeError} no frame fits in
   */
  constructor(limitSamples = LIMIT_SAMPLES) {
    const capacity = Math.floor(limitSamples / FRAME_SAMPLES);
    if (!(capacity >= 1)) throw new RangeError(`A limit of ${limitSamples} samples holds no frame.`);
    this.#frames = new Array(capacity).fill(undefined);
  }

  /**
   * Appends a frame at `end`. At the limit the oldest goes, which is a loss only if it was never sent.
   * @param {Int16Array} pcm exactly FRAME_SAMPLES samples, from now on not to be changed
   * @throws {RangeError} it has another length
   */
  push(pcm) {
    if (pcm.length !== FRAME_SAMPLES) {
      throw new RangeError(`A frame has ${FRAME_SAMPLES} samples, this one has ${pcm.length}.`);
    }
    if (this.#end - this.#freed === this.#frames.length) {
      if (this.#freed >= this.#everSent) this.#lost++;
      this.#free();
    }
    this.#frames[this.#end % this.#frames.length] = pcm;
    this.#end++;
  }

  /**
   * A new connection: sending starts again at the first place kept, which is the first one not settled unless
   * the limit was reached. Returns that place: sample 0 of the new session.
   */
  begin() {
    this.#sent = this.#freed;
    this.#heard = 0;
    const place = this.#freed * FRAME_SAMPLES;
    this.#jumps = [{ sample: 0, place }];
    return place;
  }

  /** The next frame to be sent on this connection; undefined when there is none at the moment. */
  next() {
    if (this.#sent < this.#freed) this.#jump();
    if (this.#sent === this.#end) return undefined;
    const frame = this.#frames[this.#sent % this.#frames.length];
    this.#sent++;
    this.#everSent = Math.max(this.#everSent, this.#sent);
    this.#heard++;
    return frame;
  }

  /**
   * Everything before `place` is translated and need not be sent again. Frees whole frames, none that this
   * connection was not sent.
   * @param {number} place
   */
  settle(place) {
    const settled = Math.min(this.#sent, Math.floor(place / FRAME_SAMPLES));
    while (this.#freed < settled) this.#free();
  }

  /**
   * What was recorded between two places, in whole frames and as far as it is still kept.
   * @param {number} from
   * @param {number} to
   */
  slice(from, to) {
    const first = Math.max(this.#freed, Math.floor(from / FRAME_SAMPLES));
    const last = Math.min(this.#end, Math.ceil(to / FRAME_SAMPLES));
    const pcm = new Int16Array(Math.max(0, last - first) * FRAME_SAMPLES);
    for (let at = first; at < last; at++) {
      pcm.set(this.#frames[at % this.#frames.length] ?? [], (at - first) * FRAME_SAMPLES);
    }
    return pcm;
  }

  /**
   * The place of a sample that the gateway counts in this session.
   * @param {number} sample
   */
  placeOf(sample) {
    // From the end on, since questions are about now.
    let index = this.#jumps.length - 1;
    while (index > 0 && this.#jumps[index].sample > sample) index--;
    return this.#jumps[index].place + sample - this.#jumps[index].sample;
  }

  /** The place of the next sample recorded. */
  get end() {
    return this.#end * FRAME_SAMPLES;
  }

  /** Samples that can still be sent. */
  get kept() {
    return (this.#end - this.#freed) * FRAME_SAMPLES;
  }

  /** Samples not yet sent on this connection. */
  get waiting() {
    return (this.#end - Math.max(this.#sent, this.#freed)) * FRAME_SAMPLES;
  }

  /** Samples dropped at the limit that no connection was sent. */
  get lost() {
    return this.#lost * FRAME_SAMPLES;
  }

  #free() {
    this.#frames[this.#freed % this.#frames.length] = undefined;
    this.#freed++;
  }

  /**
   * Goes on behind what was dropped. No more jumps are remembered than frames: on a link that is always too
   * slow, the places of what was said long ago are not exact any more.
   */
  #jump() {
    this.#sent = this.#freed;
    this.#jumps.push({ sample: this.#heard * FRAME_SAMPLES, place: this.#freed * FRAME_SAMPLES });
    if (this.#jumps.length > this.#frames.length) this.#jumps.shift();
  }
}
