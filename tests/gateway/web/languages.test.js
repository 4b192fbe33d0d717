// Proves that the page offers only languages that can be had, and settles on the pair that fits best.

import assert from "node:assert/strict";
import { test } from "node:test";

import { direction, name, settle, sources, targets } from "../../../gateway/web/languages.js";

const NAMES = {
  ar: "Arabic",
  ca: "Catalan",
  en: "English",
  es: "Spanish",
  "es-419": "Spanish (Latin America)",
  fr: "French",
  mi: "Māori",
  mk: "Macedonian",
  mn: "Mongolian",
  pt: "Portuguese",
  "pt-BR": "Portuguese (Brazil)",
};

/** @param {string} one  @param {string} other */
const sameLanguage = (one, other) => one.split("-")[0] === other.split("-")[0];

/** @param {string} pairs - such as "en>es es>en"  @param {boolean} [detects] */
function offer(pairs, detects = false) {
  return {
    detects,
    pairs: pairs
      .split(" ")
      .filter(Boolean)
      .map((pair) => pair.split(">"))
      .map(([source, target]) => (sameLanguage(source, target) ? { source, target, as_spoken: true } : { source, target })),
    languages: Object.entries(NAMES).map(([tag, name]) => ({ tag, name, rtl: tag === "ar" })),
  };
}

/** @param {import("../../../gateway/web/languages.js").Choice[]} choices */
const shown = (choices) => choices.map(({ tag, enabled }) => (enabled ? tag : `(${tag})`)).join(" ");

test("sources are sorted by name, each once, and all can be chosen", () => {
  assert.equal(shown(sources(offer("mn>en mi>en mk>en en>es ca>es en>fr"))), "ca en mk mi mn");
});

test("detection is the first source where the gateway detects, and only there", () => {
  assert.deepEqual(sources(offer("en>es", true))[0], { tag: "auto", name: "Detect language", enabled: true });
  assert.equal(shown(sources(offer("en>es"))), "en");
});

test("nothing is offered without pairs, not even detection", () => {
  assert.deepEqual(sources(offer("", true)), []);
  assert.deepEqual(targets(offer("", true), "auto"), []);
});

test("targets of other sources and the source itself are shown but cannot be chosen", () => {
  assert.equal(shown(targets(offer("en>es en>fr es>en es>ca en>en"), "en")), "(ca) (en) fr es");
});

test("every target can be chosen while the source is detected", () => {
  assert.equal(shown(targets(offer("en>es es>en es>ca", true), "auto")), "ca en es");
});

test("a source with a region has the targets of its language where it is not offered itself", () => {
  assert.equal(shown(targets(offer("pt>es en>fr"), "pt-BR")), "(fr) es");
  assert.equal(shown(targets(offer("pt>es pt-BR>fr"), "pt-BR")), "fr (es)");
  assert.equal(shown(targets(offer("pt>es pt-BR>pt-BR"), "pt-BR")), "es");
});

test("nobody is offered the words as they were spoken for a translation", () => {
  const all = offer("pt>pt pt>pt-BR pt>es es>pt es>es", true);
  assert.equal(shown(targets(all, "pt")), "(pt) es");
  assert.equal(shown(targets(all, "auto")), "pt es");
  assert.deepEqual(settle(all, { source: "pt", target: "" }, ["pt-BR", "pt"]), { source: "pt", target: "es" });
});

test("a source that is not offered reaches nothing", () => {
  assert.equal(shown(targets(offer("en>es"), "fr")), "(es)");
});

test("the wanted pair stays if it can be had, whatever is preferred", () => {
  const pair = { source: "en", target: "fr" };
  assert.deepEqual(settle(offer("ca>es en>es en>fr", true), pair, ["es"]), pair);
});

test("a wanted pair is spelled as it is offered", () => {
  const wanted = { source: "en-GB", target: "pt-BR" };
  assert.deepEqual(settle(offer("en>pt"), wanted, []), { source: "en", target: "pt" });
});

test("the wanted source stays, with a preferred target before others", () => {
  const wanted = { source: "en", target: "mi" };
  assert.deepEqual(settle(offer("en>ca en>es en>fr mk>mi"), wanted, ["en-US", "fr-CA", "es"]), {
    source: "en",
    target: "fr",
  });
});

test("the wanted source stays with its first target by name where none is preferred", () => {
  assert.equal(settle(offer("en>es en>fr en>ca"), { source: "en", target: "mi" }, ["mk"])?.target, "ca");
});

test("a preferred region is met by another region of the same language", () => {
  assert.equal(settle(offer("en>ca en>pt-BR"), { source: "en", target: "" }, ["pt-PT"])?.target, "pt-BR");
});

test("a preferred region is met by itself before its language", () => {
  assert.equal(settle(offer("en>es en>es-419"), { source: "en", target: "" }, ["es-419"])?.target, "es-419");
});

test("the wanted target stays where its source is gone", () => {
  const wanted = { source: "mk", target: "fr" };
  assert.deepEqual(settle(offer("ca>es en>es en>fr"), wanted, ["ca"]), { source: "en", target: "fr" });
});

test("without a wish detection is taken, else a preferred source", () => {
  const wanted = { source: "", target: "" };
  const pairs = "ca>es en>es fr>en fr>mk";
  assert.deepEqual(settle(offer(pairs, true), wanted, ["fr", "mk"]), { source: "auto", target: "mk" });
  assert.deepEqual(settle(offer(pairs), wanted, ["fr-BE", "mk"]), { source: "fr", target: "mk" });
  assert.deepEqual(settle(offer(pairs), wanted, []), { source: "ca", target: "es" });
});

test("detection that is wanted but not offered gives way to a source", () => {
  const wanted = { source: "auto", target: "es" };
  assert.deepEqual(settle(offer("en>es"), wanted, []), { source: "en", target: "es" });
  assert.deepEqual(settle(offer("en>es", true), wanted, []), wanted);
});

test("nothing can be settled without pairs", () => {
  assert.equal(settle(offer("", true), { source: "en", target: "es" }, ["en"]), undefined);
});

test("names and directions of regions are those of the language where the region is unknown", () => {
  const all = offer("en>es");
  assert.equal(name(all, "pt-BR"), "Portuguese (Brazil)");
  assert.equal(name(all, "pt-AO"), "Portuguese");
  assert.equal(name(all, "auto"), "Detect language");
  assert.equal(name(all, "xx-YY"), "xx-YY");
  assert.equal(direction(all, "ar-EG"), "rtl");
  assert.equal(direction(all, "en"), "ltr");
  assert.equal(direction(all, "xx"), "ltr");
});
