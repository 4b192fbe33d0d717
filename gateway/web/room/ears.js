/** What is heard in a room: which piece of speech is of which line, and how long after it was said it is heard. */

import { Delay } from "./delay.js";
import { Speeches } from "./speech.js";

/**
 * @typedef {import("../session/voice.js").Voice} Voice
 * @typedef {object} Handlers
 * @property {(id: number) => void} shown a line has changed
 * @property {(ms: number) => void} delay from the end of speech to the ear, of the last sentences
 */

/** How often the way there and back is measured, while sentences are heard. */
const ASK_MS = 30_000;

export class Ears {
  #conversation;
  #handlers;
  #speeches = new Speeches();
  #delay = new Delay();
  #askedAt = -Infinity;
  #asking = false;

  /**
   * @param {import("./conversation.js").Conversation} conversation
   * @param {Handlers} handlers
   */
  constructor(conversation, handlers) {
    this.#conversation = conversation;
    this.#handlers = handlers;
  }

  /** The lines as a voice knows them: by the key of their speech. @type {import("../session/voice.js").Spoken} */
  spoken = {
    line: (segment) => this.#conversation.line(segment),
    byId: (key) => this.#conversation.byId(this.#speeches.byKey(key)?.line ?? 0),
    heard: (key, ms) => {
      const line = this.#speeches.byKey(key)?.line;
      if (line !== undefined && ms !== undefined) this.#tell(line, ms);
    },
  };

  /**
   * Takes what the server said, after the conversation did.
   * @param {import("../protocol.js").ServerMessage} message
   * @param {Voice | undefined} voice
   */
  follow(message, voice) {
    if (message.type === "audio.start") this.#announce(message);
    else if (message.type === "segment.done") this.#served(message);
    else if (message.type === "session.updated") this.#turn(voice);
  }

  /**
   * @param {import("../wire.js").AudioFrame} frame
   * @param {Voice} voice
   * @param {number} now ms
   */
  hear(frame, voice, now) {
    const speech = this.#speeches.of(frame);
    if (!speech) return;
    this.#delay.arrived(speech.line, now);
    voice.say(speech.key, frame);
  }

  /**
   * When the first sample of a line left the loudspeaker: how long after the end of its speech, if that is known.
   * @param {{ id: number }} line
   * @param {number} at ms of the same clock
   */
  since(line, at) {
    return this.#delay.heard(line.id, at);
  }

  /** @param {import("../protocol.js").AudioStart} message */
  #announce(message) {
    const line = this.#conversation.line(message.segment);
    if (line) this.#speeches.begin(line.id, message);
  }

  /** The server has told how long it took. @param {import("../protocol.js").SegmentDone} message */
  #served({ segment, timings_ms: timings }) {
    const line = this.#conversation.line(segment);
    const ms = line && !line.own ? this.#delay.served(line.id, timings.first_audio) : undefined;
    if (line && ms !== undefined) this.#tell(line.id, ms);
  }

  /** Another language is heard: what is left of the one before is not. @param {Voice | undefined} voice */
  #turn(voice) {
    const others = this.#speeches.others(this.#conversation.language);
    voice?.drop(others.map(({ key }) => ({ id: key })));
  }

  /**
   * Asks the server for a sign now and then, to know how far away it is.
   * @param {number} now ms
   * @param {() => void} ping
   */
  ask(now, ping) {
    if (now - this.#askedAt < ASK_MS) return;
    this.#askedAt = now;
    this.#asking = true;
    ping();
  }

  /** The sign came; one that was asked for by others tells nothing. @param {number} now ms */
  answered(now) {
    if (this.#asking) this.#delay.roundTrip(now - this.#askedAt);
    this.#asking = false;
  }

  /**
   * @param {number} id of a line
   * @param {number} ms
   */
  #tell(id, ms) {
    this.#conversation.heard(id, ms);
    this.#handlers.shown(id);
    const { typicalMs } = this.#delay;
    if (typicalMs !== undefined) this.#handlers.delay(typicalMs);
  }
}
