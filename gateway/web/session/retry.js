/** When to try again, and when a silent connection is dead: numbers in, decisions out. */

const FIRST_MS = 500;
const MOST_MS = 8_000;

/**
 * Time to wait before a try: 0.5 s, doubled each time up to 8 s, shortened by up to a quarter so that a
 * thousand pages do not come back to a restarted server in the same moment.
 * @param {number} attempt 0 for the first
 * @param {number} random from 0 to 1
 * @param {number} [least] what the server asked for, in ms
 * @returns {number} ms
 */
export function waitMs(attempt, random, least = 0) {
  const wait = Math.min(MOST_MS, FIRST_MS * 2 ** attempt) * (1 - random / 4);
  return Math.max(Math.round(wait), least);
}

const SOON_MS = 250;
const SOON_MOST_MS = 2_000;

/**
 * Time to wait before a session that the server keeps is asked for: none at first, since mostly a network has
 * changed and not gone away; then 0.25 s, doubled each time up to 2 s, shortened as above.
 * @param {number} attempt 0 for the first
 * @param {number} random from 0 to 1
 * @param {number} [least] what the server asked for, in ms
 * @returns {number} ms
 */
export function resumeMs(attempt, random, least = 0) {
  const wait = attempt === 0 ? 0 : Math.min(SOON_MOST_MS, SOON_MS * 2 ** (attempt - 1)) * (1 - random / 4);
  return Math.max(Math.round(wait), least);
}

/** Silence after which the server is asked for a sign of life. */
const ASK_MS = 5_000;
/** Silence after which it is given up: a lost network tells a browser nothing. */
export const DEAD_MS = 15_000;
/** Looks after the question before it is given up: at the first one after a sleep the answer may wait unread. */
const LOOKS = 2;

/**
 * Judges one connection by what arrives, and never gives it up unasked: the timers of a hidden page run once
 * a minute, a page may be frozen, and a computer may sleep. Times in ms of one clock.
 */
export class Watch {
  #heard;
  #answerMs;
  /** @type {{ at: number, mostMs: number, looks: number } | undefined} */
  #asked;

  /**
   * @param {number} now
   * @param {number} [patience] silence after which the connection counts as dead
   */
  constructor(now, patience = DEAD_MS) {
    this.#heard = now;
    this.#answerMs = patience - ASK_MS;
  }

  /** Something arrived. @param {number} now */
  heard(now) {
    this.#heard = now;
    this.#asked = undefined;
  }

  /**
   * What to do now; "ask" is said once for each silence.
   * @param {number} now
   * @returns {"wait" | "ask" | "dead"}
   */
  judge(now) {
    if (!this.#asked) return now - this.#heard < ASK_MS ? "wait" : this.#ask(now, this.#answerMs);
    this.#asked.looks += 1;
    return this.#asked.looks >= LOOKS && now - this.#asked.at >= this.#asked.mostMs ? "dead" : "wait";
  }

  /**
   * The network has changed, or the page is seen again: asks at once, and waits half as long for the answer.
   * @param {number} now
   * @returns {"wait" | "ask"}
   */
  doubt(now) {
    return this.#asked ? "wait" : this.#ask(now, this.#answerMs / 2);
  }

  /**
   * @param {number} now
   * @param {number} mostMs
   * @returns {"ask"}
   */
  #ask(now, mostMs) {
    this.#asked = { at: now, mostMs, looks: 0 };
    return "ask";
  }
}
