// Proves that every place of a recording has the time at which it was spoken.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Recorded } from "../../../../gateway/web/session/recorded.js";

/** Frames of 20 ms that end at `from`, `from` + 20, ... ms. @param {Recorded} recorded @param {number} count @param {number} from */
function frames(recorded, count, from) {
  for (let n = 1; n <= count; n++) recorded.note(n * 320, from + n * 20);
}

test("a place between two marks is as much later as it has more samples", () => {
  const recorded = new Recorded();
  frames(recorded, 100, 1_000);
  assert.equal(recorded.at(320), 1_020);
  assert.equal(recorded.at(16_000), 2_000);
  assert.equal(recorded.at(16_008), 2_000.5);
  assert.equal(recorded.at(0), 1_000);
});

test("after a gap in the recording the places that follow have their own time", () => {
  const recorded = new Recorded();
  recorded.note(3_200, 1_200);
  recorded.note(6_400, 9_400);
  assert.equal(recorded.at(3_216), 1_201);
  assert.equal(recorded.at(6_416), 9_401);
});

test("nothing is known before the first frame, nor of what was long ago", () => {
  const recorded = new Recorded();
  assert.equal(recorded.at(0), undefined);
  frames(recorded, 15_000, 0);
  assert.equal(recorded.at(16_000), undefined);
  assert.equal(recorded.at(15_000 * 320), 300_000);
});
