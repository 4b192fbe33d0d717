// Proves that instants of an audio context are told on the page's clock, in spite of late messages and drift.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock } from "../../../../gateway/web/audio/clock.js";

test("nothing is known before the first note", () => {
  assert.equal(new Clock().toPage(1), undefined);
});

test("one note is enough", () => {
  const clock = new Clock();
  clock.note(2, 5_000);
  assert.equal(clock.toPage(2.5), 5_500);
});

test("a context that is ahead of the page is mapped as well", () => {
  const clock = new Clock();
  clock.note(9, 5_000);
  assert.equal(clock.toPage(10), 6_000);
});

test("the message that was least late counts, whenever it came", () => {
  const clock = new Clock();
  const late = [8, 30, 1, 400, 12, 5];
  late.forEach((ms, i) => clock.note(i, 100_000 + 1_000 * i + ms));
  assert.equal(clock.toPage(0), 100_001);
});

test("a note counts for at least nine seconds and for no more than ten", () => {
  for (const begin of [70_000, 70_400, 70_999]) {
    const clock = new Clock();
    clock.note(0, begin);
    for (let s = 0.02; s < 8.95; s += 0.02) clock.note(s, begin + s * 1_000 + 50);
    assert.equal(clock.toPage(0), begin);
    for (let s = 9; s <= 10; s += 0.02) clock.note(s, begin + s * 1_000 + 50);
    clock.note(10, begin + 10_050);
    assert.ok(Math.abs(clock.toPage(0) - begin - 50) < 1e-6);
  }
});

test("after a long gap only the new note counts", () => {
  for (const gap of [10, 11, 25, 3_600]) {
    const clock = new Clock();
    for (let s = 0; s < 10; s++) clock.note(s, s * 1_000);
    clock.note(gap + 9, (gap + 9) * 1_000 + 70);
    assert.equal(clock.toPage(0), 70);
  }
});

test("a context that is slow by 200 ppm is followed within 2 ms for an hour", () => {
  const clock = new Clock();
  let worst = 0;
  for (let ms = 0; ms <= 3_600_000; ms += 20) {
    const seconds = (ms / 1_000) * (1 - 200e-6);
    clock.note(seconds, ms + (ms % 7));
    worst = Math.max(worst, Math.abs(clock.toPage(seconds) - ms));
  }
  assert.ok(worst <= 2.01, `${worst} ms`);
});
