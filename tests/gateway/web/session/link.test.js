// Proves that a connection outlives hidden pages, sleep, other networks and wrong clocks, and that a dead one is left.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Errand } from "../../../../gateway/web/session/errand.js";
import { Link } from "../../../../gateway/web/session/link.js";
import { Transcript } from "../../../../gateway/web/session/transcript.js";

const STARTED = { type: "session.started", seq: 1, t_ms: 0, limits: { max_message_bytes: 1_048_576 } };

/** A page whose clock and timers are moved by hand, and a network that remembers. */
class World {
  now = 1_000;
  hidden = false;
  /** @type {Map<number, { at: number, every: number, call: () => void }>} */
  timers = new Map();
  /** @type {Map<string, Set<() => void>>} */
  listeners = new Map();
  /** @type {Socket[]} */
  sockets = [];
  #next = 1;

  /** @param {() => void} call  @param {number} ms  @param {number} every */
  set(call, ms, every) {
    this.timers.set(this.#next, { at: this.now + ms, every, call });
    return this.#next++;
  }

  /** Lets time pass, in which timers run no more often than every `step` ms. @param {number} ms  @param {number} step */
  async pass(ms, step) {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += step;
      for (const [id, timer] of [...this.timers]) {
        if (timer.at > this.now || !this.timers.has(id)) continue;
        if (timer.every) timer.at = this.now + timer.every;
        else this.timers.delete(id);
        timer.call();
      }
      await settled();
    }
  }

  /** @param {string} event */
  happens(event) {
    for (const call of this.listeners.get(event) ?? []) call();
  }

  /** What the page's globals become. */
  globals() {
    const target = {
      addEventListener: (/** @type {string} */ name, /** @type {() => void} */ call) =>
        this.listeners.set(name, (this.listeners.get(name) ?? new Set()).add(call)),
      removeEventListener: (/** @type {string} */ name, /** @type {() => void} */ call) =>
        this.listeners.get(name)?.delete(call),
    };
    const world = this;
    return {
      window: {
        ...target,
        setTimeout: (/** @type {() => void} */ call, /** @type {number} */ ms) => this.set(call, ms, 0),
        setInterval: (/** @type {() => void} */ call, /** @type {number} */ ms) => this.set(call, ms, ms),
        clearTimeout: (/** @type {number} */ id) => this.timers.delete(id),
        clearInterval: (/** @type {number} */ id) => this.timers.delete(id),
      },
      document: { ...target, baseURI: "http://localhost/", get hidden() { return world.hidden; } },
      navigator: { connection: target },
      performance: { now: () => this.now },
      WebSocket: Object.assign(function () { return new Socket(world); }, { OPEN: 1 }),
    };
  }
}

class Socket {
  readyState = 1;
  bufferedAmount = 0;
  answers = true;
  pings = 0;
  audio = 0;
  ended = false;
  /** @type {((event: { data: string }) => void) | null} */
  onmessage = null;
  /** @type {(() => void) | null} */
  onopen = null;

  /** @param {World} world */
  constructor(world) {
    world.sockets.push(this);
  }

  /** @param {string | Int16Array} data */
  send(data) {
    if (typeof data !== "string") {
      this.audio += data.length;
      this.bufferedAmount += data.byteLength;
      return;
    }
    const { type } = JSON.parse(data);
    if (type === "session.end") this.ended = true;
    if (type !== "ping") return;
    this.pings += 1;
    // An answer shows that the server has read what came before.
    if (this.answers) queueMicrotask(() => { this.bufferedAmount = 0; this.says({ type: "pong", seq: 1, t_ms: 0 }); });
  }

  /** @param {object} message */
  says(message) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  close() {
    this.readyState = 3;
  }
}

/** @type {World} */
let world;
/** @type {string[]} */
let lost;

beforeEach(() => {
  world = new World();
  lost = [];
  for (const [name, value] of Object.entries(world.globals())) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
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

/** Lets microtasks run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

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
