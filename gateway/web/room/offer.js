/** Which language somebody listens in: what was chosen before, else what the browser speaks. */

/** @typedef {import("../languages.js").Language} Language */

/**
 * @param {readonly Language[]} offered
 * @param {readonly string[]} wanted tags, the best first; a region may be missing or be another one
 * @returns {string} the tag of one that is offered, empty where none is
 */
export function choose(offered, wanted) {
  const tags = offered.map(({ tag }) => tag);
  for (const wish of wanted) {
    const same = tags.find((tag) => equal(tag, wish)) ?? tags.find((tag) => equal(base(tag), base(wish)));
    if (same) return same;
  }
  return tags[0] ?? "";
}

/**
 * What a list shows: each by its own name first, since who looks for it may read no other.
 * @param {readonly Language[]} offered
 * @returns {{ tag: string, label: string }[]} by that name
 */
export function labels(offered) {
  return offered
    .map(({ tag, name }) => ({ tag, label: label(tag, name) }))
    .sort((one, other) => one.label.localeCompare(other.label));
}

/**
 * @param {string} tag
 * @param {string} name in English
 */
function label(tag, name) {
  const own = base(tag) === "en" ? "" : ownName(tag);
  return !own || own.toLowerCase() === name.toLowerCase() ? name : `${own} · ${name}`;
}

/** @param {string} tag */
function ownName(tag) {
  const own = nameIn(tag, tag);
  return own.charAt(0).toLocaleUpperCase() + own.slice(1);
}

/**
 * @param {string} tag
 * @param {string} language in which it is named
 * @returns {string} empty where the browser does not know
 */
export function nameIn(tag, language) {
  try {
    // A browser that does not speak it would answer in a language of its own.
    if (Intl.DisplayNames.supportedLocalesOf([language]).length === 0) return "";
    return new Intl.DisplayNames([language], { type: "language", fallback: "none" }).of(tag) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {string} one
 * @param {string} other
 */
function equal(one, other) {
  return one.toLowerCase() === other.toLowerCase();
}

/** @param {string} tag */
function base(tag) {
  return tag.split("-")[0];
}
