/** A live conversation: microphone to gateway, captions and speech back, through whatever the network does. */

import * as troubles from "../troubles.js";
import { Course } from "./course.js";
import { Link } from "./link.js";
import { Sound } from "./sound.js";
import { tell } from "./notices.js";
import { bargeIn, holds, languages, sessionStart, streamUrl } from "./start.js";

/**
 * @typedef {import("./start.js").Wish} Wish
 * @typedef {import("../protocol.js").ServerMessage} ServerMessage
 * @typedef {import("../troubles.js").Trouble} Trouble
 * @typedef {import("./transcript.js").Change} Change
 * @typedef {"idle" | "starting" | "live" | "waiting" | "ending"} State
 * @typedef {object} Told
 * @property {(state: State) => void} state
 * @property {(trouble: Trouble | undefined, againAt?: number) => void} trouble undefined: all is well
 * @property {(change: Change) => void} lines
 * @property {(level: number) => void} level of each 20 ms, 0 to 1
 *
 * @typedef {Told & import("./notices.js").Handlers} Handlers
 */

const PUMP_MS = 50;

export class Talk {
  #transcript;
  #handlers;
  /** @type {State} */
  #state = "idle";
  #choices;
  #sound;
  #course;
  /** @type {Link | undefined} */
  #link;
  #losses = 0;
  #endSaid = false;
  #pumping = 0;

  /**
   * @param {import("./transcript.js").Transcript} transcript
   * @param {Wish} choices
   * @param {Handlers} handlers
   * @param {{audible: boolean}} options audible false: captions only
   */
  constructor(transcript, choices, handlers, { audible }) {
    this.#transcript = transcript;
    this.#choices = choices;
    this.#handlers = handlers;
    this.#course = new Course(transcript);
    this.#sound = new Sound(transcript, this.#ofSound, audible);
  }

  get state() {
    return this.#state;
  }

  /** How often the connection was lost in this visit. */
  get losses() {
    return this.#losses;
  }

  /** What can be turned while it runs. */
  get sound() {
    return this.#sound;
  }

