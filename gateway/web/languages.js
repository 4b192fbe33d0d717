/**
 * Which languages can be chosen, and which are chosen at first: what `GET /v1/languages` means for a page.
 */

/**
 * @typedef {{ source: string, target: string, as_spoken?: boolean }} Pair - of tags; the source chosen may be
 *   "auto"; `as_spoken` where the words are passed on as they are
 */
/** @typedef {{ tag: string, name: string, rtl: boolean }} Language */
/** @typedef {{ detects: boolean, pairs: Pair[], languages: Language[] }} Offer - the answer of the gateway */
/** @typedef {{ tag: string, name: string, enabled: boolean }} Choice */

export const AUTO = "auto";

export const NAMES = new Intl.Collator("en"); // the gateway tells English names

/**
 * @param {Offer} offer
 * @returns {Choice[]} by name, behind the choice to detect the language
 */
export function sources(offer) {
  const spoken = sorted(offer, directions(offer).map(({ source }) => source));
  const tags = offer.detects && spoken.length ? [AUTO, ...spoken] : spoken;
  return tags.map((tag) => ({ tag, name: name(offer, tag), enabled: true }));
}

/**
 * @param {Offer} offer
 * @param {string} source - a tag or "auto"
 * @returns {Choice[]} by name; disabled what only other sources are translated into
 */
export function targets(offer, source) {
  const reached = new Set(reachedFrom(offer, source));
  const all = sorted(offer, directions(offer).map(({ target }) => target));
  return all.map((tag) => ({ tag, name: name(offer, tag), enabled: reached.has(tag) }));
}

/**
 * The pair to begin with: the one wanted if it can be had, else one with its source, else one with its
 * target, else any. What is left open goes to the preferred languages, in their order.
 * @param {Offer} offer
 * @param {Pair} wanted
 * @param {readonly string[]} preferred - as in navigator.languages
 * @returns {Pair | undefined} undefined where nothing is offered
 */
export function settle(offer, wanted, preferred) {
  const all = sources(offer).map(({ tag }) => tag);
  if (!all.length) return undefined;
  const asked = offered(all, wanted.source);
  const speakers = asked ? [asked] : ranked(all, [AUTO, ...preferred]);
  const source = speakers.find((tag) => offered(reachedFrom(offer, tag), wanted.target)) ?? speakers[0];
  const reached = sorted(offer, reachedFrom(offer, source));
  return { source, target: offered(reached, wanted.target) ?? ranked(reached, preferred)[0] };
}

/**
 * @param {Offer} offer
 * @param {string} tag
 * @returns {"rtl" | "ltr"} in which the language is written
 */
export function direction(offer, tag) {
  return languageOf(offer, tag)?.rtl ? "rtl" : "ltr";
}

/**
 * @param {Offer} offer
 * @param {string} tag - of a language, or "auto"
 * @returns {string} the tag itself where the gateway gave no name
 */
export function name(offer, tag) {
  return tag === AUTO ? "Detect language" : (languageOf(offer, tag)?.name ?? tag);
}

/**
 * @param {Offer} offer
 * @returns {Pair[]} those that translate
 */
export function directions(offer) {
  return offer.pairs.filter((pair) => !pair.as_spoken);
}

/**
 * @param {Offer} offer
 * @param {string} source
 * @returns {string[]} tags
 */
function reachedFrom(offer, source) {
  const all = directions(offer);
  const spoken = offered(all.map((pair) => pair.source), source);
  return all.filter((pair) => source === AUTO || pair.source === spoken).map(({ target }) => target);
}

/**
 * @param {Offer} offer
 * @param {string[]} tags
 * @returns {string[]} each once, by name
 */
function sorted(offer, tags) {
  return [...new Set(tags)].sort((one, other) => NAMES.compare(name(offer, one), name(offer, other)));
}

/**
 * @param {string[]} tags
 * @param {readonly string[]} preferred
 * @returns {string[]} first what is preferred, or is at least the same language; then the others as they were
 */
function ranked(tags, preferred) {
  const first = preferred.flatMap((tag) => {
    const same = offered(tags, tag) ?? tags.find((other) => base(other) === base(tag));
    return same ? [same] : [];
  });
  return [...new Set([...first, ...tags])];
}

/**
 * @param {string[]} tags
 * @param {string} tag
 * @returns {string | undefined} the one of the tags that stands for it: itself, or without the region
 */
function offered(tags, tag) {
  return [tag, base(tag)].find((each) => tags.includes(each));
}

/**
 * @param {Offer} offer
 * @param {string} tag
 */
function languageOf({ languages }, tag) {
  const known = offered(languages.map((language) => language.tag), tag);
  return languages.find((language) => language.tag === known);
}

/** @param {string} tag */
export function base(tag) {
  return tag.split("-")[0];
}
