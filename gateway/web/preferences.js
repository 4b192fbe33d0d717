/** What the user chose last time, kept in this browser. */

const KEY = "speechbridge";

/**
 * @typedef {{id: string, label: string}} Device
 * @typedef {object} Choices
 * @property {string} source tag of the language spoken
 * @property {string} target tag of the language heard
 * @property {Device | null} microphone null: the browser's default
 * @property {Device | null} speaker
 * @property {boolean} headphones true turns echo cancellation off
 * @property {boolean} cleanup noise suppression and automatic gain
 * @property {import("./protocol.js").BargeIn | null} bargeIn what one's own speech does to speech that is heard, where
 *   two talk with each other; null: what fits the headphones
 * @property {number} volume of the translation, 0 to 100
 * @property {number} original volume of the own voice, 0 to 100
 * @property {number | null} surroundings aggressiveness of the VAD, 0 to 3; null: as the server is set
 * @property {number} size of the captions in percent
 * @property {"auto" | "light" | "dark"} theme
 * @property {string} hears tag of the language that was listened in last in a room, empty before the first
 * @property {string} name by which others in a room know one
 */

/** @type {Choices} */
const DEFAULTS = {
  source: "en",
  target: "es",
  microphone: null,
  speaker: null,
  headphones: false,
  cleanup: true,
  bargeIn: null,
  volume: 100,
  original: 0,
  surroundings: null,
  size: 100,
  theme: "auto",
  hears: "",
  name: "",
};

export class Preferences {
  #storage;
  /** @type {Choices} */
  #choices;

  /** @param {Pick<Storage, "getItem" | "setItem"> | undefined} storage undefined where the browser forbids it */
  constructor(storage) {
    this.#storage = storage;
    this.#choices = { ...DEFAULTS, ...read(storage) };
  }

  /** @returns {Readonly<Choices>} */
  get choices() {
    return this.#choices;
  }

  /** @param {Partial<Choices>} changed */
  set(changed) {
    this.#choices = { ...this.#choices, ...changed };
    try {
      this.#storage?.setItem(KEY, JSON.stringify(this.#choices));
    } catch {
      // A full or forbidden storage costs the memory of choices, nothing else.
    }
  }
}

/**
 * @param {Pick<Storage, "getItem"> | undefined} storage
 * @returns {Partial<Choices>} only what has the type of its default
 */
function read(storage) {
  /** @type {unknown} */
  let kept;
  try {
    kept = JSON.parse(storage?.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
  if (typeof kept !== "object" || kept === null) return {};
  const right = Object.entries(kept).filter(([name, value]) => fits(name, value));
  return Object.fromEntries(right);
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function fits(name, value) {
  if (!Object.hasOwn(DEFAULTS, name)) return false;
  if (name === "microphone" || name === "speaker") return value === null || isDevice(value);
  if (name === "surroundings") return value === null || [0, 1, 2, 3].some((level) => level === value);
  if (name === "bargeIn") return value === null || value === "off" || value === "pause" || value === "stop";
  if (name === "theme") return value === "auto" || value === "light" || value === "dark";
  return typeof value === typeof DEFAULTS[/** @type {keyof Choices} */ (name)];
}

/** @param {unknown} value */
function isDevice(value) {
  const device = /** @type {Partial<Device> | null} */ (value);
  return typeof device === "object" && typeof device?.id === "string" && typeof device.label === "string";
}

/**
 * The browser's storage, undefined where the user forbids it.
 * @returns {Storage | undefined}
 */
export function storage() {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}

/**
 * What one's own speech does to speech that is heard: an interpreter in the ear is talked over, one out of the
 * loudspeaker would be in the way of who speaks.
 * @param {Pick<Choices, "bargeIn" | "headphones">} choices
 */
export function yielding({ bargeIn, headphones }) {
  return bargeIn ?? (headphones ? "off" : "pause");
}
