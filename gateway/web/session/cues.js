/**
 * What is shown when: cues that a viewer can follow, made of timed speech.
 *
 * Cues are split at clauses, joined where one alone would pass too fast, last at least a second and never
 * overlap. `speechbridge translate` has the same rule in bridge/captions/cues.py;
 * tests/data/cue_vectors.json holds both to it.
 */

import { adjoin, bestCut, effort, endsClause, LINE, NARROW, parts, units, unitsOf } from "./breaks.js";

/** @typedef {{ startMs: number, endMs: number, captions: { text: string, language: string }[] }} Said */
/** @typedef {{ startMs: number, endMs: number, lines: string[] }} Cue - in whole milliseconds */
/** @typedef {{ start: number, end: number, texts: string[][], of: number }} Screen - the parts of each caption */

const LEAST_MS = 1_000;
// A cue is read twice if it stays longer: longer speech is split, short pieces are joined up to this.
const MOST_MS = 7_000;
// The reading speed of adults: 17 Latin characters a second, or 8 full-width ones.
const EFFORT_PER_SECOND = 17 * NARROW;
// How much later than its speech a cue may begin, so that the one before can be read.
const LATE_MS = 500;
// Speech that is further apart is not joined in one cue.
const PAUSE_MS = 700;
// What one screen holds: two lines, and the spaces at their ends.
const SCREEN = 2 * (LINE + NARROW);

/**
 * The cues of all that was said, in its order. Each has at most two lines for each caption.
 * @param {Said[]} said - empty texts are left out
 * @param {import("./breaks.js").Models} models
 * @returns {Cue[]}
 */
export function cues(said, models) {
  return timed(joined(screens(said, models)));
}

/** @param {Said[]} said @param {import("./breaks.js").Models} models */
function screens(said, models) {
  /** @type {Screen[]} */
  const found = [];
  let reached = 0;
  said.forEach(({ startMs, endMs, captions }, number) => {
    const broken = captions.map(({ text, language }) => parts(text.replaceAll("-->", "→"), language, models));
    const start = Math.max(Math.round(startMs), reached);
    const length = Math.max(Math.round(endMs) - start, 1);
    const shown = dealt(broken, length);
    const whole = unitsOf(broken.flat());
    let told = 0;
    reached = start;
    for (const texts of shown) {
      told += unitsOf(texts.flat());
      const end = Math.max(start + Math.floor((length * told) / whole), reached + 1);
      found.push({ start: reached, end, texts, of: number });
      reached = end;
    }
  });
  return found;
}

/**
 * The fewest shares that fit on a screen; one that would stay for long is split if it fills a line. All
 * captions have about the same progress.
 * @param {string[][]} broken - the parts of each caption
 * @param {number} lengthMs
 * @returns {string[][][]} the parts of each caption on each screen
 */
function dealt(broken, lengthMs) {
  const most = Math.max(...broken.map(unitsOf));
  const calm = Math.min(Math.ceil(lengthMs / MOST_MS), Math.floor(most / LINE));
  for (let count = Math.max(Math.ceil(most / SCREEN), calm, 1); ; count += 1) {
    const shares = broken.map((each) => share(each, count));
    if (shares.some((each) => each === undefined)) continue;
    const all = Array.from({ length: count }, (_, index) => shares.map((each) => each?.[index] ?? []));
    return all.filter((texts) => texts.some((text) => text.length));
  }
}

/**
 * The parts in at most `count` shares of about the same length.
 * @param {string[]} broken @param {number} count @returns {string[][] | undefined} undefined where one does not fit
 */
function share(broken, count) {
  const shares = [];
  let begin = 0;
  let rest = unitsOf(broken);
  for (let left = count; left > 1 && begin < broken.length; left -= 1) {
    const near = broken.slice(begin, begin + SCREEN / NARROW);
    const taken = near.slice(0, bestCut(near, Math.floor(rest / left), fittingOf(near)));
    shares.push(taken);
    begin += taken.length;
    rest -= unitsOf(taken);
  }
  if (begin < broken.length) {
    if (rest > SCREEN || !lines(broken.slice(begin))) return undefined;
    shares.push(broken.slice(begin));
  }
  return shares;
}