  /** Starts within a tap or key. */
  async start() {
    if (this.#state !== "idle") return;
    if (!window.isSecureContext) return this.#handlers.trouble(troubles.INSECURE);
    if (typeof AudioWorkletNode === "undefined") return this.#handlers.trouble(troubles.OLD_BROWSER);
    this.#endSaid = false;
    this.#course.restart();
    this.#to("starting");
    try {
      if (!(await this.#sound.open(this.#choices))) return;
    } catch (error) {
      return this.#over(troubles.ofMicrophone(error));
    }
    this.#course.openPart(this.#choices);
    this.#link = new Link(streamUrl(), this.#ofLink);
    this.#link.connect();
  }

  /** Translates what was said, then ends; asked twice, it ends at once. */
  stop() {
    if (this.#state === "ending" || this.#state === "starting") return this.#over();
    if (this.#state === "idle") return;
    this.#sound.voice?.hold(false);
    this.#sound.closeMicrophone();
    this.#to("ending");
    this.#pumping = window.setInterval(() => this.#pump(), PUMP_MS);
    this.#pump();
  }

  /** Tries again now what waits: a connection, a microphone, or sound that the browser stopped. */
  async retry() {
    if (this.#link && !this.#link.open) this.#link.connect();
    await this.#sound.retry(this.#choices);
  }

  /** Cuts here: translates what was said so far. */
  commit() {
    this.#link?.send({ type: "segment.commit" });
  }

  /** Takes over volumes, the speaker, and what one's own speech does to it. @param {Wish} choices */
  adjust(choices) {
    this.#choices = choices;
    this.#sound.adjust(choices);
    this.#sound.voice?.yields(bargeIn(choices));
  }

  /** Takes over another microphone, or how it is treated. @param {Wish} choices */
  async reopen(choices) {
    this.adjust(choices);
    await this.#sound.reopen(choices);
  }

  /** Another care in cutting, from the sentence on that is in work. @param {Wish} choices */
  recut(choices) {
    this.#choices = choices;
    if (this.#link?.open) this.#link.renew();
  }

  /** Other languages, from the sentence on that is in work. @param {Wish} choices */
  change(choices) {
    this.#choices = choices;
    if (this.#state !== "live" && this.#state !== "waiting") return;
    this.#show(this.#course.lose());
    this.#course.openPart(choices);
    this.#link?.renew();
  }

  /** Who speaks now: what was said before is translated as it was meant. @param {Wish} choices */
  turn(choices) {
    this.#choices = choices;
    this.#course.turn(choices);
    this.#link?.send({ type: "segment.commit" });
    this.#link?.send({ type: "session.update", ...languages(choices) });
  }

  /** Whether the speech of a line that failed is still here. @param {number} id */
  canRescue(id) {
    return this.#course.canRescue(id);
  }

  /** Sends the speech of a line that failed once more. @param {number} id */
  rescue(id) {
    this.#course.rescue(id, this.#choices, this.#sound.voice, this.#handlers);
  }

  /** @param {State} state */
  #to(state) {
    this.#state = state;
    this.#handlers.state(state);
  }

  /** @param {Trouble} [trouble] */
  #over(trouble) {
    window.clearInterval(this.#pumping);
    this.#link?.close();
    this.#link = undefined;
    this.#sound.close();
    this.#show(this.#transcript.close());
    this.#to("idle");
    this.#handlers.trouble(trouble);
  }

  /** Hands on what was recorded, and says the end after the last of it. */
  #pump() {
    if (!this.#link?.open) return;
    this.#course.recording.sendTo(this.#link);
    if (this.#state !== "ending" || this.#course.recording.waiting || this.#endSaid) return;
    this.#endSaid = true;
    this.#link.send({ type: "session.end" });
  }

  /** @param {Change} change lines withdrawn are not to be heard either */
  #show(change) {
    this.#sound.voice?.drop(change.withdrawn);
    this.#handlers.lines(change);
  }

  /** @type {import("./sound.js").Handlers} */
  #ofSound = {
    frame: ({ pcm, rms, at }) => {
      this.#course.recording.push(pcm, at);
      this.#handlers.level(rms);
      this.#pump();
    },
    gone: () => this.commit(),
    // A lost connection is told first; this is told when it is back.
    deaf: (trouble) => {
      if (this.#state === "live") this.#handlers.trouble(trouble);
    },
    send: (message) => this.#link?.send(message),
    since: (line, at) => this.#course.recording.since(line, at),
    heard: (line) => this.#handlers.lines({ changed: [line], withdrawn: [] }),
    notice: (text) => this.#handlers.notice(text),
  };

  /** @type {ConstructorParameters<typeof Link>[1]} */
  #ofLink = {
    start: () => sessionStart(this.#choices, this.#sound.voice?.rate),
    held: () => this.#course.recording.held,
    started: (message) => {
      this.#show(this.#course.started(message));
      if (message.resumed && this.#state === "live") this.#losses += 1;
      if (!holds(this.#choices, message.config)) this.turn(this.#choices);
      this.#endSaid = false;
      this.#sound.voice?.begin(message, bargeIn(this.#choices));
      if (this.#state !== "ending") this.#to("live");
      this.#handlers.trouble(this.#sound.trouble);
      const lost = this.#course.recording.takeLost();
      if (lost > 0) this.#handlers.notice(`${Math.ceil(lost)} s of what you said could not be kept.`);
      this.#pump();
    },
    message: (message) => this.#message(message),
    audio: (frame) => this.#sound.voice?.play(frame),
    lost: (trouble, againAt) => {
      if (againAt === undefined) return this.#over(trouble);
      if (this.#state === "live") this.#losses += 1;
      if (this.#state !== "ending") this.#to("waiting");
      this.#sound.voice?.alone();
      this.#handlers.trouble(trouble, againAt);
    },
    ended: () => {
      const { voice } = this.#sound;
      // Not a conversation that was begun meanwhile.
      if (voice) voice.finish(() => voice === this.#sound.voice && this.#over());
      else this.#over();
    },
  };

  /** @param {ServerMessage} message */
  #message(message) {
    this.#sound.voice?.follow(message);
    if (!tell(message, this.#handlers)) this.#show(this.#course.take(message));
  }
}
