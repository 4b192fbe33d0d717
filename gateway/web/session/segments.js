/** The segments of one session and how each of them moves on. */

/** @typedef {import("./transcript.js").Line} Line */
/** @typedef {import("./transcript.js").Caption} Caption */
/** @typedef {{ line: Line, withdrawn?: boolean, whole?: boolean }} Entry - whole when nothing more comes of it */

/** @type {Line["state"][]} in the order in which a line goes through them; failed is never done */
const STATES = ["listening", "working", "done", "failed"];

/** What one session has said of its segments. */
export class Session {
  /** @type {Map<number, Entry>} */
  entries = new Map();

  /** @param {(sessionMs: number) => number} placeOf - on the part's timeline */
  constructor(placeOf) {
    this.placeOf = placeOf;
  }

  /**
   * Its lines in the order of speech: up to the first of which more was to come, and from that one on.
   * @returns {{ whole: Line[], open: Line[] }}
   */
  get lines() {
    const sorted = this.#sorted();
    const first = sorted.findIndex(({ whole }) => !whole);
    const shown = (/** @type {Entry[]} */ entries) => entries.flatMap((entry) => (entry.withdrawn ? [] : entry.line));
    if (first < 0) return { whole: shown(sorted), open: [] };
    return { whole: shown(sorted.slice(0, first)), open: shown(sorted.slice(first)) };
  }

  /**
   * From where on the next session has to hear it again, so that nothing is missing: undefined where nothing that
   * was cut is open.
   * @returns {number | undefined} ms of the part's timeline
   */
  get againFrom() {
    const sorted = this.#sorted();
    const open = sorted.findIndex(({ whole }) => !whole);
    if (open < 0 || sorted[open].line.state === "listening") return undefined;
    const ends = sorted.slice(0, open).flatMap(({ line }) => line.endMs ?? []);
    return Math.max(this.placeOf(0), ...ends);
  }

  #sorted() {
    return [...this.entries].sort(([one], [other]) => one - other).map(([, entry]) => entry);
  }
}

/**
 * Nothing more comes of a line: it is done, or has failed where it was not translated.
 * @param {Line} line
 * @param {string} code
 * @param {string} message
 */
export function giveUp(line, code, message) {
  if (line.state === "done" || line.state === "failed") return false;
  if (line.translation.final) return advance(line, "done");
  line.failure = { stage: "translation", code, message, retryable: true };
  return advance(line, "failed");
}

/** What was heard was the translation itself, out of the loudspeaker. */
export const ECHO = "echo";

/**
 * Whether a failure costs nothing that was said: the words are there to read, and their voice was left out.
 * @param {Pick<import("./transcript.js").Failure, "stage" | "code">} failure
 */
export function isSilence({ stage, code }) {
  return stage === "tts" && code === "too_late";
}

/**
 * @param {Line} line
 * @param {import("../protocol.js").SegmentFailed} message
 */
export function fail(line, { stage, code, message, retryable = false }) {
  line.failure = { stage, code, message, retryable };
  if (!isSilence(line.failure)) advance(line, "failed");
}

/**
 * A line becomes what came of its speech later.
 * @param {Line} line
 * @param {readonly Line[]} lines - perhaps several sentences
 */
export function replace(line, lines) {
  for (const side of /** @type {const} */ (["source", "translation"])) {
    const text = lines.map((other) => other[side].text).join(" ");
    line[side] = { text, language: lines[0][side].language, final: true };
  }
  line.startMs ??= 0;
  line.endMs ??= line.startMs;
  line.state = "done";
  delete line.failure;
}

/**
 * @param {Line} line
 * @param {Line["state"]} state - taken only where it is a step forward
 */
export function advance(line, state) {
  const forward = STATES.indexOf(state) > STATES.indexOf(line.state);
  if (forward) line.state = state;
  return forward;
}

/**
 * @param {Caption} caption - a final text stays
 * @param {{ text: string, language?: string, stable?: number }} said - the language is empty where the server does
 *   not know; `stable` counts characters as the server does
 * @param {boolean} final
 */
export function write(caption, { text, language, stable = 0 }, final) {
  if (caption.final) return;
  Object.assign(caption, { text, final, language: language || caption.language });
  if (final) delete caption.stable;
  else if (stable || caption.stable) caption.stable = unitsOf(text, stable);
}

/**
 * The server counts code points; a string here has UTF-16 units, two for an emoji or a rare ideograph.
 * @param {string} text
 * @param {number} characters - of its begin
 * @returns {number} how many units they take
 */
export function unitsOf(text, characters) {
  let units = 0;
  for (const character of text) {
    if (characters <= 0) break;
    characters -= 1;
    units += character.length;
  }
  return units;
}
