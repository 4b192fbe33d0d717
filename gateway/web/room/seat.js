/** One's place in a room: hears, perhaps speaks, and comes back by itself through whatever the network does. */

import { Link } from "../session/link.js";
import { tell } from "../session/notices.js";
import { Sound } from "../session/sound.js";
import * as troubles from "../troubles.js";
import { streamUrl } from "./api.js";
import { Ears } from "./ears.js";
import { Mouth } from "./mouth.js";
import { bargeIn, changedMeanwhile, cut, sessionStart } from "./start.js";
import { NO_VOICE, OLD_SERVER, ROOM } from "./troubles.js";

/**
 * @typedef {import("../preferences.js").Choices} Choices
 * @typedef {import("../protocol.js").ServerMessage} ServerMessage
 * @typedef {import("../troubles.js").Trouble} Trouble
 * @typedef {import("../session/talk.js").State} State
 * @typedef {import("./conversation.js").Change} Change
 * @typedef {import("./start.js").Wish} Wish
 * @typedef {object} Told
 * @property {(state: State) => void} state
 * @property {(trouble: Trouble | undefined, againAt?: number) => void} trouble undefined: all is well
 * @property {(change: Change) => void} lines
 * @property {(people: import("./api.js").People) => void} people
 * @property {(language: string) => void} [language] the one that is heard now
 * @property {(ms: number) => void} [delay] from the end of speech to the ear, of the last sentences
 * @property {(level: number) => void} [level] of each 20 ms of the microphone, 0 to 1
 *
 * @typedef {Told & import("../session/notices.js").Handlers} Handlers
 */

export class Seat {
  #conversation;
  #choices;
  #handlers;
  #sound;
  #speaks;
  #wish;
  #ears;
  #mouth = new Mouth();
  /** @type {Link | undefined} */
  #link;
  /** @type {State} */
  #state = "idle";
  /** Whether there should be a voice, and cannot. */
  #silent;

  /**
   * @param {import("./conversation.js").Conversation} conversation
   * @param {Wish} wish
   * @param {Choices} choices
   * @param {Handlers} handlers
   * @param {{ captions?: boolean }} [options] captions: nothing is to be heard
   */
  constructor(conversation, wish, choices, handlers, { captions = false } = {}) {
    this.#conversation = conversation;
    this.#wish = wish;
    this.#choices = choices;
    this.#handlers = handlers;
    this.#speaks = wish.role !== "listener";
    const audible = wish.role !== "speaker" && !captions;
    const able = typeof AudioWorkletNode !== "undefined";
    this.#ears = new Ears(conversation, { shown: (id) => this.#show(id), delay: (ms) => handlers.delay?.(ms) });
    this.#sound = new Sound(this.#ears.spoken, this.#ofSound, audible && able, this.#speaks);
    this.#silent = audible && !able;
  }

  get state() {
    return this.#state;
  }

  /** What can be turned while it runs. */
  get sound() {
    return this.#sound;
  }

