// Proves that a connection outlives hidden pages, sleep, other networks and wrong clocks, and that a dead one is left.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Errand } from "../../../../gateway/web/session/errand.js";
import { Link } from "../../../../gateway/web/session/link.js";
import { Transcript } from "../../../../gateway/web/session/transcript.js";
import { inhabit, settled } from "./world.js";

const STARTED = { type: "session.started", seq: 1, t_ms: 0, limits: { max_message_bytes: 1_048_576 } };

/** @type {import("./world.js").World} */
let world;
/** @type {string[]} */
let lost;

beforeEach(() => {
  world = inhabit();
  lost = [];
});

/** A session that runs. */
function open() {
  const ignore = () => {};
  const link = new Link("ws://localhost/v1/stream", /** @type {any} */ ({
    start: () => ({ type: "session.start" }),
    started: ignore, message: ignore, audio: ignore, ended: ignore,
    lost: (/** @type {{ code: string }} */ trouble) => lost.push(trouble.code),
  }));
  link.connect();
  const [socket] = world.sockets;
  socket.onopen?.();
  socket.says(STARTED);
  return { link, socket };
}

test("a quiet session in a hidden tab whose timers run once a minute is kept for an hour", async () => {
  const { link, socket } = open();
  world.hidden = true;
  for (let minute = 0; minute < 60; minute++) {
    await world.pass(60_000, 60_000);
  }
  assert.deepEqual([lost, world.sockets.length, socket.pings, link.open], [[], 1, 60, true]);
});

test("a dead server is left by a hidden tab too, in three minutes", async () => {
  const { socket } = open();
  socket.answers = false;
  await world.pass(120_000, 60_000);
  assert.equal(lost.length, 0);
  await world.pass(60_000, 60_000);
  assert.equal(lost.length, 1);
});

test("after a long sleep the page asks first, and goes on where the server answers", async () => {
  const { link } = open();
  await world.pass(8 * 3_600_000, 8 * 3_600_000);
  await world.pass(20_000, 1_000);
  assert.deepEqual([lost, link.open], [[], true]);
});

test("after a long sleep a connection that is gone is left in ten seconds", async () => {
  const { socket } = open();
  socket.answers = false;
  await world.pass(8 * 3_600_000, 8 * 3_600_000);
  await world.pass(9_000, 1_000);
  assert.equal(lost.length, 0);
  await world.pass(1_000, 1_000);
  assert.equal(lost.length, 1);
});

for (const event of ["online", "change", "visibilitychange"]) {
  test(`a connection is asked at once after "${event}", and left in five seconds without an answer`, async () => {
    const { socket } = open();
    socket.answers = false;
    world.happens(event);
    assert.equal(socket.pings, 1);
    await world.pass(5_000, 1_000);
    assert.equal(lost.length, 1);
    world.happens(event);
    assert.equal(world.sockets.length, 2, "what waits is tried at once");
  });
}

test("a clock that is set changes nothing", async () => {
  const { link } = open();
  const { now } = Date;
  try {
    for (const away of [-86_400_000, 86_400_000]) {
      Date.now = () => now() + away;
      await world.pass(3_000, 1_000);
    }
  } finally {
    Date.now = now;
  }
  assert.deepEqual([lost, link.open], [[], true]);
});

test("who closed it hears nothing more of networks", () => {
  const { link } = open();
  link.close();
  for (const event of ["online", "change", "visibilitychange"]) world.happens(event);
  assert.equal(world.sockets.length, 1);
  assert.equal([...world.listeners.values()].every((each) => each.size === 0), true);
});

test("a file is sent on in a hidden tab without its timers", async () => {
  world.hidden = true;
  const ignore = () => {};
  const transcript = new Transcript();
  transcript.openPart({ title: "a", kind: "file", at: 0, source: "en", target: "es" });
  const handlers = { start: () => ({ type: "session.start" }), lines: ignore, audio: ignore, trouble: ignore, done: ignore };
  new Errand(transcript, new Int16Array(16_000 * 60), /** @type {any} */ (handlers));
  const [socket] = world.sockets;
  socket.onopen?.();
  socket.says({ ...STARTED, config: { source: { language: "en" }, targets: [{ language: "es" }] } });
  for (let turn = 0; turn < 100 && !socket.ended; turn++) await settled();
  assert.deepEqual([socket.audio, socket.ended], [16_000 * 60, true]);
});
