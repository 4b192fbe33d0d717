// Proves over random losses of the connection that the server hears each sample once, and the page each frame once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FRAME_SAMPLES } from "../../../../gateway/web/audio/framer.js";
import { Errand } from "../../../../gateway/web/session/errand.js";
import { Link } from "../../../../gateway/web/session/link.js";
import { Recording } from "../../../../gateway/web/session/recording.js";
import { Transcript } from "../../../../gateway/web/session/transcript.js";
import { inhabit } from "./world.js";

const LIMITS = { max_message_bytes: 1_048_576 };
const CONFIG = { source: { language: "en" }, targets: [{ language: "es" }] };

/** @param {number} seed */
function chance(seed) {
  let state = seed;
  return (/** @type {number} */ below) => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % 65_536 % below;
}

/** Keeps a session over its connections, of which each may lose what is still under way in either direction. */
class Server {
  /** @type {number[]} */
  heard = [];
  /** @type {any[]} what was said of segments */
  journal = [];
  #token = 0;
  #begun = false;
  /** @type {import("./world.js").Socket | undefined} */
  socket;
  #read = 0;

  /** Answers who has connected. @param {import("./world.js").Socket} socket */
  accept(socket) {
    socket.onopen?.();
    const { resume } = socket.said[0];
    assert.equal(resume !== undefined, this.#begun, "the session is asked for as soon as there is one");
    if (resume) assert.equal(resume.token, `t${this.#token}`);
    this.socket = socket;
    this.#read = 0;
    this.#token += 1;
    const samples = Math.max(this.heard.length, resume?.samples ?? 0);
    assert.equal(samples, this.heard.length, "what it lacks is still here");
    const rest = { session_id: "s", resume_token: `t${this.#token}`, resume_window_s: 60, resumed: this.#begun };
    this.#begun = true;
    socket.says({ type: "session.started", seq: 0, t_ms: 0, limits: LIMITS, config: CONFIG, samples, ...rest });
    for (const message of this.journal) if (message.seq > (resume?.last_seq ?? 0)) socket.says(message);
  }

  /** Reads some of what was sent. @param {number} most */
  read(most) {
    const sent = this.socket?.sound ?? [];
    for (const pcm of sent.slice(this.#read, this.#read + most)) this.heard.push(...pcm);
    this.#read = Math.min(sent.length, this.#read + most);
  }

  /** Says something; it may be lost under way. @param {boolean} arrives */
  say(arrives) {
    const message = { type: "speech.started", seq: this.journal.length + 2, t_ms: 0, segment: this.journal.length };
    this.journal.push(message);
    if (arrives) this.socket?.says(message);
  }

  acknowledge() {
    this.socket?.says({ type: "audio.ack", seq: 9_999_999, t_ms: 0, samples: this.heard.length });
  }
}

test("whatever is lost under way, each sample is heard once in its place, and each frame is told once", async () => {
  for (let round = 1; round <= 20; round++) {
    const world = inhabit();
    const random = chance(round);
    const server = new Server();
    const recording = new Recording();
    /** @type {number[]} */
    const told = [];
    let recorded = 0;
    const link = new Link("ws://localhost/v1/stream", /** @type {any} */ ({
      start: () => ({ type: "session.start" }),
      held: () => recording.held,
      started: (/** @type {any} */ message) => {
        if (message.resumed) recording.resume(message.samples);
        else recording.begin();
      },
      message: (/** @type {any} */ message) => {
        recording.follow(message);
        if ("segment" in message) told.push(message.seq);
      },
      lost: (/** @type {any} */ _, /** @type {number | undefined} */ again) => assert.notEqual(again, undefined),
    }));
    link.connect();
    server.accept(world.sockets[0]);
    const last = () => /** @type {import("./world.js").Socket} */ (world.sockets.at(-1));
    for (let step = 0; step < 150; step++) {
      const act = random(20);
      recording.push(new Int16Array(FRAME_SAMPLES).map((_, at) => recorded * FRAME_SAMPLES + at), 0);
      recorded++;
      last().bufferedAmount = 0;
      if (link.open) recording.sendTo(link);
      if (act < 8) server.read(random(4));
      else if (act < 12) server.say(link.open);
      else if (act < 14 && link.open) server.acknowledge();
      else if (act === 14) {
        server.say(false);
        last().drop(1006);
        await world.pass(random(2) ? 50 : 3_000, 50);
      } else if (!link.open && last().readyState === 1) server.accept(last());
    }
    await world.pass(3_000, 50);
    if (!link.open) server.accept(last());
    while (recording.waiting) {
      last().bufferedAmount = 0;
      recording.sendTo(link);
    }
    server.read(Infinity);

    assert.equal(server.heard.length, recorded * FRAME_SAMPLES);
    assert.ok(server.heard.every((sample, at) => sample === (at << 16) >> 16), `round ${round}`);
    assert.deepEqual(told, server.journal.map(({ seq }) => seq), `round ${round}`);
    assert.equal(recording.takeLost(), 0);
    link.close();
  }
});

test("a file goes on where the server has it, and says its end once more", async () => {
  const world = inhabit();
  const transcript = new Transcript();
  transcript.openPart({ title: "a", kind: "file", at: 0, source: "en", target: "es" });
  const ignore = () => {};
  const start = () => ({ type: "session.start", features: ["partials"] });
  const handlers = { start, lines: ignore, audio: ignore, trouble: ignore, done: ignore };
  new Errand(transcript, new Int16Array(20_000), /** @type {any} */ (handlers));
  const kept = { session_id: "s", resume_token: "t", resume_window_s: 60, limits: LIMITS, config: CONFIG, seq: 1, t_ms: 0 };
  const begin = (/** @type {object} */ fields) => {
    const socket = world.sockets[world.sockets.length - 1];
    socket.onopen?.();
    socket.says({ type: "session.started", ...kept, ...fields });
    return socket;
  };
  const first = begin({});
  for (let turn = 0; turn < 50 && !first.ended; turn++) {
    first.bufferedAmount = 0;
    await world.pass(20, 20);
  }
  assert.deepEqual([first.audio, first.ended], [20_000, true]);
  assert.deepEqual(first.said[0], { type: "session.start" }, "words so far are asked for of what nobody speaks now");
  first.drop(1006);
  const second = begin({ resumed: true, samples: 7_000 });
  for (let turn = 0; turn < 50 && !second.ended; turn++) {
    second.bufferedAmount = 0;
    await world.pass(20, 20);
  }
  assert.deepEqual([second.audio, second.ended, second.said[0].resume.samples], [13_000, true, 0]);
});
