/** Keeps the speech of sentences that failed, and has one translated once more when it is asked for. */

import { Errand } from "./errand.js";
import { ECHO, isSilence } from "./segments.js";
import { sessionStart } from "./start.js";
import { Transcript } from "./transcript.js";

/**
 * @typedef {import("../preferences.js").Choices} Choices
 * @typedef {import("../protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./recording.js").Recording} Recording
 * @typedef {import("./voice.js").Voice} Voice
 */

/** Sentences kept; 10 s each at most, 6 MB. */
const KEPT = 20;
/** What the server has heard before it is certain of speech: 250 ms, its padding, and the way there. */
const LEAD_MS = 1_000;
/** What the server keeps around speech as well. */
const PADDING_MS = 300;
const SAMPLES_PER_MS = 16;
const MOST_LINES = 1_000;

export class Rescue {
  #transcript;
  /** @type {Map<number, Int16Array>} by id of the line */
  #speech = new Map();
  /** @type {Map<number, {from: number, to?: number}>} places by segment of the running session */
  #places = new Map();
  #key = 0;

  /** @param {Transcript} transcript of the page */
  constructor(transcript) {
    this.#transcript = transcript;
  }

  /** Whether the speech of this line is here. @param {number} id */
  has(id) {
    return this.#speech.has(id);
  }

  /**
   * Notes where segments lie, and keeps the speech of one that fails.
   * @param {ServerMessage} message
   * @param {Recording} recording
   */
  follow(message, recording) {
    if (message.type === "speech.started") {
      this.#places.set(message.segment, { from: recording.end - LEAD_MS * SAMPLES_PER_MS });
    } else if (message.type === "speech.stopped") {
      const place = this.#places.get(message.segment);
      if (place) place.to = recording.end;
    } else if (message.type === "segment.failed" && message.code !== ECHO && !isSilence(message)) {
      this.#keep(message.segment, recording);
    } else if (message.type === "segment.done") {
      this.#places.delete(message.segment);
    }
  }

  /**
   * @param {number} id of a line that failed
   * @param {Choices} choices
   * @param {Voice | undefined} voice to be heard with, where it is open
   * @param {Pick<import("./talk.js").Handlers, "lines" | "notice">} handlers
   */
  again(id, choices, voice, handlers) {
    const pcm = this.#speech.get(id);
    const line = this.#transcript.byId(id);
    if (!pcm || !line) return;
    const apart = new Transcript();
    apart.openPart({ title: "", kind: "file", at: 0, source: choices.source, target: line.translation.language });
    // Keys of their own, since the playback has done with the line; one for each sentence found now.
    const key = (this.#key -= MOST_LINES);
    const mend = () => handlers.lines(this.#transcript.mend(id, apart.part?.lines ?? []));
    // Shown again where nothing came of it, so that it can be tried once more.
    const over = () => handlers.lines({ changed: [line], withdrawn: [] });
    new Errand(apart, pcm, {
      start: () => sessionStart({ ...choices, target: line.translation.language }, voice?.rate),
      lines: mend,
      audio: (part, frame) => voice?.say(key + part.id, frame),
      trouble: (trouble, againAt) => {
        if (trouble) handlers.notice(trouble.text);
        if (trouble && againAt === undefined) over();
      },
      done: () => {
        mend();
        over();
      },
    });
  }

  /**
   * @param {number} segment
   * @param {Recording} recording
   */
  #keep(segment, recording) {
    const line = this.#transcript.line(segment);
    const place = this.#places.get(segment);
    if (!line) return;
    const known = line.startMs !== undefined && line.endMs !== undefined;
    const from = known ? recording.place(line.startMs ?? 0) : place?.from;
    const to = known ? recording.place((line.endMs ?? 0) + PADDING_MS) : place?.to;
    if (from === undefined || to === undefined) return;
    const pcm = recording.slice(Math.max(0, from), to);
    if (pcm.length === 0) return;
    this.#speech.set(line.id, pcm);
    const oldest = this.#speech.keys().next().value;
    if (this.#speech.size > KEPT && oldest !== undefined) this.#speech.delete(oldest);
  }
}
