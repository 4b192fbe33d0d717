// Proves that a lost connection is gone on with where it was, or begun anew where it cannot be, and when it is tried.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Link } from "../../../../gateway/web/session/link.js";
import { inhabit } from "./world.js";

const LIMITS = { max_message_bytes: 1_048_576 };
const KEPT = { session_id: "s1", resume_token: "t1", resume_window_s: 60 };

/** @type {import("./world.js").World} */
let world;
/** @type {[string, number | undefined][]} what was told: the code, and in how many ms it is tried again */
let lost;
/** @type {(boolean | undefined)[]} whether each session that began was the one before */
let began;
/** @type {string[]} */
let heard;

beforeEach(() => {
  world = inhabit();
  [lost, began, heard] = [[], [], []];
});

/** @param {Partial<import("../../../../gateway/web/session/link.js").Handlers>} [more] */
function connected(more = {}) {
  const handlers = {
    start: () => ({ type: "session.start" }),
    started: (/** @type {any} */ message) => began.push(message.resumed),
    message: (/** @type {any} */ message) => heard.push(message.type),
    audio: () => heard.push("audio"),
    ended: () => heard.push("ended"),
    lost: (/** @type {any} */ trouble, /** @type {number | undefined} */ at) =>
      lost.push([trouble.code, at && at - world.now]),
    ...more,
  };
  const link = new Link("ws://localhost/v1/stream", /** @type {any} */ (handlers));
  link.connect();
  return link;
}

/** The connection that was opened last. */
const socket = () => world.sockets[world.sockets.length - 1];

/** The server answers on it. @param {object} [fields] */
function start(fields = {}) {
  socket().onopen?.();
  socket().says({ type: "session.started", seq: 1, t_ms: 0, limits: LIMITS, ...fields });
}

/** How the connection that was opened last has begun. */
const asked = () => socket().said[0];

/** @param {string} code @param {number} close */
function refuse(code, close) {
  socket().onopen?.();
  socket().says({ type: "error", seq: 0, t_ms: 0, code, message: "No.", fatal: true, close_code: close });
  socket().drop(close);
}

/** A frame of speech. @param {number} seq */
function frame(seq) {
  const view = new DataView(new ArrayBuffer(18));
  view.setUint8(0, 1);
  view.setUint8(1, 1);
  view.setUint32(4, seq, true);
  return view.buffer;
}

test("what is asked for is what comes after the last frame that arrived, from the sample on that is still here", () => {
  connected({ held: () => 4_800 });
  start(KEPT);
  socket().says({ type: "speech.started", seq: 2, segment: 0, t_ms: 1 });
  socket().onmessage?.({ data: frame(7) });
  // It overtakes what waits, and carries the number of a frame that has not arrived.
  for (const type of ["pong", "audio.ack", "warning", "room.updated"]) socket().says({ type, seq: 9, t_ms: 1 });
  socket().drop(1006);

  assert.equal(world.sockets.length, 2);
  socket().onopen?.();
  assert.deepEqual(asked(), {
    type: "session.start",
    resume: { session_id: "s1", token: "t1", last_seq: 7, samples: 4_800 },
  });
});

test("who only listens asks without audio of its own", () => {
  connected();
  start(KEPT);
  socket().drop(1006);
  socket().onopen?.();
  assert.deepEqual(asked().resume, { session_id: "s1", token: "t1", last_seq: 0, samples: 0 });
});

test("a loss that is made good at once is told to nobody", async () => {
  connected();
  start(KEPT);
  socket().drop(1006);
  await world.pass(600, 100);
  start({ ...KEPT, resumed: true });
  await world.pass(5_000, 1_000);
  assert.deepEqual([lost, began], [[], [undefined, true]]);
});

test("drops that follow each other are made good quietly too, where the session ran in between", async () => {
  connected();
  start(KEPT);
  for (let drop = 0; drop < 5; drop++) {
    await world.pass(2_100, 100);
    socket().drop(1006);
    start({ ...KEPT, resumed: true });
  }
  assert.deepEqual([lost, world.sockets.length], [[], 6]);
});

test("a loss that lasts is told, also while the first try hangs", async () => {
  connected();
  start(KEPT);
  socket().drop(1006);
  await world.pass(1_000, 100);
  assert.deepEqual([lost, world.sockets.length], [[["connection_lost", -700]], 2]);
});

test("each token is used once, and the numbers go on", async () => {
  connected();
  start(KEPT);
  socket().says({ type: "speech.started", seq: 5, segment: 0, t_ms: 1 });
  socket().drop(1006);
  start({ ...KEPT, resumed: true, resume_token: "t2", seq: 5 });
  socket().says({ type: "speech.stopped", seq: 6, segment: 0, t_ms: 1 });
  socket().drop(1001);
  await world.pass(300, 50);
  socket().onopen?.();
  assert.deepEqual(asked().resume, { session_id: "s1", token: "t2", last_seq: 6, samples: 0 });
});

test("a token that brought no answer is tried again", async () => {
  connected();
  start(KEPT);
  socket().drop(1006);
  socket().onopen?.();
  socket().drop(1006);
  await world.pass(300, 50);
  socket().onopen?.();
  assert.equal(asked().resume.token, "t1");
});

