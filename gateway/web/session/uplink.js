/**
 * Keeps what was recorded until the server has it, so that a lost connection loses no word.
 *
 * Samples are counted from the start of the recording, whatever connection sends them: their *place*. A session
 * counts from 0 what it was sent, over all its connections: its *samples*.
 */

import { FRAME_SAMPLES, SPEECH_RATE } from "../audio/framer.js";

/** 60 s are 1.9 MB, and as long as a server keeps a session whose client is away. */
const LIMIT_SAMPLES = 60 * SPEECH_RATE;

/**
 * From sample `sample` of the session on, places follow each other from `place`.
 * @typedef {{ sample: number, place: number }} Jump
 */

/** The frames recorded, in order, how far they are sent, and how far the server has them. */
export class Uplink {
  /** @type {(Int16Array | undefined)[]} frame n is in slot n % length */
  #frames;
  /** Frames are numbered: the first one kept, and the one to be recorded. */
  #first = 0;
  #end = 0;
  /** Places: the next one to be sent on this connection, and the one from which the server may not have it. */
  #next = 0;
  #safe = 0;
  /** Whether the server tells what it has, as older ones do not. */
  #told = false;
  #lost = 0;
  /** @type {Jump[]} of this session, rising, never empty */
  #jumps = [{ sample: 0, place: 0 }];

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
   * Appends a frame at `end`; at the limit the oldest goes.
   * @param {Int16Array} pcm exactly FRAME_SAMPLES samples, from now on not to be changed
   * @throws {RangeError} it has another length
   */
  push(pcm) {
    if (pcm.length !== FRAME_SAMPLES) {
      throw new RangeError(`A frame has ${FRAME_SAMPLES} samples, this one has ${pcm.length}.`);
    }
    if (this.#end - this.#first === this.#frames.length) this.#first++;
    this.#frames[this.#end % this.#frames.length] = pcm;
    this.#end++;
  }

  /** A new session, sent what the one before did not have safe. Returns the place of its sample 0. */
  begin() {
    const sent = this.#told ? 0 : Math.min(this.#next, this.first);
    this.#go(0, Math.max(this.#safe, sent));
    return this.#next;
  }

  /**
   * The session goes on on another connection, and wants its audio from this sample on.
   * @param {number} samples
   */
  resume(samples) {
    const place = this.placeOf(samples);
    this.#jumps = this.#jumps.filter((jump) => jump.sample < samples);
    this.#go(samples, place);
  }

  /** What is to be sent next on this connection, a frame or the rest of one; undefined when there is none. */
  next() {
    if (this.#next < this.first) this.#go(this.#sampleOf(this.#next), this.#next);
    if (this.#next >= this.end) return undefined;
    const frame = this.#frames[Math.floor(this.#next / FRAME_SAMPLES) % this.#frames.length];
    const sent = frame?.subarray(this.#next % FRAME_SAMPLES);
    this.#next += sent?.length ?? 0;
    return sent;
  }

  /**
   * The server has everything before this sample of the session.
   * @param {number} samples
   * @param {boolean} [told] false where it did not say so, but has understood what was said there
   */
  acknowledge(samples, told = true) {
    this.#told ||= told;
    this.#safe = Math.max(this.#safe, Math.min(this.#next, this.placeOf(samples)));
  }

  /**
   * The session is over; the next one is to be sent what was recorded from this place on.
   * @param {number} place
   */
  rewind(place) {
    this.#safe = Math.min(this.#safe, Math.floor(place));
  }

  /**
   * What was recorded between two places, in whole frames and as far as it is still kept.
   * @param {number} from
   * @param {number} to
   */
  slice(from, to) {
    const first = Math.max(this.#first, Math.floor(from / FRAME_SAMPLES));
    const last = Math.min(this.#end, Math.ceil(to / FRAME_SAMPLES));
    const pcm = new Int16Array(Math.max(0, last - first) * FRAME_SAMPLES);
    for (let at = first; at < last; at++) {
      pcm.set(this.#frames[at % this.#frames.length] ?? [], (at - first) * FRAME_SAMPLES);
    }
    return pcm;
  }

  /**
   * The place of a sample of this session.
   * @param {number} sample
   */
  placeOf(sample) {
    // From the end on, since questions are about now.
    let index = this.#jumps.length - 1;
    while (index > 0 && this.#jumps[index].sample > sample) index--;
    return this.#jumps[index].place + sample - this.#jumps[index].sample;
  }

  /** The place of the first sample kept. */
  get first() {
    return this.#first * FRAME_SAMPLES;
  }

  /** The place of the next sample recorded. */
  get end() {
    return this.#end * FRAME_SAMPLES;
  }

  /** The first sample of this session that can still be sent. */
  get held() {
    return this.#sampleOf(Math.min(this.#next, Math.max(this.first, this.#jumps[0].place)));
  }

  /** Samples that the next session would be sent. */
  get unsafe() {
    return this.end - Math.max(this.#safe, this.first);
  }

  /** Samples not yet sent on this connection. */
  get waiting() {
    return this.end - Math.max(this.#next, this.first);
  }

  /** Samples that were dropped at the limit before the server had them. */
  get lost() {
    return this.#lost;
  }

  /** @param {number} place up to the next one to be sent */
  #sampleOf(place) {
    let index = this.#jumps.length - 1;
    while (index > 0 && this.#jumps[index].place > place) index--;
    return this.#jumps[index].sample + place - this.#jumps[index].place;
  }

  /**
   * Goes on with a sample at a place, or behind what was dropped. No more jumps are remembered than frames: on a
   * link that is always too slow, the places of what was said long ago are not exact any more.
   * @param {number} sample
   * @param {number} place
   */
  #go(sample, place) {
    if (sample === 0) this.#jumps = [];
    this.#next = Math.max(place, this.first);
    this.#lost += this.#next - place;
    // What lies before it, the server has, or nobody.
    this.#safe = Math.max(this.#safe, this.#next);
    this.#jumps.push({ sample, place: this.#next });
    if (this.#jumps.length > this.#frames.length) this.#jumps.shift();
  }
}
