/**
 * Where a line of a subtitle may end, and how wide it is.
 *
 * `speechbridge translate` has the same rule in bridge/captions/breaks.py; tests/data/cue_vectors.json
 * holds both to it.
 */

/** @typedef {Record<string, Record<string, number>>} Model - weights of BudouX, see phrases/ */
/** @typedef {Record<string, Model | undefined>} Models - by their names */

export const NARROW = 10;
const WIDE = 21;

/**
 * The widest line, in tenths of a Latin character: 42 of them or 20 full-width ones, by common guides.
 * Of scripts without spaces (Thai, Lao, Khmer, Burmese, Tibetan) it is 20 characters as well.
 */
export const LINE = 42 * NARROW;

const SPACELESS = "\\u0e00-\\u109f\\u1780-\\u17ff\\u19e0-\\u19ff";
const HANGUL = "\\u1100-\\u115f\\u3130-\\u318f\\ua960-\\ua97c\\uac00-\\ud7a3";
const IDEOGRAPHS =
  "\\u2e80-\\u303e\\u3041-\\u312f\\u3190-\\u33ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\ua000-\\ua4cf\\uf900-\\ufaff" +
  "\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6\\u{20000}-\\u{3fffd}";
const WIDE_ONES = new RegExp(`[${SPACELESS}${HANGUL}${IDEOGRAPHS}]`, "gu");
const FULL_ONES = new RegExp(`[${HANGUL}${IDEOGRAPHS}]`, "gu");
const IS_SPACELESS = new RegExp(`[${SPACELESS}${IDEOGRAPHS}]`, "u");

// What no line begins with: closing punctuation, small kana, and marks that belong to the letter before.
const CLOSING =
  /^[!%),.:;?\]}…’”»›‰°′″℃‼⁇⁈⁉、。〃〉》」』】〕〗〙〛〞〟〜・ヽヾー゛゜ゝゞ々〻ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰ-ㇿ！％），．：；？］｝～｡｣､･\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ec6\u0f0b-\u0f14\u104a-\u104f\u17d4-\u17da\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u0f18\u0f19\u0f71-\u0fbc\u102b-\u103e\u1056-\u1060\u17b4-\u17d3\u3099\u309a\ufe00-\ufe0f\u200d]/u;
