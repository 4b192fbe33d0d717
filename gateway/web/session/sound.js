/** Microphone and voice of a conversation, or the voice alone: opened within one tap, watched, and got back. */

import { Microphone } from "../audio/microphone.js";
import * as troubles from "../troubles.js";
import { Voice } from "./voice.js";

/**
 * @typedef {import("../preferences.js").Choices} Choices
 * @typedef {import("../audio/microphone.js").Heard} Heard
 * @typedef {object} OfMicrophone
 * @property {(frame: Heard) => void} frame
 * @property {() => void} gone the device is; no sample will end the sentence any more
 * @property {(trouble: import("../troubles.js").Trouble | undefined) => void} deaf nothing is heard, or is again
 *
 * @typedef {OfMicrophone & import("./voice.js").Handlers} Handlers
 */

/** A microphone that is on is never perfectly silent; 6 s in frames of 20 ms. */
const NO_SOUND_FRAMES = 300;

export class Sound {
  #transcript;
  #handlers;
  #audible;
  #spoken;
  /** @type {Microphone | undefined} */
  #microphone;
  /** @type {Voice | undefined} */
  #voice;
  /** @type {import("../troubles.js").Trouble | undefined} */
  #trouble;
  #silentFrames = 0;
  #muted = false;

  /**
   * @param {import("./voice.js").Spoken} transcript
   * @param {Handlers} handlers
   * @param {boolean} audible false: there is no voice
   * @param {boolean} [spoken] false: there is no microphone
   */
  constructor(transcript, handlers, audible, spoken = true) {
    this.#transcript = transcript;
    this.#handlers = handlers;
    this.#audible = audible;
    this.#spoken = spoken;
  }

  /** What is heard; undefined while nothing is, and where only captions are wanted. */
  get voice() {
    return this.#voice;
  }

  /** Why nothing is heard. */
  get trouble() {
    return this.#trouble;
  }

  /**
   * To be called within a tap or key.
   * @param {Choices} choices
   * @returns {Promise<boolean>} false where it was closed meanwhile
   * @throws {DOMException} there is no microphone; all is closed again
   */
  async open(choices) {
    this.#trouble = undefined;
    this.#silentFrames = 0;
    const microphone = (this.#microphone = this.#spoken ? new Microphone(this.#ofMicrophone) : undefined);
    const voice = (this.#voice = this.#audible ? new Voice(this.#transcript, this.#ofVoice) : undefined);
    microphone?.mute(this.#muted);
    try {
      await Promise.all([microphone?.open(choices), voice?.open()]);
    } catch (error) {
      // A question that is answered after it was taken back is nobody's trouble any more.
      if (this.#microphone !== microphone || this.#voice !== voice) return false;
      this.close();
      throw error;
    }
    if (this.#microphone !== microphone || this.#voice !== voice) return false;
    this.adjust(choices);
    return true;
  }

  /** Another microphone, or another treatment of it. @param {Choices} choices */
  async reopen(choices) {
    if (!this.#microphone) return;
    try {
      await this.#microphone.open(choices);
      this.#silentFrames = 0;
      this.#tell(undefined);
    } catch (error) {
      this.#tell(troubles.ofMicrophone(error));
    }
  }

  /** Tries again what was refused: a microphone, or to sound at all. @param {Choices} choices */
  async retry(choices) {
    if (this.#trouble?.act === "retry" && this.#trouble !== troubles.SUSPENDED) await this.reopen(choices);
    await this.wake();
  }

  /** Takes over volumes and the speaker. @param {Choices} choices */
  adjust(choices) {
    this.#voice?.adjust(choices);
    this.#microphone?.playOriginal(choices.headphones ? choices.original / 100 : 0);
  }

  /** Until it is closed, also where it is opened only then. @param {boolean} on */
  mute(on) {
    this.#muted = on;
    this.#microphone?.mute(on);
  }

  /** Goes on after the browser stopped the sound, as it does in the background. */
  async wake() {
    const running = await Promise.all([this.#microphone?.wake(), this.#voice?.wake()]);
    if (!running.includes(false) && this.#trouble === troubles.SUSPENDED) this.#tell(undefined);
  }

  closeMicrophone() {
    this.#microphone?.close();
    this.#microphone = undefined;
    this.#voice?.alone();
    this.#muted = false;
  }

  close() {
    this.closeMicrophone();
    this.#voice?.close();
    this.#voice = undefined;
  }

  /** @param {import("../troubles.js").Trouble | undefined} trouble */
  #tell(trouble) {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#handlers.deaf(trouble);
  }

  /** The microphone tells it where there is one. */
  get #ofVoice() {
    return this.#spoken ? this.#handlers : { ...this.#handlers, allowed: this.#allowed };
  }

  /** @param {boolean} running */
  #allowed = (running) => {
    if (!running) this.#tell(troubles.SUSPENDED);
    else if (this.#trouble === troubles.SUSPENDED) this.#tell(undefined);
  };

  /** @type {import("../audio/microphone.js").Handlers} */
  #ofMicrophone = {
    frame: (frame) => {
      this.#silentFrames = frame.peak === 0 ? this.#silentFrames + 1 : 0;
      if (this.#silentFrames === NO_SOUND_FRAMES) this.#tell(troubles.NO_SOUND);
      else if (this.#silentFrames === 0 && this.#trouble === troubles.NO_SOUND) this.#tell(undefined);
      this.#voice?.overhear(this.#muted ? 0 : frame.rms, frame.at);
      this.#handlers.frame(frame);
    },
    lost: () => {
      this.#voice?.alone();
      this.#handlers.gone();
      this.#tell(troubles.UNPLUGGED);
    },
    regained: (label) => {
      this.#tell(undefined);
      this.#handlers.notice(`Listening with ${label || "the microphone"}.`);
    },
    suspended: () => {
      this.#voice?.alone();
      this.#tell(troubles.SUSPENDED);
    },
    running: () => void this.wake(),
  };
}
