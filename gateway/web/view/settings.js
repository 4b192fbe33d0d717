/** The sheet of settings: each holds at once and is remembered. */

import { CHOOSES_SPEAKER } from "../audio/speaker.js";
import { devices, find } from "../audio/devices.js";
import { yielding } from "../preferences.js";
import { byId } from "./dom.js";
import { Look } from "./look.js";

/**
 * @typedef {import("../preferences.js").Choices} Choices
 * @typedef {import("../preferences.js").Device} Device
 * @typedef {object} Handlers
 * @property {() => void} adjusted volumes, the speaker, and what one's own speech does to it
 * @property {() => void} reopen the microphone and how it is treated
 * @property {() => void} recut the surroundings
 */

export class Settings {
  #sheet = byId("settings", HTMLDialogElement);
  #microphone = byId("microphone", HTMLSelectElement);
  #speaker = byId("speaker", HTMLSelectElement);
  #headphones = byId("headphones", HTMLInputElement);
  #cleanup = byId("cleanup", HTMLInputElement);
  #original = byId("original", HTMLInputElement);
  #volume = byId("volume", HTMLInputElement);
  #surroundings = byId("surroundings", HTMLSelectElement);
  /** Only on the pages where two talk with each other. @type {HTMLSelectElement | null} */
  #bargeIn = document.querySelector("select#barge-in");
  #preferences;
  #handlers;

  /**
   * @param {import("../preferences.js").Preferences} preferences
   * @param {Handlers} handlers
   */
  constructor(preferences, handlers) {
    this.#preferences = preferences;
    this.#handlers = handlers;
    byId("speaker-field", HTMLElement).hidden = !CHOOSES_SPEAKER;
    byId("open-settings", HTMLButtonElement).addEventListener("click", () => this.open());
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#listDevices());
    new Look(preferences);
    this.#listen();
    this.#show();
  }

  open() {
    this.#sheet.showModal();
    void this.#listDevices();
  }

  #listen() {
    const { adjusted, reopen, recut } = this.#handlers;
    /** @type {[HTMLElement, string, () => Partial<Choices>, (() => void)?][]} */
    const fields = [
      [this.#microphone, "change", () => ({ microphone: chosen(this.#microphone) }), reopen],
      [this.#speaker, "change", () => ({ speaker: chosen(this.#speaker) }), adjusted],
      [this.#headphones, "change", () => ({ headphones: this.#headphones.checked }), reopen],
      [this.#cleanup, "change", () => ({ cleanup: this.#cleanup.checked }), reopen],
      [this.#original, "input", () => ({ original: this.#original.valueAsNumber }), adjusted],
      [this.#volume, "input", () => ({ volume: this.#volume.valueAsNumber }), adjusted],
      [this.#surroundings, "change", () => ({ surroundings: level(this.#surroundings.value) }), recut],
    ];
    if (this.#bargeIn) fields.push([this.#bargeIn, "change", () => ({ bargeIn: manner(this.#bargeIn?.value) }), adjusted]);
    for (const [field, event, read, tell] of fields) {
      field.addEventListener(event, () => {
        this.#preferences.set(read());
        this.#fit();
        tell?.();
      });
    }
  }

  #show() {
    const { headphones, cleanup, original, volume, surroundings } = this.#preferences.choices;
    this.#headphones.checked = headphones;
    this.#cleanup.checked = cleanup;
    this.#original.valueAsNumber = original;
    this.#volume.valueAsNumber = volume;
    this.#surroundings.value = surroundings === null ? "" : String(surroundings);
    this.#fit();
    void this.#listDevices();
  }

  /** What depends on headphones. */
  #fit() {
    const { headphones } = this.#preferences.choices;
    if (this.#bargeIn) this.#bargeIn.value = yielding(this.#preferences.choices);
    this.#original.disabled = !headphones;
    byId("original-note", HTMLElement).hidden = headphones;
  }

  async #listDevices() {
    const { microphone, speaker } = this.#preferences.choices;
    list(this.#microphone, await devices("audioinput"), microphone);
    list(this.#speaker, await devices("audiooutput"), speaker);
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {Device[]} present
 * @param {Device | null} wanted kept in the list while it is away
 */
function list(select, present, wanted) {
  const found = find(wanted, present);
  const away = wanted && !found ? [new Option(`${wanted.label} (not connected)`, wanted.id, false, true)] : [];
  const options = present.map(({ id, label }) => new Option(label || "Unnamed", id, false, id === found?.id));
  select.replaceChildren(new Option("Default", "", false, !wanted), ...options, ...away);
}

/**
 * @param {HTMLSelectElement} select
 * @returns {Device | null}
 */
function chosen(select) {
  const option = select.selectedOptions[0];
  return option?.value ? { id: option.value, label: option.text.replace(/ \(not connected\)$/, "") } : null;
}

/** @param {string} value */
function level(value) {
  return value === "" ? null : Number(value);
}

/**
 * @param {string | undefined} value
 * @returns {Choices["bargeIn"]}
 */
function manner(value) {
  return value === "off" || value === "pause" || value === "stop" ? value : null;
}
