/** The captions of a room in one language, for a projector or streaming software: read, not heard. */

import { Preferences, storage } from "../preferences.js";
import { Conversation } from "./conversation.js";
import { Door } from "./door.js";
import { choose } from "./offer.js";
import { Seat } from "./seat.js";

/**
 * @typedef {import("../session/mirror.js").Said} Said
 * @typedef {import("./conversation.js").Line} Line
 * @typedef {object} View
 * @property {(said: Said[], withdrawn: number[]) => void} show
 * @property {(text: string) => void} tell why there is nothing to see; nothing at all where it is empty
 */

/**
 * Joins, and comes back by itself as long as there is a room.
 * @param {import("./address.js").Address} address
 * @param {string | null} language null: what the browser speaks
 * @param {View} view
 */
export function showRoom(address, language, { show, tell }) {
  const conversation = new Conversation();
  /** @type {import("./api.js").About | undefined} */
  let about;
  /** @param {string} tag */
  const direction = (tag) => (rtl(about, tag) ? "rtl" : "ltr");
  /** @param {Line} line */
  const said = (line) => captioned(line, direction, about?.speakers.length !== 1);

  /** @param {import("./api.js").About} told */
  function enter(told) {
    about = told;
    const heard = language ?? choose(told.languages, navigator.languages);
    const wish = { ...address, role: /** @type {const} */ ("listener"), name: "", source: "", language: heard };
    const seat = new Seat(conversation, wish, new Preferences(storage()).choices, {
      state: (state) => state === "live" && tell(conversation.lines.length ? "" : "Captions appear here as soon as somebody speaks."),
      trouble: (trouble) => trouble && tell(trouble.text),
      lines: ({ changed, withdrawn }) =>
        show(changed.filter(worthReading).map(said), withdrawn.map(({ id }) => id)),
      people: ({ speakers }) => (about = { ...told, speakers: [...speakers] }),
      notice: () => {},
      remark: () => {},
    }, { captions: true });
    void seat.join();
  }

  const door = new Door(address, { open: enter, trouble: (trouble) => tell(trouble?.text ?? "") });
  void door.knock();
}

/** Words in the language asked for; what somebody said in another one is not for this screen until then. @param {Line} line */
function worthReading({ translation }) {
  return translation.text !== "";
}

/**
 * @param {Line} line
 * @param {(tag: string) => string} direction
 * @param {boolean} named where several speak
 * @returns {Said}
 */
function captioned({ id, name, source, translation }, direction, named) {
  const before = named && name ? `${name}: ` : "";
  const { text, stable = 0 } = translation;
  const whole = { ...translation, text: before + text, stable: before.length + stable };
  return {
    id,
    source: { ...source, dir: direction(source.language) },
    translation: { ...whole, dir: direction(translation.language) },
  };
}

/**
 * @param {import("./api.js").About | undefined} about
 * @param {string} tag
 */
function rtl(about, tag) {
  return about?.languages.find((language) => language.tag === tag || language.tag === tag.split("-")[0])?.rtl;
}
