// Proves that segments stay in spoken order, that those that are over stay over, and that the bound holds.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Backlog } from "../../../../gateway/web/audio/backlog.js";

/**
 * @param {Backlog} backlog
 * @param {number} segment
 * @param {number} count
 * @param {{offset?: number, last?: boolean}} [more]
 */
function add(backlog, segment, count, { offset = 0, last = true } = {}) {
  return backlog.add({ segment, offset, pcm: new Int16Array(count).fill(segment), last });
}

/** @param {Backlog} backlog @param {number} segment */
function begin(backlog, segment) {
  const speech = backlog.find(segment);
  assert.ok(speech);
  speech.begun = true;
}

test("segments come in the order of their first pieces", () => {
  const backlog = new Backlog(1_000);
  add(backlog, 5, 10, { last: false });
  add(backlog, 3, 20);
  add(backlog, 5, 30, { offset: 10 });
  assert.equal(backlog.first?.segment, 5);
  assert.equal(backlog.queued, 60);
  backlog.forget(5);
  assert.equal(backlog.first?.segment, 3);
});

test("what waits is what has not begun", () => {
  const backlog = new Backlog(1_000);
  add(backlog, 0, 10);
  add(backlog, 1, 20);
  assert.equal(backlog.waiting, 30);
  begin(backlog, 0);
  assert.equal(backlog.waiting, 20);
  assert.equal(backlog.queued, 30);
});

test("pieces of a whole segment and of one that is over are ignored", () => {
  const backlog = new Backlog(1_000);
  add(backlog, 0, 10);
  add(backlog, 0, 10, { offset: 10 });
  assert.equal(backlog.queued, 10);
  backlog.forget(0);
  backlog.forget(7);
  add(backlog, 0, 10);
  add(backlog, 7, 10);
  assert.equal(backlog.first, undefined);
});

test("only so many of those that are over are remembered", () => {
  const backlog = new Backlog(1_000);
  for (let segment = 0; segment <= 1_024; segment++) backlog.forget(segment);
  add(backlog, 1, 10);
  assert.equal(backlog.queued, 0);
  add(backlog, 0, 10);
  assert.equal(backlog.queued, 10);
});

test("all that have not begun are forgotten together and stay so", () => {
  const backlog = new Backlog(1_000);
  for (const segment of [0, 1, 2]) add(backlog, segment, 10, { last: false });
  begin(backlog, 0);
  backlog.forgetWaiting();
  add(backlog, 2, 10, { offset: 10 });
  assert.equal(backlog.queued, 10);
  assert.equal(backlog.first?.segment, 0);
});

test("beyond the bound the oldest that have not begun are given up whole", () => {
  const backlog = new Backlog(100);
  add(backlog, 0, 40);
  begin(backlog, 0);
  add(backlog, 1, 10);
  add(backlog, 2, 20);
  assert.deepEqual(add(backlog, 3, 30), []);
  assert.deepEqual(add(backlog, 4, 25), [
    { segment: 1, samples: 10 },
    { segment: 2, samples: 20 },
  ]);
  assert.equal(backlog.queued, 95);
  assert.equal(backlog.find(1), undefined);
  assert.deepEqual(add(backlog, 1, 1), []);
  assert.equal(backlog.find(1), undefined);
});

test("one that has not begun and is too long itself is given up with what was refused", () => {
  const backlog = new Backlog(100);
  add(backlog, 0, 50);
  begin(backlog, 0);
  add(backlog, 1, 40, { last: false });
  assert.deepEqual(add(backlog, 1, 30, { offset: 40 }), [{ segment: 1, samples: 70 }]);
  assert.equal(backlog.queued, 50);
  assert.equal(backlog.find(1), undefined);
});

test("of the only one the rest is refused, and said once", () => {
  for (const begun of [true, false]) {
    const backlog = new Backlog(100);
    add(backlog, 0, 90, { last: false });
    if (begun) begin(backlog, 0);
    assert.deepEqual(add(backlog, 0, 20, { offset: 90, last: false }), [{ segment: 0, samples: 20 }]);
    assert.deepEqual(add(backlog, 0, 5, { offset: 110 }), []);
    assert.equal(backlog.queued, 90);
    assert.ok(backlog.first?.cut);
  }
});

test("an offset far away does not reserve memory", () => {
  const backlog = new Backlog(100);
  add(backlog, 0, 10, { last: false });
  assert.deepEqual(add(backlog, 0, 1, { offset: 2 ** 32 - 1 }), [{ segment: 0, samples: 2 ** 32 - 10 }]);
  assert.equal(backlog.queued, 10);
  begin(backlog, 0);
  add(backlog, 1, 1, { offset: 2 ** 32 - 1 });
  assert.equal(backlog.queued, 10);
});
