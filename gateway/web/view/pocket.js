/**
 * Goes on in a locked phone: a page whose sound is a media element of its own keeps running in the background and
 * has a card on the lock screen, with a button to hold the speech.
 */

import { wav } from "../audio/wav.js";

const RATE = 8_000;
/** Browsers show nothing on the lock screen for a sound of less than 5 s. */
const SECONDS = 10;

/** @typedef {{ hold: (on: boolean) => void, leave: () => void }} Handlers */

export class Pocket {
  #handlers;
  #url = "";
  /** @type {HTMLAudioElement | undefined} */
  #silence;

  /** @param {Handlers} handlers what the lock screen's buttons do */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /**
   * To be called within a tap or key.
   * @param {string} title
   * @param {string} language
   */
  begin(title, language) {
    if (!this.#silence) {
      this.#url = URL.createObjectURL(new Blob([wav(new Int16Array(RATE * SECONDS), RATE)], { type: "audio/wav" }));
      this.#silence = new Audio(this.#url);
      this.#silence.loop = true;
    }
    this.hold(false);
    this.describe(title, language);
    for (const [action, act] of this.#actions) navigator.mediaSession?.setActionHandler(action, act);
  }

  /**
   * What stands on the lock screen.
   * @param {string} title
   * @param {string} language
   */
  describe(title, language) {
    if (!navigator.mediaSession || typeof MediaMetadata === "undefined") return;
    navigator.mediaSession.metadata = new MediaMetadata({ title, artist: language, album: "speechbridge" });
  }

  /** The speech is held, or goes on. @param {boolean} on */
  hold(on) {
    // Stopped by a call or another program, it may not begin again by itself; the speech does.
    if (on) this.#silence?.pause();
    else void this.#silence?.play().catch(() => {});
    if (navigator.mediaSession) navigator.mediaSession.playbackState = on ? "paused" : "playing";
  }

  end() {
    this.#silence?.pause();
    this.#silence = undefined;
    URL.revokeObjectURL(this.#url);
    if (!navigator.mediaSession) return;
    for (const [action] of this.#actions) navigator.mediaSession.setActionHandler(action, null);
    navigator.mediaSession.playbackState = "none";
    navigator.mediaSession.metadata = null;
  }

  /** @type {[MediaSessionAction, () => void][]} */
  #actions = [
    ["play", () => this.#handlers.hold(false)],
    ["pause", () => this.#handlers.hold(true)],
    ["stop", () => this.#handlers.leave()],
  ];
}
