/**
 * What two people who share one device can do on this server, and what each half of the page shows of a sentence.
 */

import { AUTO, NAMES, base, directions, name } from "../languages.js";

/**
 * @typedef {import("../languages.js").Offer} Offer
 * @typedef {import("../languages.js").Choice} Choice
 * @typedef {import("../session/transcript.js").Caption} Caption
 * @typedef {import("../session/transcript.js").Line} Line
 * @typedef {"near" | "far"} Side
 * @typedef {{ near: string, far: string }} Pair tags
 * @typedef {{ detects: boolean, speaks: Record<Side, boolean> }} Plan `speaks`: whether this half is understood
 */

/** @type {Record<Side, Side>} */
export const OTHER = { near: "far", far: "near" };

/**
 * Whether it is heard which of the two is spoken, or has to be told, and who can be understood at all.
 * @param {Offer} offer
 * @param {Pair} pair
 * @returns {Plan}
 */
export function plan(offer, { near, far }) {
  const speaks = { near: translates(offer, near, far), far: translates(offer, far, near) };
  return { detects: offer.detects && speaks.near && speaks.far, speaks };
}

/**
 * The languages for one half, by name; disabled what has nothing to do with the one of the other half.
 * @param {Offer} offer
 * @param {string} [other] tag of that one; without it all can be chosen
 * @returns {Choice[]}
 */
export function choices(offer, other) {
  const tags = [...new Set(directions(offer).flatMap(({ source, target }) => [source, target]))];
  const able = (/** @type {string} */ tag) => translates(offer, tag, other ?? "") || translates(offer, other ?? "", tag);
  return tags
    .map((tag) => ({ tag, name: name(offer, tag), enabled: other === undefined || able(tag) }))
    .sort((one, another) => NAMES.compare(one.name, another.name));
}

/**
 * The two to begin with: those wanted if they can be had, else with the near one, who holds the device.
 * @param {Offer} offer
 * @param {Pair} wanted
 * @param {readonly string[]} preferred as in navigator.languages
 * @returns {Pair | undefined} undefined where nothing is offered
 */
export function settle(offer, wanted, preferred) {
  const near = pick(choices(offer), [wanted.near, ...preferred]);
  const far = near && pick(choices(offer, near), [wanted.far, ...preferred]);
  return near && far ? { near, far } : undefined;
}

/**
 * What a session is started with.
 * @param {Pair} pair
 * @param {Side} [speaking] without it the language is detected
 * @returns {{ source: string, target: string, pair: [string, string] }}
 */
export function terms({ near, far }, speaking) {
  const source = speaking === "far" ? far : near;
  const target = speaking === "far" ? near : far;
  return { source: speaking ? source : AUTO, target, pair: [near, far] };
}

/**
 * What the half with this language shows of a line: the words as they were said, or their translation.
 * @param {Line} line
 * @param {string} language tag
 * @returns {{ caption: Caption, own: boolean } | undefined} undefined before anything is known of it
 */
export function shown({ source, translation }, language) {
  const told = translation.text !== "";
  // Which was spoken is certain by what it was translated into; engines name languages in ways of their own.
  const own = told ? !same(translation.language, language) : same(source.language, language);
  if (own) return source.text ? { caption: source, own } : undefined;
  return source.final || told ? { caption: translation, own } : undefined;
}

/**
 * @param {Offer} offer
 * @param {string} source
 * @param {string} target
 */
function translates(offer, source, target) {
  return directions(offer).some((pair) => pair.source === source && pair.target === target);
}

/**
 * @param {Choice[]} offered
 * @param {readonly string[]} wanted tags, the best first
 */
function pick(offered, wanted) {
  const able = offered.filter(({ enabled }) => enabled).map(({ tag }) => tag);
  const found = wanted.map((tag) => able.find((each) => each === tag) ?? able.find((each) => same(each, tag)));
  return found.find(Boolean) ?? able[0];
}

/**
 * @param {string} one tag
 * @param {string} other tag
 */
function same(one, other) {
  return base(one) === base(other);
}