/** @param {string[]} broken @returns {number} how many of the parts fit on one screen */
function fittingOf(broken) {
  let count = 1;
  while (count < broken.length && lines(broken.slice(0, count + 1))) count += 1;
  return count;
}

/**
 * One line, or two of about the same length, rather broken at a clause; undefined where they do not fit.
 * @param {string[]} broken
 * @returns {string[] | undefined}
 */
function lines(broken) {
  const whole = trimmed(broken.join(""));
  if (units(whole) <= LINE) return whole ? [whole] : [];
  let most = 0;
  for (let width = 0; most < broken.length; most += 1) {
    if (width + units(trimmed(broken[most])) > LINE) break;
    width += units(broken[most]);
  }
  let least = 1;
  while (least <= most && units(trimmed(broken.slice(least).join(""))) > LINE) least += 1;
  if (least > most) return undefined;
  const ideal = Math.floor(units(whole) / 2) - unitsOf(broken.slice(0, least - 1));
  const cut = least - 1 + bestCut(broken.slice(least - 1), ideal, most - least + 1);
  return [broken.slice(0, cut), broken.slice(cut)].map((line) => trimmed(line.join("")));
}

/** No-break spaces stay. @param {string} text */
const trimmed = (text) => text.replace(/^ +| +$/g, "");

/**
 * Screens of different speech become one where one of them cannot be read alone, or ends in a clause.
 * @param {Screen[]} all
 */
function joined(all) {
  /** @type {Screen[]} */
  const found = [];
  all.forEach((screen, index) => {
    const held = found[found.length - 1];
    const together = held && both(held, screen, all[index + 1]?.start ?? Infinity);
    if (together) found[found.length - 1] = together;
    else found.push(screen);
  });
  return found;
}

/**
 * @param {Screen} first @param {Screen} second @param {number} following
 * @returns {Screen | undefined} undefined where they are better apart
 */
function both(first, second, following) {
  const hasty = second.start - first.start < readingMs(first);
  const hurried = following - second.start < readingMs(second);
  const unfinished = first.texts.every((text) => endsClause(text[text.length - 1] ?? ""));
  const apart = second.start - first.end > PAUSE_MS || second.end - first.start > MOST_MS;
  if (first.texts.length !== second.texts.length) return undefined;
  if (first.of === second.of || apart || !(hasty || hurried || unfinished)) return undefined;
  const texts = first.texts.map((text, index) => linked(text, second.texts[index]));
  return texts.every(lines) ? { start: first.start, end: second.end, texts, of: second.of } : undefined;
}

/** @param {string[]} first @param {string[]} second */
function linked(first, second) {
  if (!first.length || !second.length) return [...first, ...second];
  const last = first[first.length - 1];
  return [...first.slice(0, -1), adjoin(last, second[0]) ? last : `${last} `, ...second];
}

/** @param {Screen} screen */
function readingMs({ texts }) {
  const most = Math.max(...texts.map((text) => effort(text.join(""))));
  return Math.max(LEAST_MS, Math.ceil((most * 1000) / EFFORT_PER_SECOND));
}

/**
 * A cue stays until it can be read, if what follows leaves it the time.
 * @param {Screen[]} shown
 * @returns {Cue[]}
 */
function timed(shown) {
  let reached = 0;
  return shown.map((screen, index) => {
    const startMs = Math.max(screen.start, reached);
    const following = shown[index + 1]?.start ?? Infinity;
    const spoken = Math.min(screen.end, following);
    const read = Math.min(startMs + readingMs(screen), following + LATE_MS);
    reached = Math.max(spoken, read, startMs + LEAST_MS);
    return { startMs, endMs: reached, lines: screen.texts.flatMap((text) => lines(text) ?? []) };
  });
}
