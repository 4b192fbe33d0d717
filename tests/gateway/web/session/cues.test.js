// Proves that the page's subtitles follow the same rule as those of `speechbridge translate`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { modelOf } from "../../../../gateway/web/session/breaks.js";
import { cues } from "../../../../gateway/web/session/cues.js";

/** @param {string} path - from the repository's root */
const json = (path) => JSON.parse(readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8"));

const NAMES = ["ja", "th", "zh-hans", "zh-hant"];
const MODELS = Object.fromEntries(
  NAMES.map((name) => [name, json(`gateway/web/session/phrases/${name}.json`)]),
);

for (const { name, said, cues: expected } of json("tests/data/cue_vectors.json")) {
  test(`golden: ${name}`, () => {
    const told = said
      .map((each) => ({ ...each, text: each.text.replace(/[\t-\r ]+/g, " ").trim() }))
      .filter(({ text }) => text)
      .map(({ start_ms, end_ms, text, language }) => ({
        startMs: start_ms,
        endMs: end_ms,
        captions: [{ text, language }],
      }));
    const shown = cues(told, MODELS);
    assert.deepEqual(
      shown.map(({ startMs, endMs, lines }) => ({ start_ms: startMs, end_ms: endMs, lines })),
      expected,
    );
  });
}

test("the model of a language is found by its tag", () => {
  const found = ["ja-JP", "th", "zh", "zh-Hant", "zh-HK", "yue", "cmn-Hans", "ko", "en"].map(modelOf);
  const chinese = ["zh-hans", "zh-hant", "zh-hant", "zh-hant", "zh-hans"];
  assert.deepEqual(found, ["ja", "th", ...chinese, undefined, undefined]);
});