  /** Joins, within a tap or key where something is to sound. */
  async join() {
    if (this.#state !== "idle") return;
    if (this.#speaks && !window.isSecureContext) return this.#handlers.trouble(troubles.INSECURE);
    if (this.#speaks && this.#silent) return this.#handlers.trouble(troubles.OLD_BROWSER);
    this.#to("starting");
    try {
      if (!(await this.#sound.open(this.#choices))) return;
    } catch (error) {
      return this.#over(this.#speaks ? troubles.ofMicrophone(error) : troubles.NO_SERVER);
    }
    this.#link = new Link(streamUrl(), this.#ofLink);
    this.#link.connect();
  }

  /** Leaves; what one said before is still translated. Asked twice, it is over at once. */
  leave() {
    // Who only listens has heard enough.
    if (!this.#speaks || (this.#state !== "live" && this.#state !== "waiting")) return this.close();
    this.#sound.closeMicrophone();
    this.#sound.voice?.hold(false);
    this.#to("ending");
    this.#mouth.end();
  }

  /** It is over at once: nothing more of it is wanted. */
  close() {
    if (this.#state !== "idle") this.#over();
  }

  /** Tries again now what waits: a connection, a microphone, or sound that the browser stopped. */
  async retry() {
    if (this.#link && !this.#link.open) this.#link.connect();
    await this.#sound.retry(this.#choices);
  }

  /** Speaks another language from the next sentence on, or hears another one. @param {Partial<Wish>} changed */
  turn(changed) {
    this.#wish = { ...this.#wish, ...changed };
    const { source, language } = changed;
    // A session that is still to come begins with it.
    if (!this.#link?.open) return;
    this.#link.send({
      type: "session.update",
      source: source ? { language: source } : undefined,
      targets: language ? [{ language }] : undefined,
    });
  }

  /** Cuts here: translates what was said so far. */
  commit() {
    this.#link?.send({ type: "segment.commit" });
  }

  /** Takes over volumes, the speaker, and what one's own speech does to it. @param {Choices} choices */
  adjust(choices) {
    this.#choices = choices;
    this.#sound.adjust(choices);
    this.#sound.voice?.yields(bargeIn(this.#wish, choices));
  }

  /** Another care in cutting. @param {Choices} choices */
  recut(choices) {
    this.#choices = choices;
    this.#link?.send({ type: "session.update", vad: cut(choices) ?? {} });
  }

  /** Another microphone, or another treatment of it. @param {Choices} choices */
  async reopen(choices) {
    this.adjust(choices);
    await this.#sound.reopen(choices);
  }

  /** @param {State} state */
  #to(state) {
    this.#state = state;
    this.#handlers.state(state);
  }

  /** @param {Trouble} [trouble] */
  #over(trouble) {
    this.#mouth.close();
    this.#link?.close();
    this.#link = undefined;
    this.#sound.close();
    this.#handlers.lines(this.#conversation.close());
    this.#to("idle");
    this.#handlers.trouble(trouble);
  }

  /** @type {import("../session/sound.js").Handlers} */
  #ofSound = {
    frame: ({ pcm, rms, at }) => {
      this.#mouth.push(pcm, at);
      this.#handlers.level?.(rms);
    },
    gone: () => this.commit(),
    // A lost connection is told first; this is told when it is back.
    deaf: (trouble) => {
      if (this.#state === "live") this.#handlers.trouble(trouble);
    },
    send: (message) => this.#link?.send(message),
    since: (line, at) => this.#ears.since(line, at),
    heard: (line) => this.#show(line.id),
    notice: (text) => this.#handlers.notice(text),
  };

  /** @type {ConstructorParameters<typeof Link>[1]} */
  #ofLink = {
    start: () => sessionStart(this.#wish, this.#choices, this.#sound.voice?.rate),
    held: () => this.#mouth.held,
    started: (message) => {
      // It has begun a session of the one who speaks alone.
      if (message.config.room === undefined) return this.#over(OLD_SERVER);
      this.#handlers.lines(this.#conversation.apply(message));
      this.#handlers.language?.(this.#conversation.language);
      this.#sound.voice?.begin(message, bargeIn(this.#wish, this.#choices));
      if (this.#state !== "ending") this.#to("live");
      this.#handlers.trouble(this.#sound.trouble ?? (this.#silent ? NO_VOICE : undefined));
      for (const lost of this.#link ? this.#mouth.begin(this.#link, message) : []) this.#handlers.notice(lost);
      const missed = changedMeanwhile(this.#wish, message.config);
      if (missed) this.turn(missed);
    },
    message: (message) => this.#message(message),
    audio: (frame) => {
      if (this.#sound.voice) this.#ears.hear(frame, this.#sound.voice, performance.now());
    },
    lost: (trouble, againAt) => {
      if (againAt === undefined) return this.#over(trouble);
      if (this.#state !== "ending") this.#to("waiting");
      this.#sound.voice?.alone();
      this.#handlers.trouble(trouble, againAt);
    },
    ended: () => {
      if (!this.#mouth.endSaid) return this.#over(ROOM.room_ended);
      const { voice } = this.#sound;
      // Not a seat that was taken meanwhile.
      if (voice) voice.finish(() => voice === this.#sound.voice && this.#over());
      else this.#over();
    },
    pong: () => this.#ears.answered(performance.now()),
  };

  /** @param {ServerMessage} message */
  #message(message) {
    if (message.type === "room.updated") return this.#handlers.people(message);
    if (message.type === "audio.ack") return this.#mouth.follow(message);
    if (message.type === "error") return this.#refused(message);
    this.#sound.voice?.follow(message);
    if (tell(message, this.#handlers)) return;
    const change = this.#conversation.apply(message);
    this.#ears.follow(message, this.#sound.voice);
    if (message.type === "audio.start") this.#ears.ask(performance.now(), () => this.#link?.send({ type: "ping" }));
    if (message.type === "session.updated") this.#handlers.language?.(this.#conversation.language);
    this.#handlers.lines(change);
  }

  /** A wish that cannot be had is taken back. @param {import("../protocol.js").ServerError} error */
  #refused(error) {
    const { language } = this.#conversation;
    this.#wish = { ...this.#wish, language };
    this.#handlers.language?.(language);
    this.#handlers.notice(`${error.message} ${error.hint ?? ""}`);
  }

  /** @param {number} id of a line */
  #show(id) {
    const line = this.#conversation.byId(id);
    if (line) this.#handlers.lines({ changed: [line], withdrawn: [] });
  }
}
