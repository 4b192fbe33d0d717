/** One session with the gateway, gone on with as often as the network takes it away, or begun anew. */

import { OLD_PAGE, TAKEN_OVER, ofClose, ofError } from "../troubles.js";
import { decode, encode, SUBPROTOCOL, unpackAudio, WireError } from "../wire.js";
import { DEAD_MS, Watch } from "./retry.js";
import { Ticket } from "./ticket.js";

/**
 * @typedef {import("../protocol.js").ClientMessage} ClientMessage
 * @typedef {import("../protocol.js").ServerMessage} ServerMessage
 * @typedef {import("../protocol.js").SessionStart} SessionStart
 * @typedef {import("../protocol.js").SessionStarted} SessionStarted
 * @typedef {import("../wire.js").AudioFrame} AudioFrame
 * @typedef {import("../troubles.js").Trouble} Trouble
 * @typedef {object} Handlers
 * @property {() => SessionStart} start says how each connection begins
 * @property {() => number} [held] the first sample of the session's audio that can still be sent; for who sends any
 * @property {(message: SessionStarted) => void} started a session runs: the one before where it is `resumed`
 * @property {(message: ServerMessage) => void} message all others
 * @property {(frame: AudioFrame) => void} audio
 * @property {(trouble: Trouble, againAt: number | undefined) => void} lost with the time of performance.now() at
 *   which it is tried again; without one it is over
 * @property {() => void} ended the server has said its last word
 * @property {() => void} [pong] a ping was answered
 */

/** Unsent bytes above which no more audio is handed over: 1 s of it, so that a command soon gets through. */
const FULL_BYTES = 32_000;
const WATCH_MS = 1_000;
/** A session.started comes within the server's 10 s or never. */
const START_MS = 10_000;
/** A loss that is made good within this time is no trouble that anybody has to read, nor are waits as short as these. */
const QUIET_MS = 700;
const QUIET_WAIT_MS = 250;
/** Time that a try may take until another network is a reason for the next one. */
const SLOW_MS = 1_000;
/** Close codes: it is over, and the session with it; the connection is, and the session goes on at another one. */
const OVER = 1000;
const AWAY = 4000;
/** The session is not kept any more, or not for this page. */
const GONE = [4401, 4404, 4410];

export class Link {
  #url;
  #handlers;
  #patienceMs;
  /** @type {WebSocket | undefined} */
  #socket;
  #opened = 0;
  #started = 0;
  #met = false;
  #ticket = new Ticket();
  #resuming = false;
  /** @type {Trouble | undefined} told by the server before it closes */
  #told;
  #timer = 0;
  #telling = 0;
  #watching = 0;
  #watch = new Watch(0);

  /**
   * @param {string} url ws: or wss:
   * @param {Handlers} handlers
   * @param {number} [patienceMs] silence after which the connection counts as dead; a server that is sent a
   *   whole file does not read pings meanwhile
   */
  constructor(url, handlers, patienceMs = DEAD_MS) {
    this.#url = url;
    this.#handlers = handlers;
    this.#patienceMs = patienceMs;
  }

  get open() {
    return this.#started > 0;
  }

  /** Whether audio can be sent now. */
  get ready() {
    const socket = this.#socket;
    // One that is closing takes nothing any more, long before it says that it is closed.
    return this.open && socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < FULL_BYTES;
  }

