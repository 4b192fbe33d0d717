/**
 * The segments of one connection and how each of them moves on: what a line may become, and what is settled.
 */

/** @typedef {import("./transcript.js").Line} Line */
/** @typedef {import("./transcript.js").Caption} Caption */
/**
 * A segment of the running session, settled when all has been said; `endMs` is a place in its audio.
 * @typedef {{ line: Line, withdrawn?: boolean, settled?: boolean, endMs?: number }} Entry
 */

/** @type {Line["state"][]} in the order in which a line goes through them; failed is never done */
const STATES = ["listening", "working", "done", "failed"];

/** The segments of one connection, and how far everything in them is settled. */
export class Session {
  /** @type {Map<number, Entry>} */
  entries = new Map();
  /** @type {number | undefined} */
  settledMs;
  #leading = 0;

  /** @param {(sessionMs: number) => number} placeOf - on the part's timeline */
  constructor(placeOf) {
    this.placeOf = placeOf;
  }

  /** @returns {[settled: Line[], others: Line[]]} without what was withdrawn */
  lines() {
    const left = [...this.entries.values()].filter(({ withdrawn }) => !withdrawn);
    const those = (/** @type {boolean} */ settled) =>
      left.filter((entry) => Boolean(entry.settled) === settled).map(({ line }) => line);
    return [those(true), those(false)];
  }

  /** @param {Entry} entry */
  settle(entry) {
    entry.settled = true;
    for (let next = this.entries.get(this.#leading); next?.settled; next = this.entries.get(this.#leading)) {
      this.settledMs = next.endMs ?? this.settledMs;
      this.#leading += 1;
    }
  }
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
 * @param {{ text: string, language?: string }} said - the language is empty where the server does not know
 * @param {boolean} final
 */
export function write(caption, { text, language }, final) {
  if (!caption.final) Object.assign(caption, { text, final, language: language || caption.language });
}
