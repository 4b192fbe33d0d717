/** One session with the gateway, opened again as often as the network takes it away. */

import { OLD_PAGE, ofClose, ofError } from "../troubles.js";
import { decode, encode, SUBPROTOCOL, unpackAudio, WireError } from "../wire.js";
import { DEAD_MS, waitMs, Watch } from "./retry.js";

/**
 * @typedef {import("../protocol.js").ClientMessage} ClientMessage
 * @typedef {import("../protocol.js").ServerMessage} ServerMessage
 * @typedef {import("../protocol.js").SessionStart} SessionStart
 * @typedef {import("../protocol.js").SessionStarted} SessionStarted
 * @typedef {import("../wire.js").AudioFrame} AudioFrame
 * @typedef {import("../troubles.js").Trouble} Trouble
 * @typedef {object} Handlers
 * @property {() => SessionStart} start says how each connection begins
 * @property {(message: SessionStarted) => void} started
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
/** Time a session must have run for its loss to be the first again: a server that drops at once is not hurried. */
const STABLE_MS = 5_000;

export class Link {
  #url;
  #handlers;
  #patienceMs;
  /** @type {WebSocket | undefined} */
  #socket;
  #started = 0;
  #met = false;
  #attempt = 0;
  /** @type {Trouble | undefined} told by the server before it closes */
  #told;
  #timer = 0;
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

  /** Connects now, also where it is waiting to. */
  connect() {
    this.#leave();
    this.#told = undefined;
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    const watch = (this.#watch = new Watch(performance.now(), this.#patienceMs));
    const opened = performance.now();
    socket.onopen = () => this.send(this.#handlers.start());
    socket.onmessage = ({ data }) => {
      watch.heard(performance.now());
      if (typeof data === "string") this.#take(decode(data));
      else this.#hear(data);
    };
    socket.onclose = ({ code }) => this.#closed(code);
    this.#watching = window.setInterval(() => {
      const now = performance.now();
      if (!this.open && now - opened > START_MS) this.#closed(1006);
      else if (this.open) this.#judge(watch.judge(now));
    }, WATCH_MS);
    window.addEventListener("online", this.#doubt);
    document.addEventListener("visibilitychange", this.#seen);
    network()?.addEventListener("change", this.#doubt);
  }

  /** @param {ClientMessage} message */
  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(encode(message));
  }

  /** @param {Int16Array} pcm mono 16 kHz; only while `ready` */
  sendAudio(pcm) {
    this.#socket?.send(/** @type {Int16Array<ArrayBuffer>} */ (pcm));
  }

  /** Ends it for good, without a word to the server. */
  close() {
    this.#leave();
    window.removeEventListener("online", this.#doubt);
    document.removeEventListener("visibilitychange", this.#seen);
    network()?.removeEventListener("change", this.#doubt);
  }

  /** @param {"wait" | "ask" | "dead"} verdict */
  #judge(verdict) {
    if (verdict === "ask") this.send({ type: "ping" });
    else if (verdict === "dead") this.#closed(1006);
  }

  /** @param {ArrayBuffer} data */
  #hear(data) {
    try {
      this.#handlers.audio(unpackAudio(data));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#told = OLD_PAGE;
      this.#closed(1000);
    }
  }

  /** @param {ServerMessage | undefined} message */
  #take(message) {
    if (message === undefined) return;
    if (message.type === "pong") {
      this.#handlers.pong?.();
    } else if (message.type === "session.started") {
      this.#started = performance.now();
      this.#met = true;
      this.#handlers.started(message);
    } else if (message.type === "session.ended") {
      this.close();
      this.#handlers.ended();
    } else if (message.type === "error" && (message.fatal || !this.open)) {
      this.#told = ofError(message);
      // Refused before it began and left open by the server: there is nothing to wait for.
      if (!message.fatal) this.#closed(1000);
    } else {
      this.#handlers.message(message);
    }
  }

  /** @param {number} code */
  #closed(code) {
    const trouble = this.#told ?? ofClose(code, this.#met);
    if (this.open && performance.now() - this.#started > STABLE_MS) this.#attempt = 0;
    this.#leave();
    if (!trouble.again) {
      this.close();
      this.#handlers.lost(trouble, undefined);
      return;
    }
    const wait = waitMs(this.#attempt++, Math.random(), trouble.retryAfterMs);
    this.#timer = window.setTimeout(() => this.connect(), wait);
    this.#handlers.lost(trouble, performance.now() + wait);
  }

  /** Another network, a computer that woke up: what waits is tried now, what seems to stand is asked. */
  #doubt = () => {
    if (this.#timer) this.connect();
    else if (this.open) this.#judge(this.#watch.doubt(performance.now()));
  };

  #seen = () => document.hidden || this.#doubt();

  /** Lets go of the socket, which may take its time to notice that the other side is gone. */
  #leave() {
    window.clearTimeout(this.#timer);
    window.clearInterval(this.#watching);
    this.#timer = 0;
    this.#started = 0;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/** What tells that another network is used, in the browsers that tell it. */
function network() {
  return /** @type {Navigator & { connection?: EventTarget }} */ (navigator).connection;
}

/** The address of the stream beside this page. */
export function streamUrl() {
  const url = new URL("v1/stream", document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = url.hash = "";
  return url.href;
}
