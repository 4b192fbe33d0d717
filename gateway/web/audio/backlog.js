/**
 * The segments that are heard or wait to be heard, in spoken order, within bounds.
 */

import { SegmentAudio } from "./segment-audio.js";

/** @typedef {{segment: number, offset: number, pcm: Int16Array, last: boolean}} Piece */

/** So many segments that are over are known, so that late pieces of theirs are not taken for new ones. */
const REMEMBERED_SEGMENTS = 1_024;

export class Backlog {
  #limit;
  /** @type {SegmentAudio[]} */
  #segments = [];
  /** @type {Set<number>} */
  #over = new Set();

  /** @param {number} limit the most samples that may be here and unheard */
  constructor(limit) {
    this.#limit = limit;
  }

  /** @returns {SegmentAudio | undefined} the one that is heard or comes next */
  get first() {
    return this.#segments[0];
  }

  /** Samples that are here and unheard. */
  get queued() {
    let samples = 0;
    for (const speech of this.#segments) samples += speech.available;
    return samples;
  }

  /** Those of segments that have not begun. */
  get waiting() {
    let samples = 0;
    for (const speech of this.#segments) if (!speech.begun) samples += speech.available;
    return samples;
  }

  /**
   * Pieces of a segment that is over are ignored.
   * @param {Piece} piece
   * @returns {{segment: number, samples: number}[]} what had to be given up, oldest first
   */
  add({ segment, offset, pcm, last }) {
    if (this.#over.has(segment)) return [];
    let speech = this.find(segment);
    if (speech === undefined) {
      speech = new SegmentAudio(segment);
      this.#segments.push(speech);
    }
    if (speech.closed) return [];
    const lost = this.#makeRoom(speech, speech.growth(offset, pcm.length));
    if (!speech.cut && !this.#over.has(segment)) speech.add(offset, pcm, last);
    return lost;
  }

  /** @param {number} segment */
  find(segment) {
    return this.#segments.find((speech) => speech.segment === segment);
  }

  /**
   * What comes of it later is ignored.
   * @param {number} segment
   */
  forget(segment) {
    this.#segments = this.#segments.filter((speech) => speech.segment !== segment);
    this.#over.add(segment);
    if (this.#over.size <= REMEMBERED_SEGMENTS) return;
    for (const oldest of this.#over) {
      this.#over.delete(oldest);
      return;
    }
  }

  /** Forgets all that have not begun. */
  forgetWaiting() {
    for (const { begun, segment } of this.#segments) if (!begun) this.forget(segment);
  }

  /**
   * Gives up the oldest segments that have not begun, whole, or else the rest of the only one.
   * @param {SegmentAudio} speech what is about to grow
   * @param {number} growth samples
   */
  #makeRoom(speech, growth) {
    const lost = [];
    while (this.queued + growth > this.#limit) {
      const oldest = this.#segments.length > 1 ? this.#segments.find(({ begun }) => !begun) : undefined;
      const { segment, available } = oldest ?? speech;
      const refused = segment === speech.segment ? growth : 0;
      lost.push({ segment, samples: oldest === undefined ? refused : available + refused });
      if (oldest === undefined) speech.cutAfter(available);
      else this.forget(segment);
      if (segment === speech.segment) break;
    }
    return lost;
  }
}