test("within the window it is tried every two seconds at the least, afterwards every eight", async () => {
  connected();
  start(KEPT);
  for (let second = 0; second < 300; second++) {
    if (world.sockets.at(-1)?.readyState === 1) socket().drop(1006);
    await world.pass(1_000, 125);
  }
  const waits = lost.map(([, wait]) => /** @type {number} */ (wait));
  assert.ok(waits[0] <= 250, `${waits[0]}`);
  const within = waits.slice(0, 25);
  assert.ok(within.every((wait) => wait <= 2_000));
  assert.ok(waits.slice(-5).every((wait) => wait >= 6_000 && wait <= 8_000), `${waits}`);
});

for (const [code, close] of /** @type {const} */ ([["resume_expired", 4410], ["wrong_token", 4401], ["unknown_session", 4404]])) {
  test(`a session that is gone (${code}) is followed by a new one at once`, async () => {
    connected();
    start(KEPT);
    socket().drop(1006);
    refuse(code, close);
    assert.equal(world.sockets.length, 3);
    start({ session_id: "s2", resume_token: "t9", resume_window_s: 60 });
    assert.deepEqual([asked().resume, began, lost], [undefined, [undefined, undefined], []]);
    await world.pass(6_000, 1_000);
    socket().drop(1006);
    socket().onopen?.();
    assert.deepEqual(asked().resume, { session_id: "s2", token: "t9", last_seq: 0, samples: 0 });
  });
}

test("a session that is gone is noticed by the close alone", () => {
  connected();
  start(KEPT);
  socket().drop(1006);
  socket().onopen?.();
  socket().drop(4410);
  socket().onopen?.();
  assert.deepEqual([world.sockets.length, asked().resume], [3, undefined]);
});

test("a server that refuses the new session as well is believed", () => {
  connected();
  start(KEPT);
  socket().drop(1006);
  refuse("wrong_secret", 4403);
  refuse("wrong_secret", 4403);
  assert.deepEqual([world.sockets.length, lost.map(([code]) => code)], [3, ["wrong_secret"]]);
});

test("a server that is full keeps the session waiting, not forgotten", async () => {
  connected();
  start(KEPT);
  socket().drop(1006);
  socket().onopen?.();
  const full = { code: "overloaded", message: "Full.", fatal: true, retryable: true, retry_after_ms: 1_500 };
  socket().says({ type: "error", seq: 0, t_ms: 0, ...full });
  socket().drop(1013);
  assert.deepEqual(lost, [["server_full", 1_500]]);
  await world.pass(1_600, 100);
  socket().onopen?.();
  assert.equal(asked().resume.token, "t1");
});

for (const told of [true, false]) {
  test(`who is taken over stops and says so, ${told ? "told" : "by the close alone"}`, async () => {
    connected();
    start(KEPT);
    if (told) socket().says({ type: "error", seq: 0, t_ms: 0, code: "taken_over", message: "Elsewhere.", fatal: true });
    socket().drop(4409);
    for (const event of ["online", "change", "visibilitychange"]) world.happens(event);
    await world.pass(60_000, 1_000);
    assert.deepEqual([lost, world.sockets.length], [[["taken_over", undefined]], 1]);
  });
}

test("a server that keeps no session is asked for a new one, after half a second", async () => {
  connected();
  start({ session_id: "s1", resume_token: "", resume_window_s: 0 });
  socket().drop(1006);
  const [[code, wait]] = lost;
  assert.equal(code, "connection_lost");
  assert.ok(Number(wait) >= 375 && Number(wait) <= 500);
  await world.pass(500, 50);
  socket().onopen?.();
  assert.equal(asked().resume, undefined);
});

for (const event of ["online", "change", "visibilitychange"]) {
  test(`a try that hangs is followed by another one at "${event}"`, async () => {
    connected();
    start(KEPT);
    socket().drop(1006);
    world.happens(event);
    assert.equal(world.sockets.length, 2, "it has only just begun");
    await world.pass(1_500, 250);
    world.happens(event);
    assert.equal(world.sockets.length, 3);
  });
}

test("only who ends it says that it is over; a connection that seems dead leaves the session alive", async () => {
  const link = connected();
  start(KEPT);
  socket().answers = false;
  await world.pass(16_000, 1_000);
  start({ ...KEPT, resumed: true });
  link.close();
  assert.deepEqual(world.sockets.map(({ code }) => code), [4000, 1000]);
});

test("who begins anew ends the session before, and asks for nothing of it", () => {
  const link = connected();
  start(KEPT);
  link.renew();
  socket().onopen?.();
  assert.deepEqual([world.sockets[0].code, asked().resume], [1000, undefined]);
});

test("a conversation that has ended is not gone on with", async () => {
  connected();
  start(KEPT);
  socket().says({ type: "session.ended", seq: 2, t_ms: 0, code: "done" });
  await world.pass(60_000, 1_000);
  assert.deepEqual([heard, world.sockets.length, lost], [["ended"], 1, []]);
});