  /** Connects now, also where it is waiting to, and goes on with the session where there is one. */
  connect() {
    this.#leave(AWAY);
    this.#told = undefined;
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    const watch = (this.#watch = new Watch(performance.now(), this.#patienceMs));
    this.#opened = performance.now();
    socket.onopen = () => this.#begin();
    socket.onmessage = ({ data }) => {
      watch.heard(performance.now());
      if (typeof data === "string") this.#take(decode(data));
      else this.#hear(data);
    };
    socket.onclose = ({ code }) => this.#closed(code);
    this.#watching = window.setInterval(() => this.#look(), WATCH_MS);
    window.addEventListener("online", this.#doubt);
    document.addEventListener("visibilitychange", this.#seen);
    network()?.addEventListener("change", this.#doubt);
  }

  /** Ends the session, if there is one, and begins another. */
  renew() {
    this.#ticket.tear();
    this.#leave(OVER);
    this.connect();
  }

  /** @param {ClientMessage} message */
  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(encode(message));
  }

  /** @param {Int16Array} pcm mono 16 kHz; only while `ready` */
  sendAudio(pcm) {
    this.#socket?.send(/** @type {Int16Array<ArrayBuffer>} */ (pcm));
  }

  /** Ends it for good; what is still to come of it is not wanted. */
  close() {
    this.#ticket.tear();
    window.clearTimeout(this.#telling);
    this.#leave(OVER);
    window.removeEventListener("online", this.#doubt);
    document.removeEventListener("visibilitychange", this.#seen);
    network()?.removeEventListener("change", this.#doubt);
  }

  #begin() {
    const resume = this.#ticket.resume(this.#handlers.held?.() ?? 0);
    this.#resuming = resume !== undefined;
    this.send({ ...this.#handlers.start(), resume });
  }

  #look() {
    const now = performance.now();
    if (this.open) this.#judge(this.#watch.judge(now));
    else if (now - this.#opened > START_MS) this.#closed(1006);
  }

  /** @param {"wait" | "ask" | "dead"} verdict */
  #judge(verdict) {
    if (verdict === "ask") this.send({ type: "ping" });
    else if (verdict === "dead") this.#closed(1006);
  }

  /** @param {ArrayBuffer} data */
  #hear(data) {
    try {
      const frame = unpackAudio(data);
      this.#ticket.heard(frame);
      this.#handlers.audio(frame);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#told = OLD_PAGE;
      this.#closed(1000);
    }
  }

  /** @param {ServerMessage | undefined} message */
  #take(message) {
    if (message === undefined) return;
    this.#ticket.heard(message);
    if (message.type === "pong") {
      this.#handlers.pong?.();
    } else if (message.type === "session.started") {
      this.#started = performance.now();
      this.#met = true;
      this.#ticket.take(message, this.#started);
      window.clearTimeout(this.#telling);
      this.#telling = 0;
      this.#handlers.started(message);
    } else if (message.type === "session.ended") {
      this.close();
      this.#handlers.ended();
    } else if (message.type === "error" && (message.fatal || !this.open)) {
      this.#told = ofError(message);
      // Refused before it began and left open by the server: there is nothing to wait for.
      if (!message.fatal) this.#closed(OVER);
    } else {
      this.#handlers.message(message);
    }
  }

  /** @param {number} code */
  #closed(code) {
    const trouble = this.#told ?? ofClose(code, this.#met);
    const refused = !this.open && this.#resuming;
    this.#ticket.lose(performance.now());
    this.#leave(AWAY);
    if (refused && (GONE.includes(code) || this.#refusedForGood(trouble))) return this.renew();
    if (!trouble.again) {
      this.close();
      this.#handlers.lost(trouble, undefined);
      return;
    }
    const wait = this.#ticket.waitMs(performance.now(), Math.random(), trouble.retryAfterMs);
    const again = performance.now() + wait;
    if (wait === 0) this.connect();
    else this.#timer = window.setTimeout(() => this.connect(), wait);
    if (wait <= QUIET_WAIT_MS) this.#telling ||= window.setTimeout(() => this.#handlers.lost(trouble, again), QUIET_MS);
    else this.#tell(trouble, again);
  }

  /**
   * @param {Trouble} trouble
   * @param {number} again
   */
  #tell(trouble, again) {
    window.clearTimeout(this.#telling);
    this.#handlers.lost(trouble, again);
  }

  /** Whether it is not the server or the network that is away, but the session. @param {Trouble} trouble */
  #refusedForGood(trouble) {
    return this.#told !== undefined && !trouble.again && trouble.code !== TAKEN_OVER.code && trouble !== OLD_PAGE;
  }

  /** Another network, a computer that woke up: what waits is tried now, what seems to stand is asked. */
  #doubt = () => {
    const now = performance.now();
    if (this.open) this.#judge(this.#watch.doubt(now));
    else if (this.#timer || now - this.#opened > SLOW_MS) this.connect();
  };

  #seen = () => document.hidden || this.#doubt();

  /** Lets go of the socket, which may take its time to notice that the other side is gone. @param {number} code */
  #leave(code) {
    window.clearTimeout(this.#timer);
    window.clearInterval(this.#watching);
    this.#timer = 0;
    this.#started = 0;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }
}

/** What tells that another network is used, in the browsers that tell it. */
function network() {
  return /** @type {Navigator & { connection?: EventTarget }} */ (navigator).connection;
}
