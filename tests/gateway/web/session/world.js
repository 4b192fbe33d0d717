// A page whose clock, timers and network are moved by hand.

/** Lets microtasks run. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A page whose clock and timers are moved by hand, and a network that remembers. */
export class World {
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

export class Socket {
  readyState = 1;
  bufferedAmount = 0;
  answers = true;
  /** @type {any[]} */
  said = [];
  /** @type {number | undefined} */
  code;
  pings = 0;
  audio = 0;
  /** @type {Int16Array[]} */
  sound = [];
  ended = false;
  /** @type {((event: { data: string | ArrayBuffer }) => void) | null} */
  onmessage = null;
  /** @type {((event: { code: number }) => void) | null} */
  onclose = null;
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
      this.sound.push(data);
      this.bufferedAmount += data.byteLength;
      return;
    }
    const message = JSON.parse(data);
    const { type } = message;
    this.said.push(message);
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

  /** @param {number} code */
  close(code) {
    this.readyState = 3;
    this.code = code;
  }

  /** The network or the server ends it. @param {number} code */
  drop(code) {
    this.onclose?.({ code });
  }
}

/** Puts a new world in the place of the page's own. */
export function inhabit() {
  const world = new World();
  for (const [name, value] of Object.entries(world.globals())) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return world;
}
