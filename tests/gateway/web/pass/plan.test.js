// Proves what two people with one device can do on a server, and what each of them reads of a sentence.

import assert from "node:assert/strict";
import { test } from "node:test";

import { choices, plan, settle, shown, terms } from "../../../../gateway/web/pass/plan.js";
import { holds, languages, sessionStart } from "../../../../gateway/web/session/start.js";

/** @param {string} pairs such as "en>es es>en" @param {boolean} [detects] */
function offer(pairs, detects = false) {
  const names = { ar: "Arabic", ca: "Catalan", en: "English", es: "Spanish" };
  return {
    detects,
    pairs: pairs.split(" ").map((pair) => pair.split(">")).map(([source, target]) => ({
      source, target, as_spoken: source === target,
    })),
    languages: Object.entries(names).map(([tag, name]) => ({ tag, name, rtl: tag === "ar" })),
  };
}

const BOTH = "en>en en>es es>en en>ca ar>en";
const EN_ES = { near: "en", far: "es" };

/** @param {import("../../../../gateway/web/languages.js").Choice[]} list */
const listed = (list) => list.map(({ tag, enabled }) => (enabled ? tag : `(${tag})`)).join(" ");

test("the language is detected where the server can and either is translated into the other one", () => {
  assert.deepEqual(plan(offer(BOTH, true), EN_ES), { detects: true, speaks: { near: true, far: true } });
  assert.deepEqual(plan(offer(BOTH), EN_ES), { detects: false, speaks: { near: true, far: true } });
});

test("who cannot be understood is known before it starts, and nothing has to be detected then", () => {
  assert.deepEqual(plan(offer(BOTH, true), { near: "en", far: "ca" }), {
    detects: false,
    speaks: { near: true, far: false },
  });
  assert.deepEqual(plan(offer(BOTH, true), { near: "en", far: "ar" }).speaks, { near: false, far: true });
});

test("each half offers all languages by name, the far one only what has to do with the near one", () => {
  assert.equal(listed(choices(offer(BOTH))), "ar ca en es");
  assert.equal(listed(choices(offer(BOTH), "es")), "(ar) (ca) en (es)");
  assert.equal(listed(choices(offer(BOTH), "en")), "ar ca (en) es");
});

test("it begins with what was chosen before, else with what the browser speaks, else with anything", () => {
  const offered = offer(BOTH);
  assert.deepEqual(settle(offered, EN_ES, ["ca"]), EN_ES);
  assert.deepEqual(settle(offered, { near: "auto", far: "es" }, ["en-US"]), EN_ES);
  assert.deepEqual(settle(offered, { near: "es", far: "ca" }, ["fr"]), { near: "es", far: "en" });
  assert.deepEqual(settle(offered, { near: "fr", far: "fr" }, []), { near: "ar", far: "en" });
  assert.equal(settle(offer("en>en"), EN_ES, ["en"]), undefined);
});

test("a server that detects is asked to tell just these two apart, and to translate into the other one", () => {
  const wish = /** @type {any} */ ({ surroundings: null, ...terms(EN_ES) });
  const { source, targets } = sessionStart(wish);
  assert.deepEqual(source, { language: "auto", among: ["en", "es"] });
  assert.deepEqual(targets, [{ language: "en" }, { language: "es" }]);
});

test("one's speech holds what two who share a device hear, and not what somebody hears of themselves alone", () => {
  const wish = /** @type {any} */ ({ surroundings: null, headphones: false, bargeIn: null, ...terms(EN_ES) });
  const start = sessionStart(wish);
  assert.deepEqual([start.barge_in, start.output], ["pause", { rate: 24_000, pacing: "burst" }]);
  assert.equal(sessionStart({ ...wish, headphones: true }).barge_in, "off");
  assert.equal(sessionStart({ ...wish, pair: undefined }).barge_in, undefined);
});

test("a server that does not is told who speaks", () => {
  const said = (/** @type {any} */ side) => languages(/** @type {any} */ (terms(EN_ES, side)));
  assert.deepEqual(said("near"), { source: { language: "en" }, targets: [{ language: "es" }] });
  assert.deepEqual(said("far"), { source: { language: "es" }, targets: [{ language: "en" }] });
  assert.deepEqual(terms(EN_ES, "far").pair, ["en", "es"]);
});

test("who speaks is told again to a session that goes on and has missed it", () => {
  const [near, far] = /** @type {any[]} */ ([terms(EN_ES, "near"), terms(EN_ES, "far")]);
  assert.equal(holds(near, /** @type {any} */ (languages(near))), true);
  assert.equal(holds(far, /** @type {any} */ (languages(near))), false);
  assert.equal(holds(/** @type {any} */ (terms(EN_ES)), /** @type {any} */ (languages(near))), true);
  assert.equal(holds(/** @type {any} */ ({ source: "en", target: "ca" }), /** @type {any} */ (languages(near))), true);
});

/**
 * @param {[text: string, language: string, final?: boolean]} source
 * @param {[text: string, language: string, final?: boolean]} translation
 */
function line([said, spoken, sure = true], [text, heard, final = true] = ["", "es", false]) {
  return /** @type {any} */ ({
    source: { text: said, language: spoken, final: sure },
    translation: { text, language: heard, final },
  });
}

/** @param {any} of @param {string} language */
function reads(of, language) {
  const seen = shown(of, language);
  return seen && [seen.caption.text, seen.own];
}

test("each half reads its own language: the words where they were said, the translation elsewhere", () => {
  const hello = line(["hello", "en"], ["hola", "es"]);
  assert.deepEqual([reads(hello, "en"), reads(hello, "es")], [["hello", true], ["hola", false]]);
  const adios = line(["adiós", "es"], ["bye", "en"]);
  assert.deepEqual([reads(adios, "en"), reads(adios, "es")], [["bye", false], ["adiós", true]]);
});

test("a translation that is still to come is waited for by who needs it", () => {
  const hello = line(["hello", "en-GB"]);
  assert.deepEqual([reads(hello, "en"), reads(hello, "es")], [["hello", true], ["", false]]);
});

test("nothing is shown of what is not understood yet, nor words so far in the language of the other", () => {
  assert.deepEqual([reads(line(["", "auto", false]), "en"), reads(line(["", "auto", false]), "es")], [undefined, undefined]);
  const partial = line(["hel", "en", false]);
  assert.deepEqual([reads(partial, "en"), reads(partial, "es")], [["hel", true], undefined]);
  const translated = line(["hello ev", "en", false], ["hola a", "es"]);
  assert.deepEqual([reads(translated, "en"), reads(translated, "es")], [["hello ev", true], ["hola a", false]]);
});

test("what was translated tells which was spoken, whatever the engine calls it", () => {
  const odd = line(["hello", "auto"], ["hola", "es"]);
  assert.deepEqual([reads(odd, "en"), reads(odd, "es")], [["hello", true], ["hola", false]]);
});
