/** Fetches what finds the words of scripts without spaces; a page that saves no such captions needs none. */

import { modelOf } from "./breaks.js";

/**
 * The models of the languages in a part of the transcript. One that cannot be fetched is left out: lines
 * then break between any two characters.
 * @param {import("./transcript.js").Part} part
 * @returns {Promise<import("./breaks.js").Models>}
 */
export async function modelsOf({ lines }) {
  const languages = lines.flatMap(({ source, translation }) => [source.language, translation.language]);
  const names = new Set(languages.map(modelOf).filter((name) => name !== undefined));
  const found = await Promise.all(Array.from(names, async (name) => [name, await fetched(name)]));
  return Object.fromEntries(found);
}

/** @param {string} name @returns {Promise<import("./breaks.js").Model | undefined>} */
async function fetched(name) {
  try {
    const answer = await fetch(new URL(`./phrases/${name}.json`, import.meta.url));
    return answer.ok ? await answer.json() : undefined;
  } catch {
    return undefined;
  }
}