// What no line ends with: opening punctuation, and vowels that are written before their consonant.
const OPENING = /[(\[{«‹“‘„‚¿¡〈《「『【〔〖〘〚〝（［｛｢￥＄\u0e40-\u0e44\u0ec0-\u0ec4\u17d2\u200d]$/u;
const LONE_DASH = /^[-–—]+ ?$/u;

const ENDS_SENTENCE = /[.!?…。．！？؟۔।॥။።]["'’”»)\]」』）》】]* ?$/u;
const ENDS_CLAUSE = /[,;:–—、，；：،؛၊]["'’”»)\]」』）》】]* ?$/u;

const TRADITIONAL = new Set(["hant", "tw", "hk", "mo"]);

/** @param {string} text @returns {number} how wide it is, in tenths of a Latin character */
export const units = (text) => weighed(text, WIDE_ONES);

/**
 * How much there is to read, in tenths of a Latin character: a full-width one says as much as two.
 * @param {string} text
 */
export const effort = (text) => weighed(text, FULL_ONES);

/** @param {string} text @param {RegExp} wide */
function weighed(text, wide) {
  let characters = 0;
  for (const _ of text) characters += 1;
  return NARROW * characters + (WIDE - NARROW) * (text.match(wide)?.length ?? 0);
}

/** @param {readonly string[]} texts */
export const unitsOf = (texts) => texts.reduce((sum, text) => sum + units(text), 0);

/**
 * What a text may be broken into; joined it is the same again. No part is wider than a line. Words of
 * scripts without spaces are found by BudouX, where its model is given; else they break anywhere but at
 * punctuation and within a letter.
 * @param {string} text - with single spaces
 * @param {string} language
 * @param {Models} models
 */
export function parts(text, language, models) {
  const model = models[modelOf(language) ?? ""];
  /** @type {string[]} */
  const found = [];
  for (const word of text.match(/[^ ]+ ?/g) ?? []) {
    pieces(word, model).forEach((piece, index) => {
      if (found.length && index === 0 && belongs(found[found.length - 1], piece)) found[found.length - 1] += piece;
      else found.push(piece);
    });
  }
  return found.flatMap(fitting);
}

/** Whether a line may end between two characters of one word. @param {string} before @param {string} after */
const mayBreak = (before, after) => !CLOSING.test(after) && !OPENING.test(before);

/** @param {string} before @param {string} after - behind a space */
const belongs = (before, after) => !mayBreak(trimmedEnd(before), after) || LONE_DASH.test(after);

/** @param {string} text */
const trimmedEnd = (text) => text.replace(/ +$/, "");

/** @param {string} word @param {Model | undefined} model */
function pieces(word, model) {
  if (!IS_SPACELESS.test(word)) return [word];
  const characters = Array.from(word);
  const found = [""];
  characters.forEach((character, at) => {
    const before = characters[at - 1];
    const cut = at > 0 && character !== " " && (!model || isBorder(characters, at, model));
    const spaceless = at > 0 && (IS_SPACELESS.test(before) || IS_SPACELESS.test(character));
    if (cut && spaceless && mayBreak(before, character)) found.push(character);
    else found[found.length - 1] += character;
  });
  return found;
}

/**
 * Whether a phrase begins at a character, by the features of BudouX.
 * @param {string[]} characters @param {number} at @param {Model} model
 */
function isBorder(characters, at, model) {
  /** @param {string} feature @param {number} from @param {number} to */
  const weight = (feature, from, to) => {
    const inside = at + from >= 0 && at + to <= characters.length;
    return inside ? (model[feature]?.[characters.slice(at + from, at + to).join("")] ?? 0) : 0;
  };
  let score = -sumOf(model) / 2;
  for (let n = 1; n <= 6; n += 1) score += weight(`UW${n}`, n - 4, n - 3);
  for (let n = 1; n <= 3; n += 1) score += weight(`BW${n}`, n - 3, n - 1);
  for (let n = 1; n <= 4; n += 1) score += weight(`TW${n}`, n - 4, n - 1);
  return score > 0;
}

/** @type {WeakMap<Model, number>} */
const sums = new WeakMap();

/** @param {Model} model */
function sumOf(model) {
  let sum = sums.get(model);
  if (sum === undefined) {
    sum = Object.values(model).flatMap((weights) => Object.values(weights)).reduce((all, each) => all + each, 0);
    sums.set(model, sum);
  }
  return sum;
}

/** A part, cut where it is wider than a line, if possible not before closing punctuation. @param {string} part */
function fitting(part) {
  const found = [];
  let rest = Array.from(part);
  while (units(trimmedEnd(rest.join(""))) > LINE) {
    let most = 1;
    while (units(rest.slice(0, most + 1).join("")) <= LINE) most += 1;
    let cut = most;
    while (cut > 0 && !mayBreak(rest[cut - 1], rest[cut])) cut -= 1;
    found.push(rest.splice(0, cut || most).join(""));
  }
  return [...found, rest.join("")];
}

/** @param {string} language - a tag @returns {string | undefined} the model that finds its words */
export function modelOf(language) {
  const [base, ...subtags] = language.toLowerCase().split("-");
  if (["zh", "cmn", "yue"].includes(base)) {
    return base === "yue" || subtags.some((subtag) => TRADITIONAL.has(subtag)) ? "zh-hant" : "zh-hans";
  }
  return base === "ja" || base === "th" ? base : undefined;
}

/** @param {string} text */
export const endsClause = (text) => ENDS_CLAUSE.test(text);

/** @param {string} before @param {string} after - whether no space belongs between them */
export const adjoin = (before, after) =>
  IS_SPACELESS.test(Array.from(before).at(-1) ?? "") && IS_SPACELESS.test(Array.from(after)[0] ?? "");

/**
 * How many of the parts to take for about `ideal` units: rather up to the end of a clause.
 * @param {readonly string[]} broken @param {number} ideal @param {number} most @returns {number} 1 to `most`
 */
export function bestCut(broken, ideal, most) {
  let [best, least, width] = [1, Infinity, 0];
  broken.slice(0, most).forEach((part, index) => {
    width += units(part);
    let cost = Math.abs(width - ideal);
    if (ENDS_SENTENCE.test(part)) cost -= Math.floor((ideal * 3) / 10);
    else if (ENDS_CLAUSE.test(part)) cost -= Math.floor((ideal * 2) / 10);
    if (cost < least) [best, least] = [index + 1, cost];
  });
  return best;
}
