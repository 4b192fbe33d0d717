// Proves that the prebuffer grows with underruns, returns after calm, and stays within its bounds.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Prebuffer } from "../../../../gateway/web/audio/prebuffer.js";

/** @param {Prebuffer} prebuffer @param {number} segments */
function calm(prebuffer, segments) {
  for (let i = 0; i < segments; i++) prebuffer.stayedCalm();
}

test("each underrun makes it half as large again, up to the most", () => {
  const prebuffer = new Prebuffer(60, 200);
  const seen = [prebuffer.ms];
  for (let i = 0; i < 4; i++) {
    prebuffer.ranDry();
    seen.push(prebuffer.ms);
  }
  assert.deepEqual(seen, [60, 90, 135, 200, 200]);
  assert.equal(prebuffer.underruns, 4);
});

test("each ten calm segments make it smaller again, down to the least", () => {
  const prebuffer = new Prebuffer(60, 200);
  prebuffer.ranDry();
  prebuffer.ranDry();
  calm(prebuffer, 9);
  assert.equal(prebuffer.ms, 135);
  calm(prebuffer, 1);
  assert.equal(prebuffer.ms, 90);
  calm(prebuffer, 9);
  assert.equal(prebuffer.ms, 90);
  calm(prebuffer, 1);
  assert.equal(prebuffer.ms, 60);
  calm(prebuffer, 10);
  assert.equal(prebuffer.ms, 60);
});

test("an underrun begins the count of calm segments again", () => {
  const prebuffer = new Prebuffer(60, 200);
  prebuffer.ranDry();
  calm(prebuffer, 9);
  prebuffer.ranDry();
  calm(prebuffer, 9);
  assert.equal(prebuffer.ms, 135);
});
