// Proves when a connection is tried again, and when a silent one is given up.

import assert from "node:assert/strict";
import { test } from "node:test";

import { resumeMs, waitMs, Watch } from "../../../../gateway/web/session/retry.js";

test("the wait doubles from half a second to eight", () => {
  const waits = [0, 1, 2, 3, 4, 5, 60].map((attempt) => waitMs(attempt, 0));
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

test("chance shortens the wait by a quarter at most", () => {
  assert.equal(waitMs(2, 1), 1500);
  assert.equal(waitMs(2, 0.5), 1750);
});

test("the server's wish is the least", () => {
  assert.equal(waitMs(0, 0, 2_000), 2_000);
  assert.equal(waitMs(4, 0, 2_000), 8_000);
});

test("a session that is kept is asked for at once, then after a quarter of a second, doubled up to two", () => {
  const waits = [0, 1, 2, 3, 4, 5, 60].map((attempt) => resumeMs(attempt, 0));
  assert.deepEqual(waits, [0, 250, 500, 1000, 2000, 2000, 2000]);
  assert.deepEqual([resumeMs(3, 1), resumeMs(0, 1), resumeMs(0, 0, 700), resumeMs(1, 0, 100)], [750, 0, 700, 250]);
});

test("a silent server is asked once, then given up", () => {
  const watch = new Watch(1_000);
  assert.equal(watch.judge(5_999), "wait");
  assert.equal(watch.judge(6_000), "ask");
  assert.equal(watch.judge(7_000), "wait");
  assert.equal(watch.judge(15_999), "wait");
  assert.equal(watch.judge(16_000), "dead");
});

test("whatever arrives is a sign of life, and the next silence is asked about again", () => {
  const watch = new Watch(0);
  assert.equal(watch.judge(5_000), "ask");
  watch.heard(5_100);
  assert.equal(watch.judge(10_000), "wait");
  assert.equal(watch.judge(10_100), "ask");
});

test("more patience is had with a server that is sent a whole file", () => {
  const watch = new Watch(0, 180_000);
  assert.equal(watch.judge(5_000), "ask");
  assert.equal(watch.judge(179_999), "wait");
  assert.equal(watch.judge(180_000), "dead");
});

test("a page whose timers run once a minute asks each time, and an answer is enough", () => {
  const watch = new Watch(0);
  for (let minute = 1; minute < 60; minute++) {
    assert.equal(watch.judge(minute * 60_000), "ask");
    watch.heard(minute * 60_000 + 40);
  }
  assert.equal(watch.judge(60 * 60_000), "ask");
  assert.equal(watch.judge(61 * 60_000), "wait");
  assert.equal(watch.judge(62 * 60_000), "dead");
});

test("a computer that slept for a night asks before it gives up, also where it had asked before", () => {
  const night = 8 * 3_600_000;
  const [fresh, asked] = [new Watch(0), new Watch(0)];
  assert.equal(asked.judge(5_000), "ask");
  assert.equal(fresh.judge(night), "ask");
  assert.equal(asked.judge(night), "wait");
  asked.heard(night + 3);
  assert.equal(asked.judge(night + 1_000), "wait");
  assert.equal(fresh.judge(night + 9_000), "wait");
  assert.equal(fresh.judge(night + 10_000), "dead");
});

test("another network is a reason to ask at once, and to wait half as long", () => {
  const watch = new Watch(0);
  assert.equal(watch.doubt(1_000), "ask");
  assert.equal(watch.doubt(1_100), "wait");
  assert.equal(watch.judge(3_000), "wait");
  assert.equal(watch.judge(5_999), "wait");
  assert.equal(watch.judge(6_000), "dead");
  watch.heard(6_000);
  assert.equal(watch.judge(7_000), "wait");
});
